package cloudruntest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// follow watches Services until the watch ends, or for a time. It returns the
// status and the events, each as TYPE NAME/LATEST-READY-REVISION, once where they repeat.
func follow(t *testing.T, s *cloudruntest.Server, parameters string, during time.Duration) (code int, events []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+demo+"/services?watch=1&"+parameters, nil)
	require.NoError(t, err)
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	for from := json.NewDecoder(resp.Body); ; {
		var event object
		if from.Decode(&event) != nil {
			return resp.StatusCode, events
		}
		o, _ := event["object"].(object)
		if event["type"] == nil { // an error, or a list
			return resp.StatusCode, []string{event["kind"].(string)}
		}
		text := event["type"].(string)
		if name, ok := dig(o, "metadata", "name").(string); ok {
			text += " " + name
		}
		if revision, ok := dig(o, "status", "latestReadyRevisionName").(string); ok {
			text += "/" + strings.TrimPrefix(revision, "hello-")
		}
		if len(events) == 0 || events[len(events)-1] != text {
			events = append(events, text)
		}
	}
}

// version returns the resource version of the list.
func version(t *testing.T, s *cloudruntest.Server) string {
	t.Helper()
	_, list := do(t, s, "GET", demo+"/services", nil)
	return dig(list, "metadata", "resourceVersion").(string)
}

// Each change is one event: those of writers when they happen, those of
// controllers when they are due.
func TestWatch(t *testing.T) {
	clusterBubble(t, func(t *testing.T, s *cloudruntest.Server) {
		create(t, s, "early")
		do(t, s, "DELETE", demo+"/services/early", nil)
		before := version(t, s)
		create(t, s, "hello")
		create(t, s, "other", func(o object) { o["metadata"].(object)["labels"] = object{"team": "web"} })
		time.Sleep(time.Minute)
		ready := version(t, s)
		change := time.AfterFunc(5*time.Second, func() { edit(t, s, "hello", env("A", "1")) })
		defer change.Stop()
		remove := time.AfterFunc(30*time.Second, func() { do(t, s, "DELETE", demo+"/services/hello", nil) })
		defer remove.Stop()
		const name = "fieldSelector=metadata.name%3Dhello&"
		later := []string{"MODIFIED hello/00001", "MODIFIED hello/00002", "DELETED hello/00002"}
		start := time.Now()
		code, events := follow(t, s, name+"timeoutSeconds=40&resourceVersion="+ready, time.Hour)
		require.Equal(t, 200, code)
		require.Equal(t, later, events)
		require.Equal(t, 40*time.Second, time.Since(start), "as long as the caller wants")

		for parameters, want := range map[string][]string{
			name + "resourceVersion=" + before:                   append([]string{"ADDED hello", "MODIFIED hello", "MODIFIED hello/00001"}, later[1:]...),
			name + "resourceVersion=" + ready:                    later,
			"labelSelector=team%3Dweb&resourceVersion=" + before: {"ADDED other", "MODIFIED other", "MODIFIED other/other-00001"},
			"resourceVersion=":                                   {"ADDED other/other-00001"},
			"resourceVersion=0":                                  {"ADDED other/other-00001"},
			"resourceVersion=" + version(t, s):                   nil,
			"resourceVersion=999999999":                          nil,
			"resourceVersion=1":                                  {"ERROR"},
			name:                                                 nil,
			"fieldSelector=metadata.namespace%3Ddemo":            {"ADDED other/other-00001"},
			"fieldSelector=metadata.namespace%21%3Ddemo":         nil,
		} {
			code, events := follow(t, s, parameters+"&timeoutSeconds=1", time.Hour)
			require.Equal(t, 200, code, parameters)
			require.Equal(t, want, events, parameters)
		}
		for _, parameters := range []string{"resourceVersion=x", "labelSelector=a+b", "fieldSelector=spec.a%3Db"} {
			code, events := follow(t, s, parameters, time.Hour)
			require.Equal(t, 400, code, parameters)
			require.Equal(t, []string{"Status"}, events)
		}
		s.DenyPermission("run.services.watch")
		code, _ = follow(t, s, "", time.Hour)
		require.Equal(t, 403, code)
	})
}

// Bookmarks come only to those who want them. A watch without a timeout ends after
// half an hour.
func TestWatchBookmarks(t *testing.T) {
	clusterBubble(t, func(t *testing.T, s *cloudruntest.Server) {
		create(t, s, "hello")
		time.Sleep(time.Minute)
		at := "resourceVersion=" + version(t, s)
		start := time.Now()
		_, events := follow(t, s, at, time.Hour)
		require.Empty(t, events)
		require.Equal(t, 30*time.Minute, time.Since(start))
		_, events = follow(t, s, at+"&allowWatchBookmarks=true&timeoutSeconds=59", time.Hour)
		require.Empty(t, events)
		_, events = follow(t, s, at+"&allowWatchBookmarks=true&timeoutSeconds=200", time.Hour)
		require.Equal(t, []string{"BOOKMARK"}, events)
	})
}

// A watch from a version whose events were dropped has expired.
func TestWatchExpires(t *testing.T) {
	clusterBubble(t, func(t *testing.T, s *cloudruntest.Server) {
		create(t, s, "hello")
		time.Sleep(time.Minute)
		at := "timeoutSeconds=1&resourceVersion=" + version(t, s)
		for i := range 1100 {
			if i == 900 {
				_, events := follow(t, s, at, time.Hour)
				require.Equal(t, []string{"MODIFIED hello/00001"}, events)
			}
			edit(t, s, "hello", func(o object) {
				o["metadata"].(object)["labels"] = object{"i": strconv.Itoa(i)}
			})
		}
		_, events := follow(t, s, at, time.Hour)
		require.Equal(t, []string{"ERROR"}, events)
	})
}

// Cloud Run has no watch: it ignores the parameter.
func TestCloudRunHasNoWatch(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	code, list := do(t, s, "GET", demo+"/services?"+url.Values{"watch": {"1"}}.Encode(), nil)
	require.Equal(t, 200, code)
	require.Equal(t, "ServiceList", list["kind"])
}
