package cloudrun_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// threeRevisions deploys three Revisions and returns their names.
func threeRevisions(t *testing.T, d *cloudrun.Deployer) [3]string {
	t.Helper()
	var all [3]string
	for i, suffix := range []string{"v1", "v2", "v3"} {
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix(suffix))
		require.NoError(t, err)
		all[i] = r.Revision
		time.Sleep(time.Minute) // their creation times differ
	}
	return all
}

func TestUpdateTraffic(t *testing.T) {
	t.Parallel()
	type opts = []cloudrun.TrafficOption
	for name, tc := range map[string]struct {
		steps []opts
		want  string
	}{
		"a tenth to an old one":      {[]opts{{cloudrun.ToRevision("hello-v1", 10)}}, `[{"r":"hello-v1","p":10},{"r":"LATEST","p":90}]`},
		"all to two":                 {[]opts{{cloudrun.ToRevision("hello-v2", 70), cloudrun.ToRevision("hello-v1", 30)}}, `[{"r":"hello-v1","p":30},{"r":"hello-v2","p":70}]`},
		"back to latest":             {[]opts{{cloudrun.ToRevision("hello-v1", 100)}, {cloudrun.ToLatest()}}, `[{"r":"LATEST","p":100}]`},
		"by the word":                {[]opts{{cloudrun.ToRevision("hello-v1", 100)}, {cloudrun.ToRevision(cloudrun.Latest, 25)}}, `[{"r":"hello-v1","p":75},{"r":"LATEST","p":25}]`},
		"a tag, then by tag":         {[]opts{{cloudrun.WithTagOn("old", "hello-v1")}, {cloudrun.ToTag("old", 40)}}, `[{"r":"hello-v1","p":40},{"r":"LATEST","p":60},{"r":"hello-v1","t":"old"}]`},
		"tag and share in one call":  {[]opts{{cloudrun.ToTag("old", 40), cloudrun.WithTagOn("old", "hello-v1")}}, `[{"r":"hello-v1","p":40},{"r":"LATEST","p":60},{"r":"hello-v1","t":"old"}]`},
		"a tag moves":                {[]opts{{cloudrun.WithTagOn("x", "hello-v1")}, {cloudrun.WithTagOn("x", "LATEST")}}, `[{"r":"LATEST","p":100},{"r":"LATEST","t":"x"}]`},
		"tags replaced":              {[]opts{{cloudrun.WithTagOn("x", "hello-v1")}, {cloudrun.SetTags(map[string]string{"y": "hello-v2"})}}, `[{"r":"LATEST","p":100},{"r":"hello-v2","t":"y"}]`},
		"tags removed":               {[]opts{{cloudrun.SetTags(map[string]string{"x": "hello-v1", "y": "hello-v2"})}, {cloudrun.WithoutTag("x", "absent")}}, `[{"r":"LATEST","p":100},{"r":"hello-v2","t":"y"}]`},
		"tags cleared":               {[]opts{{cloudrun.SetTags(map[string]string{"x": "hello-v1", "y": "hello-v2"})}, {cloudrun.ClearTags()}}, `[{"r":"LATEST","p":100}]`},
		"none takes a Revision out":  {[]opts{{cloudrun.ToRevision("hello-v1", 10)}, {cloudrun.ToRevision("hello-v1", 0)}}, `[{"r":"LATEST","p":100}]`},
		"the same again, no second":  {[]opts{{cloudrun.ToRevision("hello-v1", 10)}, {cloudrun.ToRevision("hello-v1", 10)}}, `[{"r":"hello-v1","p":10},{"r":"LATEST","p":90}]`},
		"defaults of deploys remain": {[]opts{{cloudrun.WithTagOn("x", "hello-v1"), cloudrun.WithWaitTimeout(time.Minute)}}, `[{"r":"LATEST","p":100},{"r":"hello-v1","t":"x"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c, cloudrun.WithEnv("DEFAULT", "of deployments"))
				threeRevisions(t, d)
				var last *cloudrun.Result
				for _, step := range tc.steps {
					r, err := d.UpdateTraffic(t.Context(), "hello", step...)
					require.NoError(t, err)
					last = r
				}
				require.Equal(t, tc.want, trafficOf(t, last.Service.Spec.Traffic))
				require.Len(t, s.Revisions("demo", "hello"), 3, "no new Revision")
				again, err := d.UpdateTraffic(t.Context(), "hello", tc.steps[len(tc.steps)-1]...)
				require.NoError(t, err)
				require.Equal(t, cloudrun.Unchanged, again.Action)
			})
		})
	}
}

func TestUpdateTrafficRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opts []cloudrun.TrafficOption
		want string
	}{
		"nothing to do":          {nil, "the options do not change the traffic"},
		"over 100":               {[]cloudrun.TrafficOption{cloudrun.ToRevision("hello-v1", 60), cloudrun.ToRevision("hello-v2", 50)}, "over 100"},
		"not a percentage":       {[]cloudrun.TrafficOption{cloudrun.ToRevision("hello-v1", 101)}, `ToRevision("hello-v1", 101)`},
		"an unknown tag":         {[]cloudrun.TrafficOption{cloudrun.ToTag("nope", 10)}, `"nope"`},
		"two ways to split":      {[]cloudrun.TrafficOption{cloudrun.ToRevision("hello-v1", 1), cloudrun.ToLatest()}, "contradicts"},
		"two shares of one":      {[]cloudrun.TrafficOption{cloudrun.ToRevision("hello-v1", 1), cloudrun.ToRevision("hello-v1", 2)}, "contradicts"},
		"all tags and one":       {[]cloudrun.TrafficOption{cloudrun.ClearTags(), cloudrun.WithTagOn("x", "hello-v1")}, "contradicts"},
		"no tags to set":         {[]cloudrun.TrafficOption{cloudrun.SetTags(nil)}, "ClearTags"},
		"a tag that is too long": {[]cloudrun.TrafficOption{cloudrun.WithTagOn("a23456789012345678901234567890123456789012", "hello-v1")}, "tag"},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				threeRevisions(t, d)
				s.ResetHistory()
				_, err := d.UpdateTraffic(t.Context(), "hello", tc.opts...)
				var refused *cloudrun.OptionError
				require.ErrorAs(t, err, &refused)
				require.ErrorContains(t, err, tc.want)
				require.Empty(t, s.History())
			})
		})
	}
}

// TestUpdateTrafficWaitsForTheObservedTraffic covers a Service that is ready before its traffic has moved.
func TestUpdateTrafficWaitsForTheObservedTraffic(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		s.Script("hello", cloudruntest.Script{RouteLag: 20 * time.Second})
		start := time.Now()
		r, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v1", 100))
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), 20*time.Second)
		require.Equal(t, `[{"r":"hello-v1","p":100}]`, trafficOf(t, r.Service.Status.Traffic))

		s.Script("hello", cloudruntest.Script{RouteLag: time.Hour})
		_, err = d.UpdateTraffic(t.Context(), "hello", cloudrun.ToLatest(), cloudrun.WithWaitTimeout(time.Minute))
		var late *cloudrun.TimeoutError
		require.ErrorAs(t, err, &late)
		require.Equal(t, "hello-v1=100", late.Traffic)
		require.ErrorContains(t, err, "the traffic still goes to hello-v1=100")
	})
}

func TestUpdateTrafficToAnUnknownRevision(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		server, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		for name, update := range map[string]func(string) error{
			"a share": func(revision string) error {
				_, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision(revision, 10))
				return err
			},
			"a tag": func(revision string) error {
				_, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.WithTagOn("blue", revision))
				return err
			},
			"a rollback": func(revision string) error {
				_, err := d.Rollback(t.Context(), "hello", cloudrun.RollbackTo(revision))
				return err
			},
		} {
			server.ResetRequests()
			err := update("helo-v1")
			require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err), name)
			require.ErrorContains(t, err, `revision "helo-v1": it does not exist: did you mean "hello-v1"?`, name)
			require.ErrorContains(t, update("elsewhere"), `revision "elsewhere": it does not exist: name a revision of the service`, name)
			for _, r := range server.Requests() {
				require.Equal(t, http.MethodGet, r.Method, name)
			}
		}
	})
}

// Only the server's 404 says that a Revision does not exist. One that cannot be
// read, or that the template names and that is about to be created, is left to the server.
func TestUpdateTrafficToARevisionThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudruntest.Fault{
		"forbidden": {Path: "/revisions", Status: 403, Times: -1},
		"not listed": {Path: "/revisions", Times: -1, Match: func(r *http.Request) bool { return r.URL.Query().Get("labelSelector") != "" },
			Body: `{"kind": "RevisionList", "items": []}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				threeRevisions(t, d)
				s.Fault(fault)
				r, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v1", 100))
				require.NoError(t, err)
				require.Equal(t, `[{"r":"hello-v1","p":100}]`, trafficOf(t, r.Service.Status.Traffic))
			})
		})
	}
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		s.Script("hello", cloudruntest.Script{ObservedLag: time.Minute})
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v4"), cloudrun.WithNoTraffic(), cloudrun.Async())
		require.NoError(t, err)
		s.Fault(cloudruntest.Fault{Path: "/revisions/hello-v4", Times: 1, Status: 404})
		_, err = d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v4", 100))
		require.NoError(t, err)
	})
}

func TestDeployToLatestEndsAPin(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		threeRevisions(t, d)
		_, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v1", 100))
		require.NoError(t, err)
		r, err := d.Deploy(t.Context(), "hello", cloudrun.ToLatest())
		require.NoError(t, err)
		require.EqualValues(t, 100, r.Percent)
		require.Empty(t, r.Warnings)
		_, err = d.Deploy(t.Context(), "hello", cloudrun.ToLatest(), cloudrun.WithNoTraffic())
		require.ErrorContains(t, err, "contradicts")
	})
}

func TestUpdateTrafficUnderFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudruntest.Fault{
		"reset before": {Reset: true}, "reset after": {Reset: true, After: true}, "503 after": {Status: 503, After: true},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				threeRevisions(t, d)
				fault.Method = http.MethodPut
				s.Fault(fault)
				r, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v2", 20))
				require.NoError(t, err)
				require.Equal(t, cloudrun.Updated, r.Action)
				require.Equal(t, `[{"r":"LATEST","p":100}]`, trafficOf(t, r.PreviousTraffic))
				require.Equal(t, `[{"r":"hello-v2","p":20},{"r":"LATEST","p":80}]`, trafficOf(t, r.Service.Spec.Traffic))
			})
		})
	}
}

func TestRollback(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v0"))
		require.NoError(t, err)
		_, err = d.Rollback(t.Context(), "hello")
		require.ErrorIs(t, err, cloudrun.ErrNothingToRollBackTo)

		s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{}})
		time.Sleep(time.Minute)
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("broken"))
		require.Error(t, err)
		s.Script("hello", cloudruntest.Script{})
		time.Sleep(time.Minute)
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v1"), cloudrun.WithTag("newest"))
		require.NoError(t, err)

		s.ResetHistory()
		p, err := d.Rollback(t.Context(), "hello", cloudrun.DryRun())
		require.NoError(t, err)
		require.Equal(t, "hello-v0", p.Revision, "the one that failed is passed over")
		require.Equal(t, "traffic: LATEST=100 -> hello-v0=100", p.String())
		require.Empty(t, s.History())
		require.Nil(t, p.Result)
		_, err = d.Rollback(t.Context(), "hello", cloudrun.RollbackTo("hello-broken"), cloudrun.DryRun())
		require.ErrorContains(t, err, "it has failed and cannot serve", "a dry run checks what it would do")

		r, err := d.Rollback(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, `[{"r":"hello-v0","p":100},{"r":"hello-v1","t":"newest"}]`, trafficOf(t, r.Traffic))
		require.Equal(t, r.Traffic, r.Result.Service.Spec.Traffic)

		_, err = d.Rollback(t.Context(), "hello", cloudrun.RollbackToTraffic(r.PreviousTraffic))
		require.NoError(t, err)
		now, err := c.GetService(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, `[{"r":"LATEST","p":100},{"r":"hello-v1","t":"newest"}]`, trafficOf(t, now.Spec.Traffic))

		_, err = d.Rollback(t.Context(), "hello", cloudrun.RollbackTo("hello-v0"), cloudrun.RollbackToTraffic(r.PreviousTraffic))
		require.ErrorContains(t, err, "contradicts")
	})
}

// TestRollbackOfADeployment restores the traffic before a deployment from its result.
func TestRollbackOfADeployment(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		first, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"))
		require.NoError(t, err)
		require.Empty(t, first.PreviousTraffic)
		second, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v2"))
		require.NoError(t, err)
		r, err := d.Rollback(t.Context(), "hello", cloudrun.RollbackToTraffic(second.PreviousTraffic))
		require.NoError(t, err)
		require.Equal(t, `[{"r":"hello-v1","p":100}]`, trafficOf(t, r.Traffic))
	})
}

func TestRevisionsOfAService(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		_, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-v2", 30), cloudrun.WithTagOn("old", "hello-v1"))
		require.NoError(t, err)
		all, err := d.Revisions(t.Context(), "hello")
		require.NoError(t, err)
		require.Len(t, all, 3)
		for i, want := range []cloudrun.RevisionInfo{
			{Name: "hello-v3", Percent: 70, LatestCreated: true, LatestReady: true},
			{Name: "hello-v2", Percent: 30},
			{Name: "hello-v1", Tags: []string{"old"}},
		} {
			got := all[i]
			require.Equal(t, want.Name, got.Name)
			require.Equal(t, want.Percent, got.Percent)
			require.Equal(t, want.Tags, got.Tags)
			require.Equal(t, want.LatestCreated, got.LatestCreated)
			require.True(t, got.Ready)
			require.Equal(t, image, got.Image)
			require.Contains(t, got.ImageDigest, "@sha256:")
			require.Greater(t, got.Age(), time.Duration(i)*time.Minute)
			require.NotEmpty(t, got.InUse())
			s.ResetHistory()
			require.ErrorContains(t, d.DeleteRevision(t.Context(), "hello", got.Name), got.InUse())
			require.Empty(t, s.History())
		}
		_, err = d.Revisions(t.Context(), "absent")
		require.True(t, apierrors.IsNotFound(err), err)
	})
}

// A Revision that could not be read is left to the server. When the response to the
// write is lost, and the Revision can be read by then, the call does not claim
// that the options were refused.
func TestUpdateTrafficChecksARevisionOnce(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{}})
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("broken"))
		require.Error(t, err)
		s.Script("hello", cloudruntest.Script{})
		threeRevisions(t, d)

		s.Fault(cloudruntest.Fault{Path: "revisions/hello-broken", Status: http.StatusForbidden})
		written := false
		read := func(r *http.Request) bool { return written && r.Method == http.MethodGet }
		s.Fault(cloudruntest.Fault{Method: http.MethodPut, Reset: true, After: true, Do: func() { written = true }})
		s.Fault(cloudruntest.Fault{Path: "services/hello", Match: read, Stale: true})
		s.Fault(cloudruntest.Fault{Path: "services/hello", Match: read, Reset: true, Times: -1})
		_, err = d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-broken", 10), cloudrun.Async())
		var option *cloudrun.OptionError
		require.NotErrorAs(t, err, &option)
		require.Equal(t, cloudrun.WriteUnknown, outcomeOf(t, err))
	})
}

func TestPruneRevisions(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		for _, suffix := range []string{"a", "b", "c", "d", "e", "f"} {
			_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix(suffix))
			require.NoError(t, err)
			time.Sleep(time.Minute)
		}
		_, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-b", 10), cloudrun.WithTagOn("keep", "hello-c"))
		require.NoError(t, err)
		_, err = d.PruneRevisions(t.Context(), "hello", 0)
		require.Error(t, err)
		would, err := d.PruneRevisions(t.Context(), "hello", 2, cloudrun.DryRun())
		require.NoError(t, err)
		require.Equal(t, []string{"hello-a", "hello-d"}, revisionNames(would))
		require.Len(t, s.Revisions("demo", "hello"), 6)

		s.Fault(cloudruntest.Fault{Method: http.MethodDelete, Status: 429, Header: http.Header{"Retry-After": {"5"}}})
		s.Fault(cloudruntest.Fault{Method: http.MethodDelete, Path: "hello-d", Status: 403})
		events := map[cloudrun.EventKind]int{}
		deleted, err := d.PruneRevisions(t.Context(), "hello", 2, cloudrun.WithProgress(func(e cloudrun.Event) {
			require.Equal(t, cloudrun.StageDelete, e.Stage)
			events[e.Kind]++
		}))
		require.Equal(t, map[cloudrun.EventKind]int{cloudrun.StageStarted: 1, cloudrun.Retrying: 1, cloudrun.StageFailed: 1}, events)
		require.Equal(t, []string{"hello-a"}, revisionNames(deleted))
		var failed *cloudrun.DeployError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, cloudrun.Written, failed.Outcome)
		require.ErrorContains(t, err, "hello-d")

		deleted, err = d.PruneRevisions(t.Context(), "hello", 2)
		require.NoError(t, err)
		require.Equal(t, []string{"hello-d"}, revisionNames(deleted))
		require.Len(t, s.Revisions("demo", "hello"), 4)
	})
}

// A Revision that someone else deleted in the meantime is not returned.
func TestPruneRevisionsThatOthersDelete(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault cloudruntest.Fault
		want  []string
	}{
		"gone before the request":                                {cloudruntest.Fault{}, []string{"hello-v2"}},
		"gone before a retry":                                    {cloudruntest.Fault{Status: http.StatusTooManyRequests}, []string{"hello-v2"}},
		"gone after a lost response, so most likely by the call": {cloudruntest.Fault{Status: http.StatusServiceUnavailable}, []string{"hello-v1", "hello-v2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				threeRevisions(t, d)
				tc.fault.Method, tc.fault.Path, tc.fault.Do = http.MethodDelete, "hello-v1", func() {
					assert.NoError(t, c.DeleteRevision(context.Background(), "hello-v1"))
				}
				s.Fault(tc.fault)
				deleted, err := d.PruneRevisions(t.Context(), "hello", 1)
				require.NoError(t, err)
				require.Equal(t, tc.want, revisionNames(deleted))
			})
		})
	}
}

// TestPruneRevisionsLooksAgain checks that Revisions that come into use during the deletion are kept.
func TestPruneRevisionsLooksAgain(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		moved := false
		s.Fault(cloudruntest.Fault{Method: http.MethodDelete, Match: func(*http.Request) bool {
			if !moved {
				moved = true
				_, err := d.UpdateTraffic(context.Background(), "hello", cloudrun.ToRevision("hello-v2", 5))
				assert.NoError(t, err)
			}
			return false
		}})
		deleted, err := d.PruneRevisions(t.Context(), "hello", 1)
		require.Equal(t, []string{"hello-v1"}, revisionNames(deleted))
		require.ErrorContains(t, err, "it serves 5 % of the traffic")
	})
}
