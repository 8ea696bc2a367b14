package lifecycle_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

var start = time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)

func newStore(cluster bool) *store.Store {
	return store.New(store.Config{Cluster: cluster, Regions: store.AllRegions()})
}

// service returns a Service in a generation, with traffic to some targets.
func service(st *store.Store, generation int64, targets ...any) *store.Service {
	p, _ := st.Projects.Get("demo")
	if len(targets) == 0 {
		targets = []any{tree.Object{"latestRevision": true, "percent": 100}}
	}
	return &store.Service{Key: store.Key{Project: p.Number, Region: "us-central1", Name: "hello"}, Project: p, Host: "hello.test", Generation: generation,
		Doc: tree.Object{"metadata": tree.Object{"name": "hello"}, "spec": tree.Object{"traffic": targets, "template": tree.Object{}}}}
}

// created returns a Service after the write that creates it.
func created(st *store.Store, script lifecycle.Script) *store.Service {
	return written(st, service(st, 1), nil, script, start)
}

// updated returns a Service after a write that creates a Revision.
func updated(st *store.Store, old *store.Service, script lifecycle.Script, at time.Time) *store.Service {
	return written(st, service(st, old.Generation+1), old, script, at)
}

func written(st *store.Store, next, old *store.Service, script lifecycle.Script, at time.Time) *store.Service {
	if old != nil {
		next.Revisions = old.Revisions
	}
	r := &store.Revision{Name: fmt.Sprintf("hello-%d", next.Generation), Created: at, Fate: script.RevisionFate(at), Doc: tree.Object{"spec": tree.Object{
		"containers": []any{tree.Object{"image": "x:v1"}}}}}
	next.Revisions, next.Latest = append(next.Revisions[:len(next.Revisions):len(next.Revisions)], r), r
	next.Rollout = lifecycle.Plan(st, lifecycle.Write{Service: next, Previous: old, Script: script, Made: true, At: at})
	return next
}

// course returns the stages of a Service, as AFTER TYPE=STATUS…, with * where
// the traffic follows the spec.
func course(sv *store.Service) []string {
	var list []string
	for _, st := range sv.Rollout.Stages {
		line := st.After.String()
		switch {
		case st.Blank:
			line += " blank"
		case st.Unobserved:
			line += " unobserved"
		}
		for _, c := range st.Conditions {
			line += fmt.Sprintf(" %s=%s", strings.TrimSuffix(c.Type, "Ready"), c.Status)
		}
		if st.Routed {
			line += " *"
		}
		list = append(list, line)
	}
	return list
}

func TestCourses(t *testing.T) {
	t.Parallel()
	const nine = 9 * time.Second
	failure := &store.Failure{Message: "It crashed."}
	custom := []lifecycle.ScriptStage{
		{Unobserved: true},
		{After: time.Second, Conditions: []store.Condition{{Type: "Ready", Status: "Unknown"}, {Type: "ConfigurationsReady", Status: "True"}}},
		{After: 2 * time.Second, Conditions: []store.Condition{{Type: "Ready", Status: "True"}, {Type: "RoutesReady", Status: "True"}}},
	}
	tests := map[string]struct {
		script lifecycle.Script
		want   []string
		done   time.Duration
		never  bool
	}{
		"at once": {lifecycle.Script{}, []string{"0s =Unknown Configurations=Unknown Routes=Unknown",
			"0s =Unknown Configurations=True Routes=Unknown", "0s =True Configurations=True Routes=True *"}, 0, false},
		"in nine seconds": {lifecycle.Script{TimeToReady: nine}, []string{"0s =Unknown Configurations=Unknown Routes=Unknown",
			"6s =Unknown Configurations=True Routes=Unknown", "9s =True Configurations=True Routes=True *"}, nine, false},
		"unobserved at first": {lifecycle.Script{TimeToReady: nine, ObservedLag: time.Second}, []string{"0s unobserved",
			"1s =Unknown Configurations=Unknown Routes=Unknown", "7s =Unknown Configurations=True Routes=Unknown", "10s =True Configurations=True Routes=True *"}, 10 * time.Second, false},
		"a false alarm": {lifecycle.Script{TimeToReady: nine, FalseAlarm: time.Second}, []string{"0s =False Configurations=Unknown Routes=Unknown",
			"1s =Unknown Configurations=Unknown Routes=Unknown", "7s =Unknown Configurations=True Routes=Unknown", "10s =True Configurations=True Routes=True *"}, 10 * time.Second, false},
		"traffic follows late": {lifecycle.Script{TimeToReady: nine, RouteLag: time.Second}, []string{"0s =Unknown Configurations=Unknown Routes=Unknown",
			"6s =Unknown Configurations=True Routes=Unknown", "9s =True Configurations=True Routes=True", "10s =True Configurations=True Routes=True *"}, nine, false},
		"it fails": {lifecycle.Script{TimeToReady: nine, FailRevision: failure}, []string{"0s =Unknown Configurations=Unknown Routes=Unknown",
			"9s =False Configurations=False Routes=False"}, nine, false},
		"never":                   {lifecycle.Script{TimeToReady: nine, NeverReady: true}, []string{"0s =Unknown Configurations=Unknown Routes=Unknown"}, 0, true},
		"scripted":                {lifecycle.Script{Stages: custom}, []string{"0s unobserved", "1s =Unknown Configurations=True", "2s =True Routes=True *"}, 2 * time.Second, false},
		"scripted without an end": {lifecycle.Script{Stages: custom[:2]}, []string{"0s unobserved", "1s =Unknown Configurations=True"}, time.Second, true},
		"extra conditions": {lifecycle.Script{Stages: custom[:2], ExtraConditions: []store.Condition{{Type: "ExtraReady", Status: "False"}}},
			[]string{"0s unobserved", "1s =Unknown Configurations=True Extra=False"}, time.Second, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sv := created(newStore(false), tc.script)
			require.Equal(t, tc.want, course(sv))
			require.Equal(t, tc.done, sv.Rollout.Done)
			require.Equal(t, tc.never, sv.Rollout.Never)
			require.Equal(t, tc.never || tc.done > 0, sv.Rollout.Operation != "", "what lasts has an operation")
		})
	}
}

func TestClusterCourses(t *testing.T) {
	t.Parallel()
	const ten = 10 * time.Second
	tests := map[string]struct {
		script lifecycle.Script
		last   string
		stages int
		done   time.Duration
		never  bool
	}{
		"ready": {lifecycle.Script{TimeToReady: ten}, "10s Configurations=True =True Routes=True *", 8, ten, false},
		"fails": {lifecycle.Script{TimeToReady: ten, FailRevision: &store.Failure{}}, "10s Configurations=False =False Routes=False", 6, ten, false},
		"never": {lifecycle.Script{TimeToReady: ten, NeverReady: true}, "800ms Configurations=Unknown =Unknown Routes=Unknown", 4, 0, true},
		"late":  {lifecycle.Script{TimeToReady: ten, RouteLag: time.Second}, "11s Configurations=True =True Routes=True *", 9, ten, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sv := created(newStore(true), tc.script)
			stages := course(sv)
			require.Equal(t, "0s blank", stages[0], "the response comes before any controller")
			require.Len(t, stages, tc.stages)
			require.Equal(t, tc.last, stages[len(stages)-1])
			require.Equal(t, tc.done, sv.Rollout.Done)
			require.Equal(t, tc.never, sv.Rollout.Never)
			require.Empty(t, sv.Rollout.Operation)
		})
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script lifecycle.Script
		has    bool
	}{
		"ready at once":     {lifecycle.Script{}, false},
		"takes time":        {lifecycle.Script{TimeToReady: 1}, true},
		"is not named":      {lifecycle.Script{TimeToReady: 1, NoOperation: true}, false},
		"ends in an error":  {lifecycle.Script{OperationError: "no"}, true},
		"never without one": {lifecycle.Script{NeverReady: true, NoOperation: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := created(newStore(false), tc.script).Rollout
			require.Equal(t, tc.has, r.Operation != "")
			if tc.has {
				require.Equal(t, tc.script.OperationError, r.OperationError)
			}
		})
	}
}

func TestTheStatusFollowsTheTime(t *testing.T) {
	t.Parallel()
	st := newStore(false)
	sv := created(st, lifecycle.Script{TimeToReady: 9 * time.Second})
	next := updated(st, sv, lifecycle.Script{TimeToReady: 9 * time.Second, ObservedLag: time.Second}, start.Add(time.Minute))
	tests := []struct {
		at       time.Duration // since the update
		ready    string
		observed int64
		traffic  string
	}{
		{0, "hello-1", 1, "hello-1"},
		{time.Second, "hello-1", 2, "hello-1"},
		{7 * time.Second, "hello-2", 2, "hello-1"},
		{10 * time.Second, "hello-2", 2, "hello-2"},
	}
	for _, tc := range tests {
		t.Run(tc.at.String(), func(t *testing.T) {
			t.Parallel()
			now := start.Add(time.Minute + tc.at)
			v := lifecycle.CurrentView(next, now)
			require.Equal(t, tc.observed, v.Observed)
			require.Equal(t, tc.ready, v.Ready)
			require.Equal(t, tc.traffic, v.Traffic[0]["revisionName"])
			status := tree.At(lifecycle.RenderService(st, next, now), "status")
			require.Equal(t, tc.observed, status["observedGeneration"])
			require.Equal(t, "https://hello.test", status["url"])
		})
	}
	require.NotEqual(t, lifecycle.Version(st, next, start.Add(time.Minute)), lifecycle.Version(st, next, start.Add(2*time.Minute)))
	since := lifecycle.CurrentView(next, start.Add(time.Hour)).Conditions[2].Since
	require.Equal(t, start.Add(time.Minute+10*time.Second), since, "RoutesReady was Unknown until then")
}

func TestServing(t *testing.T) {
	t.Parallel()
	st := newStore(false)
	first := created(st, lifecycle.Script{})
	second := updated(st, first, lifecycle.Script{TimeToReady: 9 * time.Second}, start.Add(time.Minute))
	for at, want := range map[time.Duration]map[string]bool{
		time.Minute:                   {"hello-1": true},
		time.Minute + 7*time.Second:   {"hello-1": true, "hello-2": true},
		time.Minute + 100*time.Second: {"hello-2": true},
	} {
		require.Equal(t, want, lifecycle.Serving(second, start.Add(at)), "%s", at)
	}
	active := func(name string, at time.Duration) string {
		doc := lifecycle.RenderRevision(st, second, second.Revision(name), start.Add(at))
		conditions := tree.Objects(tree.At(doc, "status"), "conditions")
		return tree.Text(conditions[len(conditions)-1], "status")
	}
	require.Equal(t, "Unknown", active("hello-2", time.Minute))
	require.Equal(t, "True", active("hello-2", 2*time.Minute))
	require.Equal(t, "False", active("hello-1", 2*time.Minute))
}

func TestRevisionStatus(t *testing.T) {
	t.Parallel()
	failing := lifecycle.Script{FailRevision: &store.Failure{Reason: "R", Message: "M", Condition: "ImageReady", LogURL: "https://log"}}
	for name, tc := range map[string]struct {
		cluster bool
		script  lifecycle.Script
		ready   string
		digest  string
		log     any
	}{
		"ready":             {false, lifecycle.Script{}, "True", "imageDigest", "https://console.cloud.google.com/logs/viewer?project=demo&resource=cloud_run_revision/service_name/hello/revision_name/hello-1"},
		"failed":            {false, failing, "False", "", "https://log"},
		"ready on cluster":  {true, lifecycle.Script{}, "True", "containerStatuses", nil},
		"failed on cluster": {true, failing, "False", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStore(tc.cluster)
			sv := created(st, tc.script)
			status := tree.At(lifecycle.RenderRevision(st, sv, sv.Latest, start), "status")
			require.Equal(t, tc.log, status["logUrl"])
			require.Equal(t, tc.ready, tree.Objects(status, "conditions")[0]["status"])
			for _, field := range []string{"imageDigest", "containerStatuses"} {
				require.Equal(t, field == tc.digest, status[field] != nil, field)
			}
			if tc.ready == "False" {
				require.Equal(t, "ImageReady", tree.Objects(status, "conditions")[3]["type"])
			}
		})
	}
}

func TestTrafficOfNamedRevisions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		target string
		script lifecycle.Script // of the second Revision
		want   string           // the last RoutesReady
		reason string
	}{
		"ready":   {"hello-1", lifecycle.Script{}, "True", ""},
		"missing": {"hello-9", lifecycle.Script{}, "False", "RevisionMissing"},
		"failed":  {"hello-2", lifecycle.Script{FailRevision: &store.Failure{}}, "False", "RevisionFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStore(false)
			first := created(st, lifecycle.Script{})
			next := service(st, 2, tree.Object{"revisionName": tc.target, "percent": 100, "tag": "t"})
			next = written(st, next, first, tc.script, start.Add(time.Minute))
			stages := next.Rollout.Stages
			routes := stages[len(stages)-1].Conditions[2]
			require.Equal(t, tc.want, routes.Status)
			require.Equal(t, tc.reason, routes.Reason)
		})
	}
}

func TestScriptsByName(t *testing.T) {
	t.Parallel()
	p, _ := newStore(false).Projects.Get("demo")
	scripts := lifecycle.NewScripts(time.Minute)
	require.Equal(t, lifecycle.Script{TimeToReady: time.Minute}, scripts.For(p, "hello"))
	scripts.Set("hello", lifecycle.Script{TimeToReady: 1})
	scripts.Set(p.Number+"/hello", lifecycle.Script{TimeToReady: 2})
	require.Equal(t, time.Duration(2), scripts.For(p, "hello").TimeToReady)
	scripts.Set("demo/hello", lifecycle.Script{NoURL: true})
	require.Equal(t, lifecycle.Script{NoURL: true, TimeToReady: time.Minute}, scripts.For(p, "hello"))
	require.Equal(t, lifecycle.Script{TimeToReady: time.Minute}, scripts.For(p, "other"))
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cluster     bool
		address     string
		annotations tree.Object
		script      lifecycle.Script
		url         any
		annotation  any
	}{
		"by host name":    {url: "https://hello.test", annotation: `["https://hello-123456789012.us-central1.run.app","https://hello.test"]`},
		"with a listener": {address: "127.0.0.1:1", url: "http://127.0.0.1:1", annotation: `["http://127.0.0.1:1"]`},
		"disabled":        {annotations: tree.Object{"run.googleapis.com/default-url-disabled": "true"}},
		"left out":        {script: lifecycle.Script{NoURL: true}},
		"on a cluster":    {cluster: true, url: "http://hello.test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStore(tc.cluster)
			if tc.address != "" {
				st.Addresses["hello.test"] = tc.address
			}
			sv := created(st, tc.script)
			tree.At(sv.Doc, "metadata")["annotations"] = tc.annotations
			status := tree.At(lifecycle.RenderService(st, sv, start.Add(time.Second)), "status")
			require.Equal(t, tc.url, status["url"])
			annotations := tree.At(lifecycle.Annotated(st, sv), "metadata", "annotations")
			require.Equal(t, tc.annotation, annotations["run.googleapis.com/urls"])
		})
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	st := newStore(false)
	sv := created(st, lifecycle.Script{})
	for plural, want := range map[string]struct{ kind, spec, status string }{
		"configurations": {"Configuration", "template", "latestReadyRevisionName"}, "routes": {"Route", "traffic", "url"},
	} {
		part := lifecycle.RenderPart(st, sv, plural, start)
		require.Equal(t, want.kind, part["kind"])
		require.Contains(t, part["spec"], want.spec)
		require.Contains(t, part["status"], want.status)
		require.Equal(t, "Ready", tree.Objects(tree.At(part, "status"), "conditions")[0]["type"])
	}
}

func TestSeededStatus(t *testing.T) {
	t.Parallel()
	st := newStore(false)
	sv := service(st, 7)
	sv.Rollout = store.Rollout{At: start, SeededVersion: "OLD", Status: tree.Object{"observedGeneration": 6, "latestReadyRevisionName": "r",
		"traffic":    []any{tree.Object{"revisionName": "r", "percent": 100}},
		"conditions": []any{tree.Object{"type": "Ready", "status": "True", "lastTransitionTime": "2025-01-01T00:00:00Z"}}}}
	require.Equal(t, sv.Rollout.Status, tree.At(lifecycle.RenderService(st, sv, start), "status"))
	require.Equal(t, "OLD", lifecycle.Version(st, sv, start))
	v := lifecycle.CurrentView(sv, start)
	require.Equal(t, int64(6), v.Observed)
	require.Equal(t, "r", v.Ready)
	require.Equal(t, "r", v.Traffic[0]["revisionName"])
	require.Equal(t, 2025, v.Conditions[0].Since.Year())
}
