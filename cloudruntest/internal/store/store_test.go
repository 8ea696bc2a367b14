package store_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

var now = time.Date(2025, 6, 1, 12, 0, 0, 123456789, time.UTC)

func newStore(projects ...store.Project) *store.Store {
	return store.New(store.Config{Regions: []string{"us-central1", "europe-west1"}, Projects: projects, Journal: 10})
}

// put stores a Service of the first project.
func put(st *store.Store, region, name string) *store.Service {
	p, _ := st.Projects.Get("demo")
	sv := &store.Service{Key: store.Key{Project: p.Number, Region: region, Name: name}, Project: p, UID: store.NewUID(),
		Host: store.ServiceHost(p, region, name), Doc: tree.Object{}}
	st.Services.Put(sv)
	st.Services.Host(sv)
	return sv
}

func TestProjects(t *testing.T) {
	t.Parallel()
	open, fixed := newStore(), newStore(store.Project{ID: "known", Number: "1"})
	cluster := store.New(store.Config{Cluster: true})
	tests := []struct {
		name, ref, number, shown string
		st                       *store.Store
		exists                   bool
	}{
		{"the first by ID", "demo", "123456789012", "demo", open, true},
		{"the first by number", "123456789012", "123456789012", "demo", open, true},
		{"by number only", "42", "42", "42", open, true},
		{"known by ID", "known", "1", "known", fixed, true},
		{"known by number", "1", "1", "known", fixed, true},
		{"unknown", "other", "", "", fixed, false},
		{"a namespace", "default", "default", "default", cluster, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			p, ok := tc.st.Projects.Get(tc.ref)
			require.Equal(t, tc.exists, ok)
			if ok {
				require.Equal(t, tc.number, p.Number)
				require.Equal(t, tc.shown, p.Name())
			}
		})
	}
	a, _ := open.Projects.Get("another")
	b, _ := open.Projects.Get("yet-another")
	require.NotEqual(t, a.Number, b.Number)
	again, _ := open.Projects.Get(a.Number)
	require.Same(t, a, again)
}

func TestAProjectKnownByItsNumberGetsItsIDLater(t *testing.T) {
	t.Parallel()
	st := newStore()
	byNumber, _ := st.Projects.Get("123456789012")
	byID, _ := st.Projects.Get("demo")
	require.Same(t, byNumber, byID)
	require.Equal(t, "demo", byNumber.Name())
}

func TestFindingServices(t *testing.T) {
	t.Parallel()
	st := newStore()
	sv := put(st, "europe-west1", "hello")
	elsewhere := store.Key{Project: sv.Key.Project, Region: "us-central1", Name: "hello"}
	require.Same(t, sv, st.Services.Find(sv.Key, now))
	require.Nil(t, st.Services.Find(elsewhere, now))
	require.Same(t, sv, st.Services.FindIn(st.Regions, elsewhere, now))

	other := put(st, "us-central1", "other")
	names := func(region string) []string {
		var list []string
		for sv := range st.Services.In(other.Project, region, now) {
			list = append(list, sv.Key.Name)
		}
		slices.Sort(list)
		return list
	}
	require.Equal(t, []string{"hello", "other"}, names(""))
	require.Equal(t, []string{"other"}, names("us-central1"))

	sv.Deleted, sv.GoneAt = now, now.Add(time.Minute)
	require.Same(t, sv, st.Services.Find(sv.Key, now), "a deletion takes its time")
	sv.GoneAt = now
	require.Equal(t, []string{"other"}, names(""))
	require.Nil(t, st.Services.FindIn(st.Regions, elsewhere, now))
	require.Nil(t, st.Services.Find(sv.Key, now))
	require.Nil(t, st.Services.Get(sv.Key), "what is gone is dropped")
}

func TestHosts(t *testing.T) {
	t.Parallel()
	st := newStore()
	sv := put(st, "us-central1", "hello")
	require.Regexp(t, `^hello-[a-z0-9]{10}-uc\.a\.run\.app$`, sv.Host)
	cluster := store.New(store.Config{Cluster: true})
	ksvc := put(cluster, "", "hello")
	require.Equal(t, "hello.demo.example.com", ksvc.Host)
	tests := map[string]struct {
		st        *store.Store
		host, tag string
		want      *store.Service
	}{
		"its host":          {st, sv.Host, "", sv},
		"its other host":    {st, "hello-123456789012.us-central1.run.app", "", sv},
		"a tag":             {st, store.TagHost(sv, "blue"), "blue", sv},
		"a tag with dashes": {st, "a---b---" + sv.Host, "a---b", sv},
		"no tag":            {st, "---" + sv.Host, "", nil},
		"nobody":            {st, "nobody-uc.a.run.app", "", nil},
		"on a cluster":      {cluster, ksvc.Host, "", ksvc},
		"a cluster's tag":   {cluster, store.TagHost(ksvc, "blue"), "blue", ksvc},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, tag := tc.st.Services.AtHost(tc.host)
			require.Same(t, tc.want, got)
			require.Equal(t, tc.tag, tag)
		})
	}
	st.Services.Unhost(sv)
	got, _ := st.Services.AtHost(sv.Host)
	require.Nil(t, got)
	require.Same(t, sv, st.Services.Find(sv.Key, now))
}

func TestEveryRegionHasItsCode(t *testing.T) {
	t.Parallel()
	p := &store.Project{ID: "demo", Number: "1"}
	for _, region := range append(store.AllRegions(), "x", "x-", "-", "-x") {
		require.Contains(t, store.ServiceHost(p, region, "hello"), ".a.run.app")
	}
	require.Equal(t, "us-central1", store.AllRegions()[0])
	require.Contains(t, store.ServiceHost(p, "asia-southeast2", "hello"), "-as2.")
}

func TestVersionsGrow(t *testing.T) {
	t.Parallel()
	st, cluster := newStore(), store.New(store.Config{Cluster: true})
	last := ""
	for range 200 {
		v := st.Versions.Spell(st.Versions.Next())
		require.Greater(t, v, last, "they also sort as text")
		require.True(t, strings.HasPrefix(v, "AAZ"))
		last = v
	}
	n := cluster.Versions.Next()
	require.Equal(t, strconv.FormatInt(n, 10), cluster.Versions.Spell(n))
	require.Equal(t, n, cluster.Versions.Last())
	require.Greater(t, cluster.Versions.Next(), n+1, "a write passes through several versions")
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	require.Equal(t, "2025-06-01T12:00:00.123456Z", newStore().Timestamp(now))
	require.Equal(t, "2025-06-01T12:00:00Z", store.New(store.Config{Cluster: true}).Timestamp(now))
}

func TestOperationsAreBounded(t *testing.T) {
	t.Parallel()
	st := newStore()
	sv := put(st, "us-central1", "hello")
	st.Operations.Add(sv)
	for i := range 1001 {
		sv.Rollout = store.Rollout{Operation: strconv.Itoa(i), At: now, Done: time.Minute, OperationError: "no"}
		st.Operations.Add(sv)
	}
	_, ok := st.Operations.Get("0")
	require.False(t, ok)
	op, ok := st.Operations.Get("1000")
	require.True(t, ok)
	require.Equal(t, store.Operation{Key: sv.Key, UID: sv.UID, End: now.Add(time.Minute), Err: "no"}, op)
	_, ok = st.Operations.Get("")
	require.False(t, ok, "a write without an operation has none")
}

func TestJournalAndNotify(t *testing.T) {
	t.Parallel()
	st := newStore()
	sv := put(st, "us-central1", "hello")
	sv.Generation, sv.Rollout.Version = 3, st.Versions.Next()
	changed := st.Changed()
	st.Record(store.Write{Kind: "update", Revision: "r"}, sv, now)
	st.Notify()
	<-changed
	require.NotEqual(t, changed, st.Changed())
	require.Equal(t, []store.Write{{Kind: "update", Revision: "r", Project: sv.Key.Project, Region: "us-central1", Name: "hello", UID: sv.UID,
		Generation: 3, ResourceVersion: st.Versions.Spell(sv.Rollout.Version), Time: now}}, slices.Collect(st.Journal.All()))
}

func TestRevisionsFollowTheTime(t *testing.T) {
	t.Parallel()
	good := &store.Revision{Name: "good", Fate: store.Fate{At: now}}
	bad := &store.Revision{Name: "bad", Fate: store.Fate{At: now, Failure: &store.Failure{}}}
	never := &store.Revision{Name: "never", Fate: store.Fate{At: now, Never: true}}
	for name, tc := range map[string]struct {
		r                      *store.Revision
		at                     time.Time
		decided, ready, failed bool
	}{
		"ready":         {good, now, true, true, false},
		"not yet ready": {good, now.Add(-1), false, false, false},
		"failed":        {bad, now, true, false, true},
		"not yet":       {bad, now.Add(-1), false, false, false},
		"never":         {never, now.Add(time.Hour), false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.decided, tc.r.Decided(tc.at))
			require.Equal(t, tc.ready, tc.r.Ready(tc.at))
			require.Equal(t, tc.failed, tc.r.Failed(tc.at))
		})
	}
	sv := &store.Service{Revisions: []*store.Revision{good, bad, never}}
	require.Same(t, good, sv.LatestReady(now))
	require.Nil(t, sv.LatestReady(now.Add(-1)))
	require.Same(t, bad, sv.Revision("bad"))
	require.Nil(t, sv.Revision("none"))
}
