package cloudrun_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/once"
)

// pinTo sends all traffic to a Revision and leaves a note.
func pinTo(revision string) func(*service) error {
	return func(s *service) error {
		all := int64(100)
		s.Spec.Traffic[0].LatestRevision, s.Spec.Traffic[0].RevisionName, s.Spec.Traffic[0].Percent = nil, revision, &all
		s.Annotations["example.com/moved-by"] = "test"
		return nil
	}
}

// The traffic and an annotation change in one write. The call waits until the write is in effect.
func TestEditTraffic(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		s.ResetHistory()
		s.Script("hello", cloudruntest.Script{RouteLag: time.Minute})
		s.Fault(cloudruntest.Fault{Method: http.MethodPut, Status: 409})
		start := time.Now()
		r, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.WithTagOn("old", "hello-v2"), cloudrun.EditTraffic(pinTo("hello-v1")), cloudrun.Async())
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), time.Minute, "Async has no effect on an edit")
		require.Equal(t, `[{"r":"hello-v1","p":100},{"r":"hello-v2","t":"old"}]`, trafficOf(t, r.Service.Status.Traffic))
		require.Equal(t, "test", r.Service.Annotations["example.com/moved-by"])
		require.Len(t, s.History(), 1)
		require.Len(t, s.Revisions("demo", "hello"), 3)
	})
}

func TestEditTrafficThatFails(t *testing.T) {
	t.Parallel()
	refused := errors.New("not now")
	for name, tc := range map[string]struct {
		edit  func(*service) error
		is    error
		want  string
		stage cloudrun.Stage
	}{
		"with the edit's error": {func(*service) error { return refused }, refused, "not now", cloudrun.StageOptions},
		"without an edit":       {nil, nil, "EditTraffic: the function is nil", cloudrun.StageOptions},
		"for the template": {func(s *service) error {
			s.Spec.Template.Annotations["a"] = "b"
			return nil
		}, nil, "EditTraffic: the edit changed the template", cloudrun.StageOptions},
		"for a Revision that cannot serve": {pinTo("hello-v4"), nil, "it has failed and cannot serve", cloudrun.StageOptions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				threeRevisions(t, d)
				s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Message: "It did not start."}})
				_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v4"))
				require.Error(t, err)
				_, err = d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v5"))
				require.Error(t, err)
				s.ResetHistory()
				r, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.EditTraffic(tc.edit))
				require.Nil(t, r)
				require.ErrorContains(t, err, tc.want)
				require.True(t, tc.is == nil || errors.Is(err, tc.is))
				var failed *cloudrun.DeployError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, tc.stage, failed.Stage)
				require.Equal(t, cloudrun.NotWritten, failed.Outcome)
				require.Empty(t, s.History())
			})
		})
	}
}

// An edit that has seen a newer Service gets another read.
func TestEditTrafficOfAStaleRead(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		threeRevisions(t, d)
		seen, err := c.GetService(t.Context(), "hello")
		require.NoError(t, err)
		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "/services/hello", Times: 2, Stale: true})
		reads := 0
		r, err := d.UpdateTraffic(t.Context(), "hello", cloudrun.EditTraffic(func(s *service) error {
			if reads++; s.Generation < seen.Generation {
				return fmt.Errorf("%w: generation %d", once.ErrReadAgain, s.Generation)
			}
			return pinTo("hello-v1")(s)
		}))
		require.NoError(t, err)
		require.Equal(t, 3, reads)
		require.Equal(t, cloudrun.Updated, r.Action)

		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "/services/hello", Times: -1, Stale: true})
		_, err = d.UpdateTraffic(t.Context(), "hello", cloudrun.EditTraffic(func(*service) error {
			return &once.StepError{Step: once.StepRead, Err: once.ErrReadAgain}
		}))
		require.ErrorContains(t, err, once.ErrReadAgain.Error())
		var failed *cloudrun.DeployError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, cloudrun.StageRead, failed.Stage)
		require.Equal(t, cloudrun.NotWritten, failed.Outcome)
	})
}

func TestClientOfADeployer(t *testing.T) {
	t.Parallel()
	_, c := newServer(t)
	require.Same(t, c, cloudrun.NewDeployer(c).Client())
}
