package cloudrun_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

const helloPath = "/services/hello"

// staleReads makes the next reads of the Service stale.
func staleReads(s *cloudruntest.Server, times int) {
	s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: helloPath, Times: times, Stale: true})
}

// annotateAs changes the Service as another writer does.
func annotateAs(t *testing.T, c *cloudrun.Client, value string) {
	_, err := c.UpdateService(context.Background(), "hello", func(s *servingv1.Service) error {
		s.Annotations["theirs.example/a"] = value
		return nil
	})
	assert.NoError(t, err)
}

// A Deploy finds its own write again, although the response was lost or a
// refusal, and later reads are older than the write. It makes one Revision.
func TestDeployFindsItsWriteAgain(t *testing.T) {
	t.Parallel()
	const put = http.MethodPut
	type scene func(t *testing.T, s *cloudruntest.Server, c *cloudrun.Client)
	refusedAfter := func(status int) scene {
		return func(_ *testing.T, s *cloudruntest.Server, _ *cloudrun.Client) {
			s.Fault(cloudruntest.Fault{Method: put, After: true, Status: status, Do: func() { staleReads(s, 1) }})
		}
	}
	for name, arrange := range map[string]scene{
		"lost, a stale read, and a failure": func(_ *testing.T, s *cloudruntest.Server, _ *cloudrun.Client) {
			s.Fault(cloudruntest.Fault{Method: put, After: true, Reset: true, Do: func() { staleReads(s, 1) }})
			s.Fault(cloudruntest.Fault{Method: put, Status: 503})
		},
		"lost twice, with another's write between": func(t *testing.T, s *cloudruntest.Server, c *cloudrun.Client) {
			s.Fault(cloudruntest.Fault{Method: put, Reset: true, Do: func() { go annotateAs(t, c, "x") }})
			s.Fault(cloudruntest.Fault{Method: put, Skip: 1, After: true, Reset: true, Do: func() { staleReads(s, 3) }})
		},
		"delivered twice, and stale reads": func(_ *testing.T, s *cloudruntest.Server, _ *cloudrun.Client) {
			s.Fault(cloudruntest.Fault{Method: put, Twice: true, Do: func() { staleReads(s, 3) }})
		},
		"refused with 400": refusedAfter(400),
		"refused with 403": refusedAfter(403),
		"refused with 412": refusedAfter(412),
		"refused with 429": refusedAfter(429),
		"refused with 429 to the end": func(_ *testing.T, s *cloudruntest.Server, _ *cloudrun.Client) {
			s.Fault(cloudruntest.Fault{Method: put, After: true, Status: 429})
			s.Fault(cloudruntest.Fault{Method: put, Times: -1, Status: 429})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				annotateAs(t, c, "before")
				arrange(t, s, c)
				r, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
				require.NoError(t, err)
				all, err := cloudrun.NewDeployer(c).Revisions(t.Context(), "hello")
				require.NoError(t, err)
				require.Len(t, all, 2)
				require.Equal(t, all[0].Name, r.Revision)
			})
		})
	}
}

// What was written to a Service that was deleted since cannot be known.
func TestDeployToAServiceThatIsCreatedAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudruntest.Fault{
		"lost":             {Reset: true},
		"refused with 400": {Status: 400},
		"refused with 403": {Status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				fault.Method, fault.After = http.MethodPut, true
				fault.Do = func() {
					assert.NoError(t, cloudrun.NewDeployer(c).Delete(context.Background(), "hello"))
					_, err := cloudrun.NewDeployer(c).Deploy(context.Background(), "hello", cloudrun.WithImage(image))
					assert.NoError(t, err)
				}
				s.Fault(fault)
				_, err = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
				require.Equal(t, cloudrun.WriteUnknown, outcomeOf(t, err), err)
				require.Len(t, s.Revisions("demo", "hello"), 1)
			})
		})
	}
}

// Apply finds its write again, although a read shows the Service from before the plan.
func TestApplyReadsOlderThanThePlan(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		old, _ := s.Service("demo", "hello")
		annotateAs(t, c, "x")
		plan, err := d.Plan(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		s.ResetHistory()
		s.Fault(cloudruntest.Fault{Method: http.MethodPut, After: true, Reset: true, Do: func() {
			s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: helloPath, Times: 2, Status: http.StatusOK, Body: string(old)})
		}})
		_, err = d.Apply(t.Context(), plan)
		require.NoError(t, err)
		require.Len(t, s.History(), 1)
	})
}

// A write without a mark that was refused, and may have been replaced, is unknown.
func TestUpdateTrafficThatWasRefusedAndReplaced(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after bool
		want  cloudrun.WriteOutcome
	}{"it was written": {true, cloudrun.WriteUnknown}, "it was not": {false, cloudrun.NotWritten}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				first, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				s.Fault(cloudruntest.Fault{Method: http.MethodPut, After: tc.after, Status: 400, Do: func() {
					_, err := c.UpdateService(context.Background(), "hello", func(s *servingv1.Service) error {
						all := int64(100)
						s.Spec.Traffic = []servingv1.TrafficTarget{{RevisionName: "", LatestRevision: &[]bool{true}[0], Percent: &all, Tag: "theirs"}}
						return nil
					})
					assert.NoError(t, err)
				}})
				_, err = cloudrun.NewDeployer(c).UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision(first.Revision, 100))
				require.Equal(t, tc.want, outcomeOf(t, err), err)
			})
		})
	}
}
