package cloudrun_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// If the response to a write is lost, the edit takes effect once and the call
// reports it correctly, even if the caller cancels.
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
		written bool          // expected if the caller cancels
	}{
		"reset before the effect":        {fault: cloudruntest.Fault{Reset: true}},
		"reset after the effect":         {fault: cloudruntest.Fault{Reset: true, After: true}},
		"503 before the effect":          {fault: cloudruntest.Fault{Status: 503, Times: 3}},
		"503 after the effect":           {fault: cloudruntest.Fault{Status: 503, After: true}},
		"truncated":                      {fault: cloudruntest.Fault{Truncate: 30, After: true}},
		"a page":                         {fault: cloudruntest.Fault{Status: 200, Body: "<html>", ContentType: "text/html", After: true}},
		"given up, without an effect":    {fault: cloudruntest.Fault{Status: 503, Header: http.Header{"Retry-After": {"60"}}}, giveUp: time.Second},
		"given up, after the effect":     {fault: cloudruntest.Fault{Status: 503, Header: http.Header{"Retry-After": {"60"}}, After: true}, giveUp: time.Second, written: true},
		"given up while the write hangs": {fault: cloudruntest.Fault{Delay: time.Hour}, giveUp: time.Second},
		"given up before Retry-After":    {fault: cloudruntest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}}, giveUp: time.Second},
	} {
		for callName, call := range calls {
			t.Run(callName+"/"+name, func(t *testing.T) {
				t.Parallel()
				inVirtualTime(t, func(t *testing.T) {
					s, c := newServer(t)
					require.NoError(t, s.PutService("demo", "us-central1", []byte(testkit.UnknownFieldsService)))
					fault := tc.fault
					fault.Method = http.MethodPut
					s.Fault(fault)
					ctx := t.Context()
					if tc.giveUp > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, tc.giveUp)
						defer cancel()
					}
					err := call(ctx, c)
					raw, _ := s.Service("demo", "hello")
					now := testkit.Leaves(raw)["/metadata/annotations/mine.example/a"]
					if tc.giveUp == 0 {
						require.NoError(t, err)
						require.Equal(t, `"x"`, now, "once, not twice")
						require.Len(t, s.History(), 1)
						return
					}
					var failed *cloudrun.DeployError
					require.ErrorAs(t, err, &failed)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.Equal(t, cloudrun.WriteUnknown, failed.Outcome)
					require.Equal(t, tc.written, now != "")
				})
			})
		}
	}
}

// A proxy that repeats a write forwards the response to the second, a conflict.
// If the caller cancels before the writer is known, the outcome is unknown.
func TestOutcomeOfAnEditThatAProxyRepeats(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		require.NoError(t, s.PutService("demo", "us-central1", []byte(testkit.UnknownFieldsService)))
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

// Changes between a write and the read that looks for it. The first write of a
// call makes generation 2 and takes effect unless the case says otherwise.
func TestOutcomeOfADeployThatIsDisturbed(t *testing.T) {
	t.Parallel()
	lost := cloudruntest.Fault{Method: http.MethodPut, After: true, Reset: true}
	repeated := cloudruntest.Fault{Method: http.MethodPut, After: true, Status: http.StatusConflict}
	refused := cloudruntest.Fault{Method: http.MethodPut, Status: http.StatusConflict}
	forbidden := cloudruntest.Fault{Method: http.MethodPut, Status: http.StatusForbidden}
	thenForbidden := forbidden
	thenForbidden.Skip = 1
	label := func(s *servingv1.Service) { s.Labels["others"] = "x" }
	template := func(s *servingv1.Service) {
		s.Spec.Template.Name, s.Spec.Template.Labels = "", map[string]string{"others": "x"}
	}
	type disturbance struct {
		faults    []cloudruntest.Fault
		others    func(*servingv1.Service) // the change of another writer
		first     bool                     // before our write instead of before the read after it
		outcome   cloudrun.WriteOutcome    // the outcome of a failure
		overtaken bool
		succeeds  bool
		revisions int // made by both writers
	}
	for name, tc := range map[string]disturbance{
		"lost, and a label is changed":                              {faults: []cloudruntest.Fault{lost}, others: label, succeeds: true, revisions: 2},
		"lost, and overtaken":                                       {faults: []cloudruntest.Fault{lost}, others: template, overtaken: true, outcome: cloudrun.Written, revisions: 3},
		"lost, overtaken, and the Revisions cannot be listed":       {faults: []cloudruntest.Fault{lost, {Method: http.MethodGet, Path: "/revisions", Skip: 1, Times: -1, Status: 403}}, others: template, outcome: cloudrun.WriteUnknown, revisions: 3},
		"repeated, and a label is changed":                          {faults: []cloudruntest.Fault{repeated}, others: label, succeeds: true, revisions: 2},
		"repeated, and overtaken":                                   {faults: []cloudruntest.Fault{repeated}, others: template, overtaken: true, outcome: cloudrun.Written, revisions: 3},
		"conflict with another writer, then forbidden":              {faults: []cloudruntest.Fault{thenForbidden}, others: label, first: true, outcome: cloudrun.NotWritten, revisions: 1},
		"conflict for no visible reason, then forbidden":            {faults: []cloudruntest.Fault{refused, forbidden}, outcome: cloudrun.NotWritten, revisions: 1},
		"conflict with another writer's new Revision, then allowed": {others: template, first: true, succeeds: true, revisions: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c)
				_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithLabel("mine", "x"))
				require.NoError(t, err)
				writing := false // another writer, without faults
				if tc.others != nil {
					method, n := http.MethodGet, 2
					if tc.first {
						method, n = http.MethodPut, 1
					}
					before(s, method, "/services/hello", n, func() {
						writing = true
						_, err := c.UpdateService(context.Background(), "hello", func(s *servingv1.Service) error {
							tc.others(s)
							return nil
						})
						assert.NoError(t, err)
						writing = false
					})
				}
				for _, fault := range tc.faults {
					fault.Match = func(*http.Request) bool { return !writing }
					s.Fault(fault)
				}
				r, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
				require.Len(t, s.Revisions("demo", "hello"), tc.revisions)
				if tc.succeeds {
					require.NoError(t, err)
					require.Equal(t, cloudrun.Updated, r.Action)
					return
				}
				var failed *cloudrun.DeployError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, tc.outcome, failed.Outcome, "%v", err)
				require.ErrorContains(t, err, `deploy service "hello": `)
				var overtaken *cloudrun.OvertakenError
				require.Equal(t, tc.overtaken, errors.As(err, &overtaken), "%v", err)
			})
		})
	}
}

func TestUpdateServiceOutcomes(t *testing.T) {
	t.Parallel()
	label := func(s *servingv1.Service) error {
		s.Labels = map[string]string{"mine": "x"}
		return nil
	}
	for name, tc := range map[string]struct {
		opts    []cloudrun.WriteOption
		fault   cloudruntest.Fault
		missing bool // the Service is deleted before the write
		outcome cloudrun.WriteOutcome
		writes  int
	}{
		"a check whose answer is lost": {opts: []cloudrun.WriteOption{cloudrun.DryRun()}, fault: cloudruntest.Fault{Method: http.MethodPut, Times: -1, Reset: true}, outcome: cloudrun.NotWritten},
		"a Service that is gone":       {missing: true, outcome: cloudrun.WriteUnknown, writes: 1}, // a proxy may have delivered the write twice,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
				require.NoError(t, err)
				s.ResetHistory()
				if tc.missing {
					before(s, http.MethodPut, "/services/hello", 1, func() {
						assert.NoError(t, c.DeleteService(context.Background(), "hello"))
					})
				}
				if tc.fault.Method != "" {
					s.Fault(tc.fault)
				}
				start := time.Now()
				_, err = c.UpdateService(t.Context(), "hello", label, tc.opts...)
				var failed *cloudrun.DeployError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, tc.outcome, failed.Outcome)
				require.LessOrEqual(t, time.Since(start), 500*time.Millisecond, "no second try can help")
				require.Len(t, s.History(), tc.writes)
			})
		})
	}
}
