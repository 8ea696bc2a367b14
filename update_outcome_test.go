package cloudrun_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// However the answer to a write is lost, the edit takes effect once, and what
// the call says of it is true; also when the caller gives up meanwhile.
func TestOutcomeOfEditsUnderLostAnswers(t *testing.T) {
	t.Parallel()
	annotate := func(s *servingv1.Service) error {
		s.Annotations["mine.example/a"] += "x"
		return nil
	}
	calls := map[string]func(context.Context, *cloudrun.Client) error{
		"UpdateService": func(ctx context.Context, c *cloudrun.Client) error {
			_, err := c.UpdateService(ctx, "hello", annotate)
			return err
		},
		"EditService": func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.EditService(annotate))
			return err
		},
	}
	for name, tc := range map[string]struct {
		fault   cloudruntest.Fault
		giveUp  time.Duration // 0: never
		written bool          // if the caller gives up
	}{
		"reset before the effect":          {fault: cloudruntest.Fault{Reset: true}},
		"reset after the effect":           {fault: cloudruntest.Fault{Reset: true, After: true}},
		"503 before the effect":            {fault: cloudruntest.Fault{Status: 503, Times: 3}},
		"503 after the effect":             {fault: cloudruntest.Fault{Status: 503, After: true}},
		"truncated":                        {fault: cloudruntest.Fault{Truncate: 30, After: true}},
		"a page":                           {fault: cloudruntest.Fault{Status: 200, Body: "<html>", ContentType: "text/html", After: true}},
		"given up, without an effect":      {fault: cloudruntest.Fault{Status: 503, Header: http.Header{"Retry-After": {"60"}}}, giveUp: time.Second},
		"given up, after the effect":       {fault: cloudruntest.Fault{Status: 503, Header: http.Header{"Retry-After": {"60"}}, After: true}, giveUp: time.Second, written: true},
		"given up while the write hangs":   {fault: cloudruntest.Fault{Delay: time.Hour}, giveUp: time.Second},
		"given up when told to come later": {fault: cloudruntest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}}, giveUp: time.Second},
	} {
		for callName, call := range calls {
			t.Run(callName+"/"+name, func(t *testing.T) {
				t.Parallel()
				inVirtualTime(t, func(t *testing.T) {
					s, c := newServer(t)
					require.NoError(t, s.PutService("demo", "us-central1", []byte(simSeed)))
					tc.fault.Method = http.MethodPut
					s.Fault(tc.fault)
					ctx := t.Context()
					if tc.giveUp > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, tc.giveUp)
						defer cancel()
					}
					err := call(ctx, c)
					raw, _ := s.Service("demo", "hello")
					now := simFields(raw)["/metadata/annotations/mine.example/a"]
					if tc.giveUp == 0 {
						require.NoError(t, err)
						require.Equal(t, `"x"`, now, "once, not twice")
						require.Len(t, s.History(), 1)
						return
					}
					var failed *cloudrun.DeployError
					require.ErrorAs(t, err, &failed)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					want := cloudrun.WriteUnknown
					if tc.fault.Status == 429 {
						want = cloudrun.NotWritten
					}
					require.Equal(t, want, failed.Outcome)
					require.Equal(t, tc.written, now != "")
				})
			})
		}
	}
}

// A proxy that repeats a write passes on the answer to the second, a conflict.
// A caller that gives up before it is seen whose write that was does not know.
func TestOutcomeOfAnEditThatAProxyRepeats(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		require.NoError(t, s.PutService("demo", "us-central1", []byte(simSeed)))
		s.Fault(cloudruntest.Fault{Method: http.MethodPut, After: true, Status: http.StatusConflict})
		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Skip: 1, Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.UpdateService(ctx, "hello", func(s *servingv1.Service) error {
			s.Labels["mine"] = "x"
			return nil
		})
		var failed *cloudrun.DeployError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, cloudrun.WriteUnknown, failed.Outcome)
		require.Len(t, s.History(), 1)
	})
}
