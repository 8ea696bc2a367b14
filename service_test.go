package cloudrun_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

func TestServiceLife(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		ctx := t.Context()
		_, err := c.GetService(ctx, "hello")
		require.True(t, apierrors.IsNotFound(err), err)

		given := newService(t, "hello")
		given.Namespace = ""
		copied := given.DeepCopy()
		created, err := c.CreateService(ctx, given)
		require.NoError(t, err)
		require.Equal(t, copied, given, "what was given stays as it was")
		require.EqualValues(t, 1, created.Generation)
		require.NotEmpty(t, created.UID)
		_, err = c.CreateService(ctx, given)
		require.True(t, apierrors.IsAlreadyExists(err), err)

		got, err := c.GetService(ctx, "hello")
		require.NoError(t, err)
		old := got.DeepCopy()
		got.Spec.Template.Name, got.Spec.Template.Spec.TimeoutSeconds = "", new(int64)
		*got.Spec.Template.Spec.TimeoutSeconds = 60
		replaced, err := c.ReplaceService(ctx, got)
		require.NoError(t, err)
		require.EqualValues(t, 2, replaced.Generation)
		_, err = c.ReplaceService(ctx, old)
		require.True(t, apierrors.IsConflict(err), "a version that is no more: %v", err)
		old.ResourceVersion = ""
		old.Spec.Template.Name = ""
		replaced, err = c.ReplaceService(ctx, old)
		require.NoError(t, err, "without a version it is written over whatever is there")
		require.EqualValues(t, 3, replaced.Generation)

		require.NoError(t, c.DeleteService(ctx, "hello"))
		err = c.DeleteService(ctx, "hello")
		require.True(t, apierrors.IsNotFound(err), err)
		require.ErrorContains(t, err, "delete service: get service projects/demo/locations/us-central1/services/hello")
	})
}

func TestServicesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	revision := newService(t, "hello")
	revision.Kind = "Revision"
	old := newService(t, "hello")
	old.APIVersion = "serving.knative.dev/v1alpha1"
	for problem, given := range map[string]*service{"is nil": nil, "Revision": revision, "v1alpha1": old, `"Bad"`: named("Bad")} {
		_, err := c.CreateService(t.Context(), given)
		require.ErrorContains(t, err, problem)
		_, err = c.ReplaceService(t.Context(), given)
		require.ErrorContains(t, err, problem)
	}
	_, err := c.UpdateService(t.Context(), "hello", nil)
	require.ErrorContains(t, err, "edit is nil")
	require.Empty(t, s.Requests())
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	ctx := t.Context()
	made, err := c.CreateService(ctx, newService(t, "new"), cloudrun.DryRun())
	require.NoError(t, err)
	require.NotNil(t, made.Spec.Template.Spec.TimeoutSeconds, "the answer has the server's defaults")
	_, ok := s.Service("demo", "new")
	require.False(t, ok)

	_, err = c.CreateService(ctx, newService(t, "hello"))
	require.NoError(t, err)
	before, _ := s.Service("demo", "hello")
	s.ResetHistory()
	updated, err := c.UpdateService(ctx, "hello", func(s *service) error {
		s.Spec.Template.Spec.ServiceAccountName = "other@demo.iam.gserviceaccount.com"
		return nil
	}, cloudrun.DryRun())
	require.NoError(t, err)
	require.Equal(t, "other@demo.iam.gserviceaccount.com", updated.Spec.Template.Spec.ServiceAccountName)
	replacement := newService(t, "hello", cloudrun.WithEnv("A", "1"))
	_, err = c.ReplaceService(ctx, replacement, cloudrun.DryRun())
	require.NoError(t, err)
	replacement.Labels = map[string]string{"Wrong Key": "v"}
	_, err = c.ReplaceService(ctx, replacement, cloudrun.DryRun())
	require.True(t, apierrors.IsBadRequest(err), "a dry run is checked: %v", err)
	after, _ := s.Service("demo", "hello")
	require.JSONEq(t, string(before), string(after))
	require.Empty(t, s.History())
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		for _, name := range []string{"hello", "other"} {
			for _, stage := range []string{"one", "two"} {
				_, err := d.Deploy(t.Context(), name, cloudrun.WithLabel("stage", stage), cloudrun.WithRevisionSuffix(stage))
				require.NoError(t, err)
			}
		}
		names := func(opts ...cloudrun.ListOption) (all []string) {
			for r, err := range c.ListRevisions(t.Context(), opts...) {
				require.NoError(t, err)
				all = append(all, r.Name)
			}
			return all
		}
		require.Len(t, names(), 4)
		require.ElementsMatch(t, []string{"hello-one", "hello-two"}, names(cloudrun.WithService("hello")))
		require.ElementsMatch(t, []string{"hello-one", "other-one"}, names(cloudrun.WithLabelSelector("stage=one")))
		require.Equal(t, []string{"other-two"}, names(cloudrun.WithService("other"), cloudrun.WithLabelSelector("stage in (two, three)")))

		r, err := c.GetRevision(t.Context(), "hello-one")
		require.NoError(t, err)
		require.Equal(t, "one", r.Labels["stage"])
		require.Error(t, c.DeleteRevision(t.Context(), "hello-two"), "it serves")
		require.NoError(t, c.DeleteRevision(t.Context(), "hello-one"))
		_, err = c.GetRevision(t.Context(), "hello-one")
		require.True(t, apierrors.IsNotFound(err), err)
		err = c.DeleteRevision(t.Context(), "hello-one")
		require.True(t, apierrors.IsNotFound(err), err)
	})
}

// strange is a Service with fields at every level that the Knative types do not know and spellings that they change.
const strange = `{
  "apiVersion": "serving.knative.dev/v1", "kind": "Service", "futureTop": {"a": [1, 2.50, null]},
  "metadata": {
    "name": "hello", "namespace": "123456789012", "generation": 3, "resourceVersion": "AAYabc00003", "uid": "7d5f2a10-0000-4000-8000-000000000001",
    "creationTimestamp": "2025-05-01T12:00:00.123456Z", "clusterName": "c", "futureMeta": 1,
    "annotations": {"example.com/own": "1"}, "labels": {"team": "web"}
  },
  "spec": {
    "futureSpec": true,
    "template": {
      "futureTemplate": "x",
      "metadata": {"futureTemplateMeta": {"b": false}, "annotations": {"autoscaling.knative.dev/maxScale": "100"}},
      "spec": {
        "sandboxes": [{"name": "s", "deep": {"er": 0}}], "containerConcurrency": 0, "timeoutSeconds": 300,
        "containers": [
          {"name": "app", "image": "us-docker.pkg.dev/demo/app/api:v1", "sourceCode": {"cloudStorageSource": {"bucket": "b", "generation": 12345678901234567890}},
           "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "futureResources": 1},
           "env": [{"name": "A", "value": "", "futureEnv": 1}, {"name": "B", "value": "2"}, {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "1", "localObjectReference": {"name": "s"}}}}],
           "ports": [{"containerPort": 8080, "name": "http1", "futurePort": 1}],
           "startupProbe": {"tcpSocket": {"port": 8080}, "initialDelaySeconds": 0, "futureProbe": 2},
           "volumeMounts": [{"name": "v", "mountPath": "/v", "futureMount": 1}]},
          {"name": "proxy", "image": "us-docker.pkg.dev/demo/app/proxy:v1", "dependsOn": ["app"], "futureContainer": {}}
        ],
        "volumes": [{"name": "v", "futureVolume": 1, "emptyDir": {"medium": "Memory", "sizeLimit": "0.5Gi", "futureDir": 1}},
                    {"name": "w", "nfs": {"server": "10.0.0.1", "path": "/", "readOnly": false}}]
      }
    },
    "traffic": [{"latestRevision": true, "percent": 90, "futureTarget": 1}, {"revisionName": "hello-00002", "percent": 10, "tag": "old", "futureTarget": 2}]
  }
}`

// serviceSet sets a field of a decoded document, or removes it if the value is
// nil. A function edits the existing list. Numbers are positions in lists.
func serviceSet(doc any, value any, path ...any) {
	for _, step := range path[:len(path)-1] {
		switch step := step.(type) {
		case string:
			doc = doc.(map[string]any)[step]
		case int:
			doc = doc.([]any)[step]
		}
	}
	switch last := path[len(path)-1].(type) {
	case string:
		object := doc.(map[string]any)
		switch value := value.(type) {
		case nil:
			delete(object, last)
		case func([]any) []any:
			object[last] = value(object[last].([]any))
		default:
			object[last] = value
		}
	case int:
		doc.([]any)[last] = value
	}
}

func TestUpdatesKeepWhatTheTypesDoNotKnow(t *testing.T) {
	t.Parallel()
	type change struct {
		value any // nil removes it
		path  []any
	}
	template := []any{"spec", "template"}
	pod := append(template, "spec")
	in := func(parent []any, steps ...any) []any { return append(parent[:len(parent):len(parent)], steps...) }
	for name, tc := range map[string]struct {
		edit func(*service)
		want []change
	}{
		"image": {func(s *service) { s.Spec.Template.Spec.Containers[0].Image = "us-docker.pkg.dev/demo/app/api:v2" },
			[]change{{"us-docker.pkg.dev/demo/app/api:v2", in(pod, "containers", 0, "image")}}},
		"label": {func(s *service) { s.Labels["stage"] = "prod" }, []change{{"prod", []any{"metadata", "labels", "stage"}}}},
		"template annotation": {func(s *service) { s.Spec.Template.Annotations["autoscaling.knative.dev/maxScale"] = "7" },
			[]change{{"7", in(template, "metadata", "annotations", "autoscaling.knative.dev/maxScale")}}},
		"env value": {func(s *service) { s.Spec.Template.Spec.Containers[0].Env[1].Value = "3" },
			[]change{{"3", in(pod, "containers", 0, "env", 1, "value")}}},
		"probe": {func(s *service) { s.Spec.Template.Spec.Containers[0].StartupProbe.PeriodSeconds = 5 },
			[]change{{json.Number("5"), in(pod, "containers", 0, "startupProbe", "periodSeconds")}}},
		"mount": {func(s *service) { s.Spec.Template.Spec.Containers[0].VolumeMounts[0].SubPath = "data" },
			[]change{{"data", in(pod, "containers", 0, "volumeMounts", 0, "subPath")}}},
		"volume": {func(s *service) { s.Spec.Template.Spec.Volumes[0].EmptyDir.Medium = "Disk" },
			[]change{{"Disk", in(pod, "volumes", 0, "emptyDir", "medium")}}},
		"traffic": {func(s *service) { *s.Spec.Traffic[0].Percent, *s.Spec.Traffic[1].Percent = 50, 50 },
			[]change{{json.Number("50"), []any{"spec", "traffic", 0, "percent"}}, {json.Number("50"), []any{"spec", "traffic", 1, "percent"}}}},
		"a container is removed": {func(s *service) { s.Spec.Template.Spec.Containers = s.Spec.Template.Spec.Containers[:1] },
			[]change{{func(was []any) []any { return was[:1] }, in(pod, "containers")}}},
		"a container is put first": {func(s *service) {
			s.Spec.Template.Spec.Containers = append([]corev1.Container{{Name: "new", Image: "i"}}, s.Spec.Template.Spec.Containers...)
		}, []change{{func(was []any) []any { return append([]any{map[string]any{"name": "new", "image": "i"}}, was...) }, in(pod, "containers")}}},
		"timeout": {func(s *service) { *s.Spec.Template.Spec.TimeoutSeconds = 60 }, []change{{json.Number("60"), in(pod, "timeoutSeconds")}}},
		"annotation removed": {func(s *service) { delete(s.Annotations, "example.com/own") },
			[]change{{nil, []any{"metadata", "annotations", "example.com/own"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newServer(t)
			require.NoError(t, s.PutService("demo", "us-central1", json.RawMessage(strange)))
			raw, _ := s.Service("demo", "hello")
			want := fields(t, string(raw))
			_, err := c.UpdateService(t.Context(), "hello", func(s *service) error { tc.edit(s); return nil })
			require.NoError(t, err)
			for _, change := range tc.want {
				serviceSet(want, change.value, change.path...)
			}
			requests := s.Requests()
			put := requests[len(requests)-1]
			require.Equal(t, http.MethodPut, put.Method)
			require.Equal(t, want, fields(t, string(put.Body)))
		})
	}
}

func TestUpdateThatChangesNothing(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	require.NoError(t, s.PutService("demo", "us-central1", json.RawMessage(strange)))
	for name, edit := range map[string]func(*service) error{
		"nothing":       func(*service) error { return nil },
		"same value":    func(s *service) error { s.Labels["team"] = "web"; return nil },
		"to and fro":    func(s *service) error { s.Name = "other"; s.Name = "hello"; return nil },
		"nil and empty": func(s *service) error { s.Spec.Template.Labels = map[string]string{}; return nil },
	} {
		s.ResetRequests()
		got, err := c.UpdateService(t.Context(), "hello", edit)
		require.NoError(t, err, name)
		require.Equal(t, "hello", got.Name)
		require.Equal(t, []string{"GET /apis/serving.knative.dev/v1/namespaces/demo/services/hello"}, methods(s.Requests()), name)
	}
}

func TestUpdateThatIsRefused(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	require.NoError(t, s.PutService("demo", "us-central1", json.RawMessage(strange)))
	own := errors.New("not this one")
	for problem, edit := range map[string]func(*service) error{
		"name, namespace or uid": func(s *service) error { s.Name = "other"; return nil },
		"namespace or uid":       func(s *service) error { s.Namespace = "other"; return nil },
		"uid":                    func(s *service) error { s.UID = "other"; return nil },
		own.Error():              func(*service) error { return own },
	} {
		_, err := c.UpdateService(t.Context(), "hello", edit)
		require.ErrorContains(t, err, problem)
		var failed *cloudrun.DeployError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, cloudrun.NotWritten, failed.Outcome)
		require.Equal(t, cloudrun.StageOptions, failed.Stage)
		require.Equal(t, problem == own.Error(), errors.Is(err, own))
	}
	require.Empty(t, s.History())
	_, err := c.UpdateService(t.Context(), "missing", func(*service) error { return nil })
	require.True(t, apierrors.IsNotFound(err), err)
}

func TestUpdateDropsTheNameOfTheOldRevision(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("one"))
		require.NoError(t, err)
		s, err := c.UpdateService(t.Context(), "hello", func(s *service) error { s.Labels = map[string]string{"a": "b"}; return nil })
		require.NoError(t, err)
		require.Equal(t, "hello-one", s.Spec.Template.Name, "the template is the same")
		s, err = c.UpdateService(t.Context(), "hello", func(s *service) error { s.Spec.Template.Spec.Containers[0].Image += "2"; return nil })
		require.NoError(t, err)
		require.Empty(t, s.Spec.Template.Name)
		s, err = c.UpdateService(t.Context(), "hello", func(s *service) error { s.Spec.Template.Name = "hello-three"; return nil })
		require.NoError(t, err)
		require.Equal(t, "hello-three", s.Spec.Template.Name)
	})
}

// A concurrent change between read and write is neither lost nor overwritten.
func TestUpdateIsEditedAgainAfterAConflict(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		_, err := c.CreateService(t.Context(), newService(t, "hello"))
		require.NoError(t, err)
		tries := 0
		got, err := c.UpdateService(t.Context(), "hello", func(ours *service) error {
			require.NotContains(t, ours.Labels, "ours", "each try edits a fresh copy")
			if tries++; tries <= 3 {
				_, err := c.UpdateService(t.Context(), "hello", func(theirs *service) error {
					theirs.Labels = map[string]string{"theirs": fmt.Sprint(tries)}
					return nil
				})
				require.NoError(t, err)
			}
			if ours.Labels == nil {
				ours.Labels = map[string]string{}
			}
			ours.Labels["ours"] = "1"
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, 4, tries)
		require.Equal(t, "3", got.Labels["theirs"])
		require.Equal(t, "1", got.Labels["ours"])

		start := time.Now()
		s.Fault(cloudruntest.Fault{Method: http.MethodPut, Status: http.StatusConflict, Times: -1})
		_, err = c.UpdateService(t.Context(), "hello", func(s *service) error { s.Labels["ours"] = "2"; return nil })
		require.True(t, apierrors.IsConflict(err), err)
		require.Less(t, time.Since(start), 5*time.Minute, "it ends")
		var failed *cloudrun.DeployError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, cloudrun.NotWritten, failed.Outcome)
	})
}

// Whatever happens to the response, the edit takes effect once and is reported correctly.
func TestUpdateWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudruntest.Fault{
		"reset before the effect": {Reset: true},
		"reset after the effect":  {Reset: true, After: true},
		"503 before the effect":   {Status: 503},
		"503 after the effect":    {Status: 503, After: true},
		"twice":                   {Status: 502, After: true, Times: 2},
		"truncated":               {Truncate: 30, After: true},
		"a page":                  {Status: 200, Body: "<html>", ContentType: "text/html", After: true},
		"another object":          {Status: 200, Body: "{}", ContentType: "application/json", After: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				_, err := c.CreateService(t.Context(), newService(t, "hello", cloudrun.WithMaxInstances(1)))
				require.NoError(t, err)
				faulty := fault
				faulty.Method = http.MethodPut
				s.Fault(faulty)
				got, err := c.UpdateService(t.Context(), "hello", func(s *service) error {
					s.Spec.Template.Annotations["autoscaling.knative.dev/maxScale"] += "0"
					return nil
				})
				require.NoError(t, err)
				require.Equal(t, "10", got.Spec.Template.Annotations["autoscaling.knative.dev/maxScale"], "once, not twice")
				require.EqualValues(t, 2, got.Generation)
				require.Len(t, s.Revisions("demo", "hello"), 2)
			})
		})
	}
	t.Run("and no later request is answered", func(t *testing.T) {
		t.Parallel()
		inVirtualTime(t, func(t *testing.T) {
			s, c := newServer(t)
			_, err := c.CreateService(t.Context(), newService(t, "hello"))
			require.NoError(t, err)
			s.Fault(cloudruntest.Fault{Skip: 1, Times: -1, Reset: true, After: true})
			_, err = c.UpdateService(t.Context(), "hello", func(s *service) error { s.Labels = map[string]string{"a": "b"}; return nil })
			var failed *cloudrun.DeployError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, cloudrun.WriteUnknown, failed.Outcome)
		})
	})
}

// A single create or replace that may have taken effect is not retried: the result would be wrong.
func TestWritesAreRepeatedOnlyIfThatIsSafe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault cloudruntest.Fault
		posts int
		fails bool
	}{
		"refused for a while":    {cloudruntest.Fault{Status: 429, Times: 2}, 3, false},
		"reset":                  {cloudruntest.Fault{Reset: true}, 1, true},
		"reset after the effect": {cloudruntest.Fault{Reset: true, After: true}, 1, true},
		"503":                    {cloudruntest.Fault{Status: 503}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				s.Fault(tc.fault)
				_, err := c.CreateService(t.Context(), newService(t, "hello"))
				require.Equal(t, tc.fails, err != nil, err)
				require.False(t, apierrors.IsAlreadyExists(err), err)
				require.Len(t, s.Requests(), tc.posts)
			})
		})
	}
}

func TestDeletesAreRepeated(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudruntest.Fault{
		"reset before the effect": {Reset: true},
		"reset after the effect":  {Reset: true, After: true},
		"503 after the effect":    {Status: 503, After: true},
		"429":                     {Status: 429},
		"truncated":               {Truncate: 5, After: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				_, err := c.CreateService(t.Context(), newService(t, "hello"))
				require.NoError(t, err)
				faulty := fault
				faulty.Method = http.MethodDelete
				s.Fault(faulty)
				require.NoError(t, c.DeleteService(t.Context(), "hello"))
				_, ok := s.Service("demo", "hello")
				require.False(t, ok)
			})
		})
	}
}

// A response that is not a Service is an error.
func TestAnswersThatAreNoServices(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `null`, `[]`, `"x"`, `{"metadata": 1}`, `{"kind": "Status", "status": "Success"}`} {
		r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
			return endpointAnswer(req, http.StatusOK, "application/json", body), nil
		}}
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
		require.NoError(t, err)
		s, err := c.GetService(t.Context(), "hello")
		require.Error(t, err, body)
		require.Nil(t, s)
		require.True(t, strings.HasPrefix(err.Error(), "get service projects/demo/"), err)
	}
}
