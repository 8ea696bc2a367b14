package control_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/data"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

var start = time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)

func newPlane(cluster bool) *control.Plane {
	st := store.New(store.Config{Cluster: cluster, Regions: []string{"us-central1", "europe-west1"}, Journal: 100})
	return &control.Plane{Store: st, Permissions: resources.NewPermissions(cluster), Scripts: lifecycle.NewScripts(0), Data: data.NewPlane(st, nil)}
}

// call returns a call for a Service, or with an empty name for all.
func call(p *control.Plane, name, body string, edits ...func(*control.Call)) control.Call {
	project, _ := p.Project("demo")
	c := control.Call{Now: start, Body: []byte(body), Target: control.Target{Project: project, Kind: "services", Name: name, Region: "us-central1"}}
	if p.Store.Cluster {
		c.Target.Region = ""
	}
	for _, edit := range edits {
		edit(&c)
	}
	return c
}

func at(d time.Duration) func(*control.Call) {
	return func(c *control.Call) { c.Now = start.Add(d) }
}

func dry(value string) func(*control.Call) {
	return func(c *control.Call) { c.DryRun = []string{value} }
}

// document returns the Service hello with a variable.
func document(value string) string {
	return fmt.Sprintf(`{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"hello"},"spec":{"template":{"spec":{"containers":[
		{"image":"x","env":[{"name":"V","value":%q}]}]}}}}`, value)
}

func create(t *testing.T, p *control.Plane) tree.Object {
	t.Helper()
	w, err := p.CreateService(call(p, "", document("1")))
	require.Nil(t, err)
	return w.Doc
}

func code(err *apierror.Error) int {
	if err == nil {
		return 0
	}
	return err.Code
}

func kinds(p *control.Plane) (list []string) {
	for w := range p.Store.Journal.All() {
		list = append(list, w.Kind)
	}
	return list
}

func TestLifeOfAService(t *testing.T) {
	t.Parallel()
	p := newPlane(false)
	first := create(t, p)
	require.Equal(t, int64(1), tree.At(first, "metadata")["generation"])
	_, err := p.CreateService(call(p, "", document("1")))
	require.Equal(t, 409, code(err))

	same, err := p.ReplaceService(call(p, "hello", document("1")))
	require.Nil(t, err)
	require.Equal(t, tree.At(first, "metadata")["resourceVersion"], tree.At(same.Doc, "metadata")["resourceVersion"], "nothing changed")
	next, err := p.ReplaceService(call(p, "hello", document("2")))
	require.Nil(t, err)
	require.Equal(t, int64(2), tree.At(next.Doc, "metadata")["generation"])

	stale, err := p.GetService(call(p, "hello", "", func(c *control.Call) { c.Stale = true }))
	require.Nil(t, err)
	require.Equal(t, int64(1), tree.At(stale, "metadata")["generation"])
	status, err := p.DeleteService(call(p, "hello", ""))
	require.Nil(t, err)
	require.Equal(t, "Success", status["status"])
	_, err = p.GetService(call(p, "hello", ""))
	require.Equal(t, 404, code(err))
	require.Equal(t, []string{"create", "update", "delete"}, kinds(p))
}

func TestAStaleReadOfANewServiceFindsNothing(t *testing.T) {
	t.Parallel()
	p := newPlane(false)
	create(t, p)
	_, err := p.GetService(call(p, "hello", "", func(c *control.Call) { c.Stale = true }))
	require.Equal(t, 404, code(err))
	require.Contains(t, err.Message, "'hello' of kind 'SERVICE' in region 'us-central1' in project 'demo'")
}

func TestDryRuns(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		cluster bool
		value   string
		code    int
	}{{false, "all", 0}, {false, "All", 400}, {true, "All", 0}, {true, "all", 422}} {
		p := newPlane(tc.cluster)
		_, err := p.CreateService(call(p, "", document("1"), dry(tc.value)))
		require.Equal(t, tc.code, code(err))
		_, err = p.GetService(call(p, "hello", ""))
		require.Equal(t, 404, code(err))
		create(t, p)
		doc, _ := p.GetService(call(p, "hello", ""))
		changed := tree.Clone(doc)
		tree.At(changed, "spec", "template", "spec")["timeoutSeconds"] = 7
		_, err = p.ReplaceService(call(p, "hello", string(tree.Encode(changed)), dry(tc.value)))
		require.Equal(t, tc.code, code(err))
		_, err = p.DeleteService(call(p, "hello", "", dry(tc.value)))
		require.Equal(t, tc.code, code(err))
		after, err := p.GetService(call(p, "hello", ""))
		require.Nil(t, err)
		require.Equal(t, doc, after)
		require.Equal(t, []string{"create"}, kinds(p))
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	p := newPlane(false)
	in := func(region string, elsewhere bool) func(*control.Call) {
		return func(c *control.Call) { c.Target.Region, c.Target.Elsewhere = region, elsewhere }
	}
	_, err := p.CreateService(call(p, "", document("1"), in("europe-west1", false)))
	require.Nil(t, err)
	for _, tc := range []struct {
		region    string
		elsewhere bool
		code      int
	}{{"europe-west1", false, 0}, {"us-central1", false, 404}, {"us-central1", true, 0}, {"", false, 0}} {
		_, err := p.GetService(call(p, "hello", "", in(tc.region, tc.elsewhere)))
		require.Equal(t, tc.code, code(err), "%+v", tc)
	}
	labelled := `{"metadata":{"name":"two","labels":{"cloud.googleapis.com/location":"europe-west1"}},"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}`
	_, err = p.CreateService(call(p, "", labelled, in("", false)))
	require.Nil(t, err)
	entries, err := p.ListServices(call(p, "", "", in("europe-west1", false)))
	require.Nil(t, err)
	require.Len(t, entries, 2)
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	calls := map[string]func(*control.Plane) *apierror.Error{
		"run.services.get":  func(p *control.Plane) *apierror.Error { _, err := p.GetService(call(p, "hello", "")); return err },
		"run.services.list": func(p *control.Plane) *apierror.Error { _, err := p.ListServices(call(p, "", "")); return err },
		"run.services.create": func(p *control.Plane) *apierror.Error {
			_, err := p.CreateService(call(p, "", document("1")))
			return err
		},
		"run.services.update": func(p *control.Plane) *apierror.Error {
			_, err := p.ReplaceService(call(p, "hello", document("2")))
			return err
		},
		"run.services.delete":       func(p *control.Plane) *apierror.Error { _, err := p.DeleteService(call(p, "hello", "")); return err },
		"run.revisions.get":         func(p *control.Plane) *apierror.Error { _, err := p.GetRevision(call(p, "r", "")); return err },
		"run.revisions.list":        func(p *control.Plane) *apierror.Error { _, err := p.ListRevisions(call(p, "", "")); return err },
		"run.revisions.delete":      func(p *control.Plane) *apierror.Error { _, err := p.DeleteRevision(call(p, "r", "")); return err },
		"run.services.getIamPolicy": func(p *control.Plane) *apierror.Error { _, err := p.GetPolicy(call(p, "hello", ""), 3); return err },
		"run.services.setIamPolicy": func(p *control.Plane) *apierror.Error { _, err := p.SetPolicy(call(p, "hello", "{}")); return err },
		"iam.serviceaccounts.actAs": func(p *control.Plane) *apierror.Error {
			_, err := p.ReplaceService(call(p, "hello", document("3")))
			return err
		},
		"run.operations.get": func(p *control.Plane) *apierror.Error {
			_, err := p.GetOperation(control.OperationRef{Project: "demo", ID: "x"}, start)
			return err
		},
	}
	for permission, do := range calls {
		t.Run(permission, func(t *testing.T) {
			t.Parallel()
			p := newPlane(false)
			create(t, p)
			p.Permissions.Deny(permission)
			err := do(p)
			require.Equal(t, 403, code(err))
			require.Contains(t, err.Message, permission)
			p.Permissions.Grant(permission)
			require.NotEqual(t, 403, code(do(p)))
		})
	}
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	p := newPlane(false)
	first := tree.Text(tree.At(create(t, p), "status"), "latestReadyRevisionName")
	w, err := p.ReplaceService(call(p, "hello", document("2")))
	require.Nil(t, err)
	second := tree.Text(tree.At(w.Doc, "status"), "latestReadyRevisionName")
	entries, err := p.ListRevisions(call(p, "", ""))
	require.Nil(t, err)
	slices.SortFunc(entries, func(a, b control.Entry) int { return compare(a.Key, b.Key) })
	require.Equal(t, second, tree.Text(tree.At(entries[0].Render(), "metadata"), "name"), "the newest first")
	_, err = p.DeleteRevision(call(p, second, ""))
	require.Equal(t, 400, code(err))
	_, err = p.DeleteRevision(call(p, first, ""))
	require.Nil(t, err)
	_, err = p.GetRevision(call(p, first, ""))
	require.Equal(t, 404, code(err))
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	p := newPlane(false)
	create(t, p)
	policy, err := p.GetPolicy(call(p, "hello", ""), 3)
	require.Nil(t, err)
	require.Equal(t, tree.Object{"etag": "ACAB"}, policy)
	_, err = p.GetPolicy(call(p, "hello", ""), 2)
	require.Equal(t, 400, code(err))
	set, err := p.SetPolicy(call(p, "hello", `{"policy":{"etag":"ACAB","bindings":[{"role":"roles/run.invoker","members":["allUsers"]}]}}`))
	require.Nil(t, err)
	policy, _ = p.GetPolicy(call(p, "hello", ""), 3)
	require.Equal(t, set, policy)
	for body, want := range map[string]int{`{}`: 400, `{`: 400, `{"policy":{"etag":"ACAB"}}`: 409, `{"policy":{}}`: 0} {
		_, err := p.SetPolicy(call(p, "hello", body))
		require.Equal(t, want, code(err), body)
	}
	p.Permissions.Deny("b")
	held, err := p.TestPermissions(call(p, "hello", `{"permissions":["a","b"]}`))
	require.Nil(t, err)
	require.Equal(t, tree.Object{"permissions": []any{"a"}}, held)
}

func TestOperations(t *testing.T) {
	t.Parallel()
	p := newPlane(false)
	p.Scripts.Set("hello", lifecycle.Script{TimeToReady: time.Minute})
	id := tree.Text(tree.At(create(t, p), "metadata", "annotations"), resources.OperationAnnotation)
	ref := control.OperationRef{Project: "demo", Location: "us-central1", ID: id}
	deadline := start.Add(30 * time.Second)
	poll, err := p.PollOperation(ref, start, deadline)
	require.Nil(t, err)
	require.False(t, poll.Done)
	require.Equal(t, 30*time.Second, poll.Until, "the deadline comes first")
	poll, _ = p.PollOperation(ref, start, start.Add(time.Hour))
	require.Equal(t, time.Minute, poll.Until, "the end comes first")
	poll, _ = p.PollOperation(ref, deadline, deadline)
	require.True(t, poll.Done)
	require.Equal(t, false, poll.Doc["done"], "the wait has ended, the operation has not")

	done, err := p.GetOperation(ref, start.Add(time.Minute))
	require.Nil(t, err)
	require.Equal(t, true, done["done"])
	require.Equal(t, "True", tree.Objects(tree.At(done, "response", "status"), "conditions")[0]["status"])
	for name, bad := range map[string]control.OperationRef{
		"unknown":       {Project: "demo", Location: "us-central1", ID: "x"},
		"other project": {Project: "other", Location: "us-central1", ID: id},
		"other region":  {Project: "demo", Location: "europe-west1", ID: id, Regional: true},
	} {
		_, err := p.GetOperation(bad, start)
		require.Equal(t, 404, code(err), name)
	}

	poll, _ = p.PollOperation(ref, start, deadline)
	_, err = p.DeleteService(call(p, "hello", ""))
	require.Nil(t, err)
	<-poll.Changed
	over, _ := p.GetOperation(ref, start)
	require.Equal(t, "The service was deleted.", tree.At(over, "error")["message"])
}

func TestADeletionThatTakesTime(t *testing.T) {
	t.Parallel()
	p := newPlane(false)
	create(t, p)
	p.Scripts.Set("hello", lifecycle.Script{DeletionTime: time.Minute})
	_, err := p.DeleteService(call(p, "hello", ""))
	require.Nil(t, err)
	doc, err := p.GetService(call(p, "hello", "", at(time.Second)))
	require.Nil(t, err)
	require.NotEmpty(t, tree.At(doc, "metadata")["deletionTimestamp"])
	_, err = p.ReplaceService(call(p, "hello", document("2"), at(time.Second)))
	require.Equal(t, 409, code(err))
	_, err = p.CreateService(call(p, "", document("2"), at(time.Second)))
	require.Equal(t, 409, code(err))
	_, err = p.GetService(call(p, "hello", "", at(time.Minute)))
	require.Equal(t, 404, code(err))
	_, err = p.CreateService(call(p, "", document("2"), at(time.Minute)))
	require.Nil(t, err)
}

func TestMetadataOnACluster(t *testing.T) {
	t.Parallel()
	p := newPlane(true)
	created := create(t, p)
	require.Nil(t, created["status"])
	doc, err := p.GetService(call(p, "hello", ""))
	require.Nil(t, err)
	relabelled := tree.Clone(doc)
	tree.Child(tree.At(relabelled, "metadata"), "labels")["a"] = "b"
	w, err := p.ReplaceService(call(p, "hello", string(tree.Encode(relabelled))))
	require.Nil(t, err)
	require.Equal(t, int64(1), tree.At(w.Doc, "metadata")["generation"])
	require.NotEqual(t, tree.At(doc, "metadata")["resourceVersion"], tree.At(w.Doc, "metadata")["resourceVersion"])
	require.Len(t, p.InspectRevisions("demo", "hello", start), 1)
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	p := newPlane(false)
	seed := func(s string) error {
		doc, err := tree.Decode([]byte(s))
		require.NoError(t, err)
		return p.SeedService("demo", "us-central1", doc, start)
	}
	require.ErrorContains(t, seed(`{"metadata":{"name":"x"}}`), "metadata.name and spec are required")
	require.NoError(t, seed(`{"metadata":{"name":"ready","uid":"u"},"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}`))
	ready := p.InspectService("demo", "ready", start)
	require.Equal(t, "True", tree.Objects(tree.At(ready, "status"), "conditions")[0]["status"])
	require.Equal(t, "u", tree.At(ready, "metadata")["uid"])
	require.Len(t, p.InspectRevisions("demo", "ready", start), 1)

	require.NoError(t, seed(`{"metadata":{"name":"failed"},"spec":{"template":{}},"status":{"latestReadyRevisionName":"failed-1","latestCreatedRevisionName":"failed-2",
		"traffic":[{"revisionName":"failed-1","percent":100}]}}`))
	revisions := p.InspectRevisions("demo", "failed", start)
	require.Len(t, revisions, 2)
	for i, want := range []string{"True", "False"} {
		require.Equal(t, want, tree.Objects(tree.At(revisions[i], "status"), "conditions")[0]["status"])
	}
	require.Empty(t, kinds(p), "seeding is no write")

	revision, _ := tree.Decode([]byte(`{"metadata":{"name":"failed-2","labels":{"serving.knative.dev/service":"failed"}},"spec":{},"status":{"logUrl":"l"}}`))
	require.NoError(t, p.SeedRevision("demo", "us-central1", revision))
	require.Equal(t, tree.Object{"logUrl": "l"}, p.InspectRevisions("demo", "failed", start)[1]["status"])
	require.ErrorContains(t, p.SeedRevision("demo", "us-central1", tree.Object{}), `project "demo" has no service ""`)
	require.NoError(t, p.SeedPolicy("demo", "ready", tree.Object{"etag": "AAAA"}, start))
	require.Equal(t, "AAAA", p.InspectPolicy("demo", "ready", start)["etag"])
	require.ErrorContains(t, p.SeedPolicy("demo", "nobody", tree.Object{}, start), `has no service "nobody"`)
}
