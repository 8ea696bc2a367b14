package cloudruntest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

func fetch(t *testing.T, c *http.Client, url string, token ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	require.NoError(t, err)
	if len(token) > 0 {
		req.Header.Set("Authorization", "Bearer "+token[0])
	}
	resp, err := c.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func makePublic(t *testing.T, s *cloudruntest.Server) {
	t.Helper()
	require.NoError(t, s.SetPolicy("demo", "hello", json.RawMessage(`{"bindings":[{"role":"roles/run.invoker","members":["allUsers"]}]}`)))
}

func urlOf(sv object) string { return dig(sv, "status", "url").(string) }

func TestServiceAnswersWhoMayCall(t *testing.T) {
	onBoth(t, func(t *testing.T, s *cloudruntest.Server) {
		at := urlOf(create(t, s, "hello"))
		code, page := fetch(t, s.Client(), at)
		require.Equal(t, 403, code)
		require.Contains(t, page, "Your client does not have permission")
		code, _ = fetch(t, s.Client(), at, "a-token")
		require.Equal(t, 200, code)
		makePublic(t, s)
		code, page = fetch(t, s.Client(), at)
		require.Equal(t, 200, code)
		require.Contains(t, page, "Service hello, revision hello-00001-")
		code, _ = fetch(t, s.Client(), "https://hello-123456789012.us-central1.run.app/some/path")
		require.Equal(t, 200, code, "each of its host names leads to it")
		code, _ = fetch(t, s.Client(), "https://nobody-123456789012.us-central1.run.app")
		require.Equal(t, 404, code)
		do(t, s, "DELETE", demo+"/services/hello", nil)
		code, _ = fetch(t, s.Client(), "https://hello-123456789012.us-central1.run.app")
		require.Equal(t, 404, code)
	})
}

func TestServiceAnswersByItsSettings(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	sv := create(t, s, "hello")
	annotate := func(key, value string) object {
		return edit(t, s, "hello", func(sv object) { dig(sv, "metadata", "annotations").(object)[key] = value })
	}
	annotate("run.googleapis.com/invoker-iam-disabled", "True")
	code, _ := fetch(t, s.Client(), urlOf(sv))
	require.Equal(t, 200, code)
	annotate("run.googleapis.com/ingress", "internal")
	code, _ = fetch(t, s.Client(), urlOf(sv))
	require.Equal(t, 404, code)
	annotate("run.googleapis.com/ingress", "all")
	off := annotate("run.googleapis.com/default-url-disabled", "True")
	code, _ = fetch(t, s.Client(), urlOf(sv))
	require.Equal(t, 404, code)
	require.Nil(t, dig(off, "status", "url"))

	conditional := `{"version":3,"bindings":[{"role":"roles/run.invoker","members":["allUsers"],"condition":{"title":"t","expression":"false"}}]}`
	other := urlOf(create(t, s, "other"))
	require.NoError(t, s.SetPolicy("demo", "other", json.RawMessage(conditional)))
	code, _ = fetch(t, s.Client(), other)
	require.Equal(t, 403, code, "a conditional binding does not make a Service public")
}

func TestContainers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var mu sync.Mutex
	var started []cloudruntest.Container
	s.Handle("example.com/app", func(c cloudruntest.Container) http.Handler {
		mu.Lock()
		defer mu.Unlock()
		c.Stdout, c.Stderr = nil, nil // not part of the description
		started = append(started, c)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, c.Env["GREETING"], r.URL.Path) })
	})
	sv := create(t, s, "hello", func(sv object) {
		c := dig(sv, "spec", "template", "spec", "containers", 0).(object)
		c["image"] = "example.com/app:v1@sha256:" + strings.Repeat("0", 64)
		c["ports"] = []any{object{"containerPort": 9000}}
		c["args"], c["command"] = []any{"-v"}, []any{"/app"}
		c["env"] = []any{object{"name": "GREETING", "value": "hi"}, object{"name": "SECRET", "valueFrom": object{"secretKeyRef": object{"name": "s", "key": "1"}}}}
	})
	makePublic(t, s)
	for range 3 {
		code, body := fetch(t, s.Client(), urlOf(sv)+"/there")
		require.Equal(t, 200, code)
		require.Equal(t, "hi/there", body)
	}
	rev := dig(sv, "status", "latestReadyRevisionName").(string)
	require.Equal(t, []cloudruntest.Container{{
		Service: "hello", Revision: rev, Configuration: "hello", Image: dig(sv, "spec", "template", "spec", "containers", 0, "image").(string), Port: 9000,
		Env:     map[string]string{"GREETING": "hi", "PORT": "9000", "K_SERVICE": "hello", "K_REVISION": rev, "K_CONFIGURATION": "hello"},
		Command: []string{"/app"}, Args: []string{"-v"},
	}}, started, "a container starts once")

	edit(t, s, "hello", func(sv object) {
		dig(sv, "spec", "template", "spec", "containers", 0).(object)["image"] = "example.com/unknown"
	})
	code, body := fetch(t, s.Client(), urlOf(sv))
	require.Equal(t, 200, code)
	require.Contains(t, body, "is running example.com/unknown")
}

func TestTrafficIsSplitExactly(t *testing.T) {
	onBoth(t, func(t *testing.T, s *cloudruntest.Server) {
		s.Handle(image, func(c cloudruntest.Container) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.Revision) })
		})
		old := dig(create(t, s, "hello"), "status", "latestReadyRevisionName").(string)
		makePublic(t, s)
		edit(t, s, "hello", env("A", "1"))
		sv := edit(t, s, "hello", split(object{"revisionName": old, "percent": 90, "tag": "old"}, object{"latestRevision": true, "percent": 10}, object{"latestRevision": true, "tag": "new"}))
		latest := dig(sv, "status", "latestReadyRevisionName").(string)
		got := map[string]int{}
		for range 1000 {
			_, body := fetch(t, s.Client(), urlOf(sv))
			got[body]++
		}
		require.Equal(t, map[string]int{old: 900, latest: 100}, got)
		_, body := fetch(t, s.Client(), dig(sv, "status", "traffic", 0, "url").(string))
		require.Equal(t, old, body)
		tagged := dig(sv, "status", "traffic", 2, "url").(string)
		_, body = fetch(t, s.Client(), tagged)
		require.Equal(t, latest, body)
		edit(t, s, "hello", split(object{"latestRevision": true, "percent": 100}))
		if strings.HasPrefix(tagged, "https://") {
			code, _ := fetch(t, s.Client(), tagged)
			require.Equal(t, 404, code, "the tag is gone")
		}
	})
}

func TestServiceThatIsNotReadyDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{}})
	sv := create(t, s, "hello")
	makePublic(t, s)
	code, _ := fetch(t, s.Client(), urlOf(sv))
	require.Equal(t, 404, code)
}

func TestPanicsOfContainersStayThere(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Handle(image, func(cloudruntest.Container) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("container") })
	})
	sv := create(t, s, "hello")
	makePublic(t, s)
	_, err := request(t.Context(), s, "GET", urlOf(sv), "")
	require.Error(t, err)
	get(t, s, "hello")
}

func TestCloseLeavesNothing(t *testing.T) {
	for _, opts := range [][]cloudruntest.Option{{}, {cloudruntest.InProcess()}} {
		before := goleak.IgnoreCurrent()
		s := cloudruntest.NewServer(opts...)
		s.Script("hello", cloudruntest.Script{NeverReady: true, TimeToReady: 1})
		sv := create(t, s, "hello")
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = request(t.Context(), s, "POST", regional+operation(sv)+":wait", "")
		}()
		s.Close()
		s.Close()
		<-done
		_, err := request(t.Context(), s, "GET", regional+demo+"/services", "")
		require.Error(t, err)
		goleak.VerifyNone(t, before)
	}
}

func TestManyAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *cloudruntest.Server) {
		create(t, s, "hello")
		makePublic(t, s)
		var wg sync.WaitGroup
		errs := make(chan error, 8*6)
		for i := range 8 {
			wg.Go(func() {
				name := fmt.Sprintf("s%d", i)
				doc, _ := json.Marshal(minimal(name))
				for _, call := range [][3]string{
					{"POST", "/services", string(doc)}, {"GET", "/services", ""}, {"PUT", "/services/" + name, string(doc)},
					{"GET", "/revisions", ""}, {"DELETE", "/services/" + name, ""},
				} {
					_, err := request(t.Context(), s, call[0], regional+demo+call[1], call[2])
					errs <- err
				}
				_, err := request(t.Context(), s, "GET", "https://hello-123456789012.us-central1.run.app", "")
				errs <- err
				s.Requests()
				s.Service("demo", name)
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
	})
}
