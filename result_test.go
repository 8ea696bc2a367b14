package cloudrun_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// answered deploys to an existing Service. The server responds with the given object.
func answered(t *testing.T, annotations, status string) *cloudrun.Result {
	t.Helper()
	s, c := newServer(t)
	d := cloudrun.NewDeployer(c)
	_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
	require.NoError(t, err)
	s.Fault(cloudruntest.Fault{Method: http.MethodPut, After: true, Status: 200, Body: `{"apiVersion": "serving.knative.dev/v1", "kind": "Service",
		"metadata": {"name": "hello", "namespace": "demo", "generation": 2, "resourceVersion": "v2", "annotations": {` + annotations + `}},
		"spec": {"template": {"spec": {"containers": [{"image": "` + image + `"}]}}}, "status": {"observedGeneration": 2, ` + status + `}}`})
	r, err := d.Deploy(t.Context(), "hello", cloudrun.WithDescription("x"), cloudrun.Async())
	require.NoError(t, err)
	return r
}

func TestResultTellsTheURLs(t *testing.T) {
	t.Parallel()
	const status = `"url": "https://status.example.com", "traffic": [{"revisionName": "hello-v1", "percent": 100, "url": "https://no-tag.example.com"},
		{"revisionName": "hello-v1", "tag": "blue", "url": "https://blue.example.com"}]`
	for name, tc := range map[string]struct {
		annotations string
		want        []string
	}{
		"of the annotation":                 {`"run.googleapis.com/urls": "[\"https://a.example.com\", \"https://b.example.com\"]"`, []string{"https://a.example.com", "https://b.example.com"}},
		"of the status, where it has none":  {``, []string{"https://status.example.com"}},
		"of the status, where it is empty":  {`"run.googleapis.com/urls": ""`, []string{"https://status.example.com"}},
		"of the status, where it is no URL": {`"run.googleapis.com/urls": "[]"`, []string{"https://status.example.com"}},
		"of the status, where it is broken": {`"run.googleapis.com/urls": "[\"https://a.example.com\", 7"`, []string{"https://status.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				r := answered(t, tc.annotations, status)
				require.Equal(t, tc.want, r.URLs)
				require.Equal(t, tc.want[0], r.URL)
				require.Equal(t, map[string]string{"blue": "https://blue.example.com"}, r.TagURLs)
			})
		})
	}
}

// Conditions of severity Warning are reported and decide nothing.
func TestResultWarns(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		r := answered(t, ``, `"conditions": [{"type": "Ready", "status": "True"}, {"type": "Quota", "status": "False", "severity": "Warning", "message": "It is nearly used up."},
			{"type": "Fine", "status": "True", "severity": "Warning", "message": "no"}, {"type": "Silent", "status": "False", "severity": "Warning"}, {"type": "Note", "status": "False", "severity": "Info", "message": "no"}]`)
		require.Equal(t, []string{"It is nearly used up."}, r.Warnings)
	})
}

// A Revision that fails gets no traffic yet. That is no warning where it gets
// the traffic when it is ready; it is one where the traffic is pinned.
func TestResultOfAFailedUpdate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		to   cloudrun.TrafficOption
		want int
	}{
		"latest": {cloudrun.ToLatest(), 0},
		"pinned": {cloudrun.ToRevision("hello-v1", 100), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
				_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v1"))
				require.NoError(t, err)
				_, err = d.UpdateTraffic(t.Context(), "hello", tc.to)
				require.NoError(t, err)
				s.Script("hello", cloudruntest.NotListening())
				r, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v2"))
				var failed *cloudrun.NotReadyError
				require.ErrorAs(t, err, &failed)
				require.Zero(t, r.Percent)
				require.Len(t, r.Warnings, tc.want)
			})
		})
	}
}

// Every warning of a result is also an event.
func TestWarningsAreEvents(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		_, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v1", 100))
		require.NoError(t, err)
		var warned []string
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"), cloudrun.WithProgress(func(e cloudrun.Event) {
			if e.Kind == cloudrun.Warned {
				warned = append(warned, e.Message)
			}
		}))
		require.NoError(t, err)
		require.Len(t, r.Warnings, 1)
		require.Contains(t, r.Warnings[0], "gets no traffic, which is pinned to hello-v1=100")
		require.Equal(t, r.Warnings, warned)
	})
}

// The name of a named Revision is known before the server reports it.
func TestResultOfAnAsyncDeploy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opts []cloudrun.DeployOption
		want string
	}{
		"of a named Revision": {[]cloudrun.DeployOption{cloudrun.WithRevisionSuffix("v2")}, "hello-v2"},
		"of another":          {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
				_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v1"))
				require.NoError(t, err)
				s.Script("hello", cloudruntest.Script{TimeToReady: time.Hour, ObservedLag: time.Minute})
				r, err := d.Deploy(t.Context(), "hello", append(tc.opts, cloudrun.Async())...)
				require.NoError(t, err)
				require.Equal(t, tc.want, r.Revision)
				require.EqualValues(t, 100, r.Percent, "LATEST will be it")
			})
		})
	}
}

// Publishing is a stage of its own whose failure is reported once. A new Service is already private.
func TestPublishing(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		stages := map[cloudrun.Stage]int{}
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.WithProgress(func(e cloudrun.Event) {
			switch e.Kind {
			case cloudrun.StageStarted:
				stages[e.Stage]++
			case cloudrun.StageDone, cloudrun.StageFailed:
				stages[e.Stage]--
			}
		}))
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithoutPublicAccess())
		require.NoError(t, err)
		for _, r := range s.Requests() {
			require.NotContains(t, r.Path, "IamPolicy")
		}
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithPublicAccess())
		require.NoError(t, err)
		require.Contains(t, stages, cloudrun.StagePublish)
		for stage, open := range stages {
			require.Zero(t, open, "%s", stage)
		}
		s.Fault(cloudruntest.Fault{Method: http.MethodPost, Path: "setIamPolicy", Times: -1, Status: 403})
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithoutPublicAccess())
		require.Equal(t, 1, strings.Count(err.Error(), "service \"hello\""), "%v", err)
	})
}

// The text, the JSON and the log of a result say what was deployed, where, and how long it took.
func TestResultSaysWhatWhereAndHowLong(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Script("hello", cloudruntest.Script{TimeToReady: 9 * time.Second})
		r, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"), cloudrun.WithTag("blue"))
		require.NoError(t, err)
		require.Equal(t, []any{"demo", "us-central1", int64(1)}, []any{r.Project, r.Region, r.Generation})
		require.InDelta(t, 9, r.Duration.Seconds(), 1)
		r.Duration, r.Warnings, r.URLs = 9*time.Second, []string{"beware"}, r.URLs[:1]
		url, blue := r.URL, r.TagURLs["blue"]

		require.Equal(t, `service "hello" (demo, us-central1): created: revision "hello-v1" with 100% of the traffic, "`+url+`" (9s)`, fmt.Sprint(r))
		encoded, err := json.Marshal(r)
		require.NoError(t, err)
		require.Equal(t, `{"service":"hello","project":"demo","region":"us-central1","generation":1,"action":"created","revision":"hello-v1","percent":100,"ready":true,`+
			`"url":"`+url+`","urls":["`+url+`"],"tagUrls":{"blue":"`+blue+`"},"warnings":["beware"],"durationSeconds":9}`, string(encoded))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("deployed", "result", r)
		require.Contains(t, log.String(), `result.service=hello result.project=demo result.region=us-central1 result.generation=1 result.action=created `+
			`result.revision=hello-v1 result.percent=100 result.ready=true result.url=`+url+` result.tagUrls=map[blue:`+blue+`] result.warnings=[beware] result.duration=9s`)
	})
}

// A result of a call that does not wait claims no traffic before it flows.
func TestResultOfACallThatDoesNotWait(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Script("hello", cloudruntest.Script{TimeToReady: 9 * time.Second})
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"))
		r, err := d.Deploy(t.Context(), "hello", cloudrun.Async())
		require.NoError(t, err)
		require.False(t, r.Ready)
		require.Contains(t, r.String(), `with 100% of the traffic when it is ready`)
	})
}

// A call that writes nothing reports the current generation.
func TestGenerationOfAResult(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		for _, want := range []int64{1, 2, 2} {
			r, err := d.Deploy(t.Context(), "hello", cloudrun.WithCPU(fmt.Sprint(want)), cloudrun.IfChanged())
			require.NoError(t, err)
			require.Equal(t, want, r.Generation, r)
		}
	})
}

// On a cluster the project is the namespace. A result without a Service can be printed.
func TestResultOfACluster(t *testing.T) {
	t.Parallel()
	r := cloudrun.Result{Project: "default", Action: cloudrun.Updated, Duration: 1234567 * time.Microsecond}
	require.Equal(t, `service "" (default): updated: revision "" with 0% of the traffic, "" (1.235s)`, r.String())
	encoded, err := json.Marshal(r)
	require.NoError(t, err)
	require.NotContains(t, string(encoded), "region")
	require.NotContains(t, r.LogValue().String(), "region")
}
