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
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// planText returns the text of a plan.
func planText(t *testing.T, p *cloudrun.Plan) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, p.WriteText(&b))
	return b.String()
}

// planPaths returns the changes of a plan in the form of the tables.
func planPaths(changes []cloudrun.Change) []string {
	all := []string{}
	for _, c := range changes {
		all = append(all, c.String())
	}
	return all
}

func TestPlanOfANewService(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithPublicAccess())
		p, err := d.Plan(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithEnv("MODE", "test"), cloudrun.WithRevisionSuffix("v1"))
		require.NoError(t, err)
		require.Empty(t, s.History(), "nothing is written")
		require.Len(t, s.Requests(), 2, methods(s.Requests()))
		require.Equal(t, "all", s.Requests()[1].Query.Get("dryRun"))
		require.Equal(t, strings.TrimLeft(`
service "hello" (demo, us-central1): would be created, with the new revision hello-v1
  + spec.template.metadata.annotations[run.googleapis.com/startup-cpu-boost]: "True"
  + spec.template.metadata.name: "hello-v1"
  + spec.template.spec.containers[0].env[MODE].value: (hidden)
  + spec.template.spec.containers[0].image: "`+image+`"
  ~ public access: private -> public (everybody is allowed to call the service)
4 added, 0 changed, 0 removed; public access changes
the server accepts it
`, "\n"), planText(t, p))
		require.Equal(t, `service "hello" (demo, us-central1): would be created, with the new revision hello-v1: 4 added, 0 changed, 0 removed; public access changes; the server accepts it`,
			fmt.Sprint(p))
		require.NotNil(t, p.Answer().Spec.Template.Spec.TimeoutSeconds, "a default of the server")
		require.Equal(t, cloudrun.Created, p.Action)
		require.Equal(t, &cloudrun.PublicAccess{Before: new(bool), After: true}, p.PublicAccess)
	})
}

func TestPlanOfAnUpdate(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithEnv("A", "1"), cloudrun.WithEnv("B", "2"),
			cloudrun.WithMemory("1Gi"), cloudrun.WithDescription("old"), cloudrun.WithRevisionSuffix("v1"))
		require.NoError(t, err)
		s.ResetHistory()

		p, err := d.Plan(t.Context(), "hello", cloudrun.WithImage("img:v2"), cloudrun.WithEnv("A", "3"), cloudrun.WithoutEnv("B"),
			cloudrun.WithMemory("1024Mi"), cloudrun.WithDescription(""), cloudrun.WithRequestTimeout(time.Minute), cloudrun.WithoutPublicAccess())
		require.NoError(t, err)
		require.Empty(t, s.History())
		require.Equal(t, strings.TrimLeft(`
service "hello" (demo, us-central1): would be updated, with a new revision
  ~ metadata.annotations[run.googleapis.com/description]: "old" -> ""
  ~ spec.template.spec.containers[hello-1].env[A].value: (hidden), changed
  - spec.template.spec.containers[hello-1].env[B].value: (hidden)
  ~ spec.template.spec.containers[hello-1].image: "`+image+`" -> "img:v2"
  ~ spec.template.spec.timeoutSeconds: 300 -> 60
  public access: already private (only members of the IAM policy are allowed to call the service)
0 added, 4 changed, 1 removed
the server accepts it
`, "\n"), planText(t, p))

		p, err = d.Plan(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithEnv("A", "3"), cloudrun.RevealValues())
		require.NoError(t, err)
		require.Contains(t, planText(t, p), `env[A].value: "1" -> "3"`)
	})
}

func TestPlanWithoutChanges(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		_, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		s.ResetRequests()

		p, err := d.Plan(t.Context(), "hello", cloudrun.IfChanged())
		require.NoError(t, err)
		require.Len(t, s.Requests(), 1, "there is nothing to ask")
		require.Equal(t, "service \"hello\" (demo, us-central1): would not change\nno changes\nthe server did not check it\n", planText(t, p))
		r, err := d.Apply(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, cloudrun.Unchanged, r.Action)

		p, err = d.Plan(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, "service \"hello\" (demo, us-central1): would be updated, with a new revision\nno changes\nthe server accepts it\n", planText(t, p))
		p, err = d.Plan(t.Context(), "new", cloudrun.WithoutDryRun())
		require.NoError(t, err)
		require.False(t, p.Checked)
		require.Nil(t, p.Answer())

		p, err = cloudrun.NewDeployer(c).Plan(t.Context(), "hello", cloudrun.WithDescription("about the Service itself"))
		require.NoError(t, err)
		require.False(t, p.NewRevision)
		require.Contains(t, planText(t, p), "would be updated, without a new revision\n")
	})
}

func TestPlanHasTheVerdictOfTheServer(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		p, err := d.Plan(t.Context(), "hello", cloudrun.EditContainer(func(c *corev1.Container) error {
			c.Ports = []corev1.ContainerPort{{ContainerPort: 70000}}
			return nil
		}))
		require.NoError(t, err)
		var refused *cloudrun.APIError
		require.ErrorAs(t, p.Verdict, &refused)
		require.True(t, p.Checked)
		require.Nil(t, p.Answer())
		require.Contains(t, planText(t, p), "the server rejects it: create service ")
		_, err = d.Apply(t.Context(), p)
		require.ErrorAs(t, err, &refused, "the server may have changed its mind, and has not")

		s.DenyPermission("run.services.create")
		p, err = d.Plan(t.Context(), "hello")
		require.NoError(t, err)
		require.ErrorContains(t, p.Verdict, "run.services.create")
		require.Empty(t, s.History())
	})
}

// TestPlanUnderFaults checks that transport failures are not reported as the server's verdict.
func TestPlanUnderFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault cloudruntest.Fault
		fails bool
	}{
		"503":                 {fault: cloudruntest.Fault{Method: http.MethodPut, Status: 503}},
		"reset":               {fault: cloudruntest.Fault{Method: http.MethodPut, Reset: true, After: true}},
		"truncated":           {fault: cloudruntest.Fault{Method: http.MethodPut, Truncate: 20}},
		"a stale read":        {fault: cloudruntest.Fault{Method: http.MethodGet, Stale: true}},
		"not created by then": {fault: cloudruntest.Fault{Method: http.MethodGet, Status: 404, Body: `{"error":{"code":404,"status":"NOT_FOUND"}}`}},
		"503 for ever":        {fault: cloudruntest.Fault{Method: http.MethodPut, Status: 503, Times: -1}, fails: true},
		"401":                 {fault: cloudruntest.Fault{Method: http.MethodPut, Status: 401, Times: -1}, fails: true},
		"a proxy":             {fault: cloudruntest.Fault{Method: http.MethodPut, Status: 404, Body: "<html>", ContentType: "text/html"}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
				for _, value := range []string{"1", "2"} {
					_, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", value))
					require.NoError(t, err)
				}
				s.ResetHistory()
				s.Fault(tc.fault)
				p, err := d.Plan(t.Context(), "hello", cloudrun.WithEnv("A", "3"), cloudrun.RevealValues())
				require.Empty(t, s.History())
				if tc.fails {
					var call *cloudrun.DeployError
					require.ErrorAs(t, err, &call)
					require.Equal(t, cloudrun.NotWritten, call.Outcome)
					return
				}
				require.NoError(t, err)
				require.NoError(t, p.Verdict)
				require.Len(t, p.Changes, 1)
				require.Contains(t, p.Changes[0].String(), `"2" -> "3"`)
			})
		})
	}
}

func TestPlanFails(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		var option *cloudrun.OptionError
		var call *cloudrun.DeployError
		_, err := d.Plan(t.Context(), "hello", cloudrun.WithCPU("many"))
		require.ErrorAs(t, err, &option)
		require.ErrorAs(t, err, &call)
		require.Equal(t, cloudrun.StageOptions, call.Stage)
		_, err = d.Plan(t.Context(), "hello")
		require.ErrorAs(t, err, &option, "a new Service needs an image")
		_, err = cloudrun.NewDeployer(nil).Plan(t.Context(), "hello")
		require.ErrorContains(t, err, "no client")

		s.Script("hello", cloudruntest.Script{DeletionTime: time.Minute})
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		require.NoError(t, c.DeleteService(t.Context(), "hello"))
		_, err = d.Plan(t.Context(), "hello")
		require.ErrorIs(t, err, cloudrun.ErrBeingDeleted)
	})
}

func TestPlanWarnsOfPinnedTraffic(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		first, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)

		p, err := d.Plan(t.Context(), "hello", cloudrun.WithNoTraffic(), cloudrun.WithTag("next"))
		require.NoError(t, err)
		require.Empty(t, p.Warnings, "that was asked for")
		require.Regexp(t, `^hello-00002-[a-z]{3}$`, p.Revision)
		require.Subset(t, planPaths(p.Changes), []string{
			`- spec.traffic[LATEST].percent: 100`, `+ spec.traffic[` + first.Revision + `].percent: 100`,
			`+ spec.traffic[tag next].revisionName: "` + p.Revision + `"`,
		})
		r, err := d.Apply(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, p.Revision, r.Revision)
		require.Contains(t, r.TagURLs, "next")

		p, err = d.Plan(t.Context(), "hello")
		require.NoError(t, err)
		require.Len(t, p.Warnings, 1)
		require.Contains(t, planText(t, p), "  warning: the new revision gets no traffic, which is pinned to "+first.Revision)
	})
}

// TestPlanOnACluster covers Kubernetes: it spells dryRun differently, and its
// controllers change the resource version without another writer.
func TestPlanOnACluster(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newCluster(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage("registry.example/app:v1"))
		p, err := d.Plan(t.Context(), "hello")
		require.NoError(t, err)
		require.Contains(t, planText(t, p), "service \"hello\" (default): would be created, with a new revision\n")
		require.Equal(t, "All", s.Requests()[1].Query.Get("dryRun"))
		require.Empty(t, s.History())
		_, err = d.Apply(t.Context(), p)
		require.NoError(t, err)

		_, err = d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("hello-00001", 100), cloudrun.Async())
		require.NoError(t, err)
		p, err = d.Plan(t.Context(), "hello", cloudrun.WithEnv("A", "1"), cloudrun.WithNoTraffic())
		require.NoError(t, err)
		require.NoError(t, p.Verdict)
		before, err := c.GetService(t.Context(), "hello")
		require.NoError(t, err)
		time.Sleep(time.Minute)
		after, err := c.GetService(t.Context(), "hello")
		require.NoError(t, err)
		require.NotEqual(t, before.ResourceVersion, after.ResourceVersion)
		_, err = d.Apply(t.Context(), p)
		require.NoError(t, err, "only the status has changed")

		p, err = d.Plan(t.Context(), "hello", cloudrun.WithNoTraffic())
		require.NoError(t, err)
		_, err = c.UpdateService(t.Context(), "hello", func(s *servingv1.Service) error {
			s.Annotations["example.com/a"] = "b"
			return nil
		})
		require.NoError(t, err)
		_, err = d.Apply(t.Context(), p)
		require.ErrorContains(t, err, `+ metadata.annotations[example.com/a]: "b"`, "which makes no new generation")

		_, err = d.Deploy(t.Context(), "hello", cloudrun.Async())
		require.NoError(t, err)
		for _, until := range []string{"created", "ready"} {
			p, err = d.Plan(t.Context(), "hello", cloudrun.WithNoTraffic())
			require.NoError(t, err)
			time.Sleep(time.Second)
			_, err = d.Apply(t.Context(), p)
			require.ErrorContains(t, err, "another revision became the latest", until)
		}
	})
}

func TestApplyWritesWhatWasPlanned(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.WithPublicAccess())
		p, err := d.Plan(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		r, err := d.Apply(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, cloudrun.Created, r.Action)

		p, err = d.Plan(t.Context(), "hello", cloudrun.WithCPU("2"))
		require.NoError(t, err)
		s.ResetRequests()
		r, err = cloudrun.NewDeployer(c).Apply(t.Context(), p, cloudrun.WithWaitTimeout(time.Minute))
		require.NoError(t, err)
		require.Equal(t, cloudrun.Updated, r.Action)
		require.EqualValues(t, 100, r.Percent)
		require.Len(t, s.Requests(), 3, methods(s.Requests()))
		require.Equal(t, "2", r.Service.Spec.Template.Spec.Containers[0].Resources.Limits.Cpu().String())
		public, err := cloudrun.IsPublic(t.Context(), c, "hello")
		require.NoError(t, err)
		require.True(t, public)

		p, err = d.Plan(t.Context(), "hello", cloudrun.WithCPU("2"), cloudrun.IfChanged())
		require.NoError(t, err)
		require.Equal(t, cloudrun.Unchanged, p.Action)
	})
}

func TestApplyOfAStalePlan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fresh  bool // whether the Service does not exist
		moves  func(*testing.T, *cloudruntest.Server, *cloudrun.Deployer, *cloudrun.Client, *cloudrun.Plan)
		reason string
	}{
		"applied before": {reason: "it was changed", moves: func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer, _ *cloudrun.Client, p *cloudrun.Plan) {
			_, err := d.Apply(t.Context(), p)
			require.NoError(t, err)
		}},
		"created": {fresh: true, reason: "it was created", moves: func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer, _ *cloudrun.Client, p *cloudrun.Plan) {
			_, err := d.Apply(t.Context(), p)
			require.NoError(t, err)
		}},
		"changed": {reason: `~ spec.template.spec.timeoutSeconds: 300 -> 7`, moves: func(t *testing.T, _ *cloudruntest.Server, _ *cloudrun.Deployer, c *cloudrun.Client, _ *cloudrun.Plan) {
			_, err := c.UpdateService(t.Context(), "hello", func(s *servingv1.Service) error { *s.Spec.Template.Spec.TimeoutSeconds = 7; return nil })
			require.NoError(t, err)
		}},
		"changed, which a stale read does not show": {reason: `timeoutSeconds: 300 -> 7`, moves: func(t *testing.T, s *cloudruntest.Server, _ *cloudrun.Deployer, c *cloudrun.Client, _ *cloudrun.Plan) {
			_, err := c.UpdateService(t.Context(), "hello", func(s *servingv1.Service) error { *s.Spec.Template.Spec.TimeoutSeconds = 7; return nil })
			require.NoError(t, err)
			s.Fault(cloudruntest.Fault{Method: http.MethodGet, Stale: true})
		}},
		"changed, which no read shows": {reason: "it was changed", moves: func(t *testing.T, s *cloudruntest.Server, _ *cloudrun.Deployer, c *cloudrun.Client, _ *cloudrun.Plan) {
			_, err := c.UpdateService(t.Context(), "hello", func(s *servingv1.Service) error { *s.Spec.Template.Spec.TimeoutSeconds = 7; return nil })
			require.NoError(t, err)
			s.Fault(cloudruntest.Fault{Method: http.MethodGet, Stale: true, Times: -1})
		}},
		"deleted": {reason: "it was deleted:", moves: func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer, _ *cloudrun.Client, _ *cloudrun.Plan) {
			require.NoError(t, d.Delete(t.Context(), "hello"))
		}},
		"being deleted": {reason: "it is being deleted", moves: func(t *testing.T, s *cloudruntest.Server, _ *cloudrun.Deployer, c *cloudrun.Client, _ *cloudrun.Plan) {
			s.Script("hello", cloudruntest.Script{DeletionTime: time.Minute})
			require.NoError(t, c.DeleteService(t.Context(), "hello"))
		}},
		"changed there and back": {reason: "it was changed", moves: func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer, _ *cloudrun.Client, _ *cloudrun.Plan) {
			for _, opt := range []cloudrun.TrafficOption{cloudrun.WithTagOn("tag", cloudrun.Latest), cloudrun.WithoutTag("tag")} {
				_, err := d.UpdateTraffic(t.Context(), "hello", opt)
				require.NoError(t, err)
			}
		}},
		"created anew": {reason: "it was deleted and created again", moves: func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer, _ *cloudrun.Client, _ *cloudrun.Plan) {
			require.NoError(t, d.Delete(t.Context(), "hello"))
			_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v1"))
			require.NoError(t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
				if !tc.fresh {
					_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("v1"))
					require.NoError(t, err)
				}
				p, err := d.Plan(t.Context(), "hello")
				require.NoError(t, err)
				tc.moves(t, s, d, c, p)
				s.ResetHistory()

				_, err = d.Apply(t.Context(), p)
				require.ErrorIs(t, err, cloudrun.ErrPlanStale)
				var stale *cloudrun.PlanStaleError
				require.ErrorAs(t, err, &stale)
				require.Equal(t, "hello", stale.Service)
				require.ErrorContains(t, err, tc.reason)
				var call *cloudrun.DeployError
				require.ErrorAs(t, err, &call)
				require.Equal(t, cloudrun.NotWritten, call.Outcome)
				require.Empty(t, s.History())
			})
		})
	}
}

// TestApplyOvertakenWhileLost covers a lost response followed by another writer's change.
func TestApplyOvertakenWhileLost(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"it took effect": true, "it did not": false} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
				_, err := d.Deploy(t.Context(), "hello")
				require.NoError(t, err)
				p, err := d.Plan(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
				require.NoError(t, err)
				s.Fault(cloudruntest.Fault{Method: http.MethodPut, Reset: true, After: after})
				_, err = d.Apply(t.Context(), p, cloudrun.WithProgress(func(e cloudrun.Event) {
					if e.Kind == cloudrun.Retrying {
						_, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "2"))
						require.NoError(t, err)
					}
				}))
				var call *cloudrun.DeployError
				require.ErrorAs(t, err, &call)
				var overtaken *cloudrun.OvertakenError
				require.Equal(t, after, errors.As(err, &overtaken), err)
				require.Equal(t, !after, errors.Is(err, cloudrun.ErrPlanStale), err)
				want := map[bool]cloudrun.WriteOutcome{true: cloudrun.Written, false: cloudrun.NotWritten}
				require.Equal(t, want[after], call.Outcome, err)
			})
		})
	}
}

// TestApplyAtTheSameTime checks that only one of several concurrent Apply calls writes.
func TestApplyAtTheSameTime(t *testing.T) {
	for _, fresh := range []bool{true, false} {
		inVirtualTime(t, func(t *testing.T) {
			s, c := newServer(t, cloudruntest.WithTimeToReady(time.Second))
			d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
			if !fresh {
				_, err := d.Deploy(t.Context(), "hello")
				require.NoError(t, err)
			}
			p, err := d.Plan(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
			require.NoError(t, err)
			s.ResetHistory()
			errs := make(chan error)
			for range 5 {
				go func() {
					_, err := d.Apply(t.Context(), p)
					errs <- err
				}()
			}
			applied := 0
			for range 5 {
				err := <-errs
				if err == nil {
					applied++
					continue
				}
				require.ErrorIs(t, err, cloudrun.ErrPlanStale)
			}
			require.Equal(t, 1, applied)
			require.Len(t, s.History(), 1)
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		for _, p := range []*cloudrun.Plan{nil, {}, {Service: "hello"}} {
			_, err := d.Apply(t.Context(), p)
			require.ErrorContains(t, err, "Deployer.Plan")
		}
		p, err := d.Plan(t.Context(), "hello")
		require.NoError(t, err)
		_, err = d.Apply(t.Context(), p, nil)
		require.ErrorContains(t, err, "it is nil")
		_, err = cloudrun.NewDeployer(nil).Apply(t.Context(), p)
		require.ErrorContains(t, err, "no client")
		other, err := cloudrun.NewClient(t.Context(), "other", "us-central1", s.ClientOptions()...)
		require.NoError(t, err)
		_, err = cloudrun.NewDeployer(other).Apply(t.Context(), p)
		require.ErrorContains(t, err, `project "demo"`)
		require.Empty(t, s.History())
	})
}

// canaries are options whose values must stay hidden.
func canaries(n int) []cloudrun.DeployOption {
	v := func(name string) string { return fmt.Sprintf("CANARY-%s-%d", name, n) }
	return []cloudrun.DeployOption{
		cloudrun.WithImage(image), cloudrun.WithPort(8080), cloudrun.WithEnv("A", v("literal")), cloudrun.WithEnv("B", "x\n"+v("multi\nline")+"\""),
		cloudrun.WithSecretEnv("C", v("secret"), "1"), cloudrun.WithSecretEnv("D", "projects/123/secrets/"+v("remote"), "latest"),
		cloudrun.WithSecretFile("/etc/keys/key", v("file"), "latest"), cloudrun.WithArgs("--password", v("argument")),
		cloudrun.WithCommand("sh", "-c", "API_KEY="+v("command")+" serve"), cloudrun.WithLabel("db-password", strings.ToLower(v("label"))),
		cloudrun.EditService(func(s *servingv1.Service) error {
			s.Spec.Template.Annotations["example.com/token"] = v("annotation")
			s.Spec.Template.Annotations["example.com/database"] = "postgres://user:" + v("url") + "@host/db"
			return nil
		}),
		cloudrun.WithStartupProbe(cloudrun.Probe{}),
		cloudrun.WithContainer("proxy", cloudrun.WithImage(image), cloudrun.WithEnv("A", v("sidecar"))),
	}
}

func TestPlanHidesWhatMayBeSecret(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		requireHidden := func(what ...any) {
			t.Helper()
			for _, text := range what {
				require.NotContains(t, strings.ToUpper(fmt.Sprint(text)), "CANARY")
			}
		}
		for n := range 3 {
			p, err := d.Plan(t.Context(), "hello", cloudrun.PlanOptions(canaries(n)...)...)
			require.NoError(t, err)
			require.NoError(t, p.Verdict)
			encoded, err := json.Marshal(p)
			require.NoError(t, err)
			requireHidden(planText(t, p), string(encoded), p, *p, fmt.Sprintf("%+v %#v %s %q", p, p, p, *p), fmt.Sprintf("%+v %#v", p.Changes, *p))
			require.Contains(t, planText(t, p), "env[A].value: (hidden)")

			open, err := d.Plan(t.Context(), "hello", append(cloudrun.PlanOptions(canaries(n)...), cloudrun.RevealValues())...)
			require.NoError(t, err)
			require.Len(t, open.Changes, len(p.Changes), "as much is changed")
			for _, name := range []string{"literal", "multi", "secret", "remote", "file", "argument", "command", "annotation", "url", "sidecar"} {
				require.Contains(t, planText(t, open), "CANARY-"+name)
			}
			_, err = d.Apply(t.Context(), p)
			require.NoError(t, err)
			_, err = d.Apply(t.Context(), p)
			require.ErrorIs(t, err, cloudrun.ErrPlanStale)
			requireHidden(err)
		}
		// A server quotes the value that it refuses.
		quoting := cloudruntest.Fault{Method: http.MethodPut, Status: 400, Times: -1,
			Body: `{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"invalid value CANARY-literal-9 or x\nCANARY-multi\nline-9\" in CANARY-secret-9"}}`}
		s.Fault(quoting)
		p, err := d.Plan(t.Context(), "hello", cloudrun.PlanOptions(canaries(9)...)...)
		require.NoError(t, err)
		require.Error(t, p.Verdict)
		_, err = d.Apply(t.Context(), p)
		require.Error(t, err)
		encoded, jsonErr := json.Marshal(p)
		require.NoError(t, jsonErr)
		requireHidden(p.Verdict, planText(t, p), string(encoded), err)
		var refused *cloudrun.APIError
		require.ErrorAs(t, p.Verdict, &refused)
	})
}

func TestPlanIsFitForTerminals(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		p, err := cloudrun.NewDeployer(c).Plan(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithoutDryRun(),
			cloudrun.WithArgs("\x1b[31mred", "two\nlines", "\u202ebackwards", "\u009b"),
			cloudrun.EditService(func(s *servingv1.Service) error {
				s.Annotations = map[string]string{"\x1b]0;title\a": "a"}
				return nil
			}))
		require.NoError(t, err)
		text := planText(t, p)
		require.NotRegexp(t, `[\x00-\x09\x0b-\x1f\x7f-\x{9f}\x{202e}]`, text)
		require.Contains(t, text, `["\u001b[31mred","two\nlines"," backwards"," "]`)
		require.Contains(t, text, "metadata.annotations[ ]0;title ]")
		require.ErrorIs(t, p.WriteText(brokenWriter{}), errBroken)
	})
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestPlanAsJSON(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		p, err := cloudrun.NewDeployer(c).Plan(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithEnv("A", "1"),
			cloudrun.WithConcurrency(5), cloudrun.WithPublicAccess(), cloudrun.WithoutDryRun())
		require.NoError(t, err)
		encoded, err := json.Marshal(map[string]any{"plan": p})
		require.NoError(t, err)
		require.JSONEq(t, `{"plan":{"service":"hello","project":"demo","region":"us-central1","action":"created","newRevision":true,"changes":[
			{"path":"spec.template.metadata.annotations[run.googleapis.com/startup-cpu-boost]","kind":"added","after":"True"},
			{"path":"spec.template.spec.containerConcurrency","kind":"added","after":5},
			{"path":"spec.template.spec.containers[0].env[A].value","kind":"added","after":"(hidden)","hidden":true},
			{"path":"spec.template.spec.containers[0].image","kind":"added","after":"`+image+`"}],
			"publicAccess":{"before":false,"after":true},"checked":false}}`, string(encoded))
	})
}

// If one hidden value is a prefix of another, neither remains in a server's message.
func TestPlanHidesTheLongestValueFirst(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Fault(cloudruntest.Fault{Method: http.MethodPost, Status: 400, Body: `{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "bad value hunter2-and-more, worse than hunter2"}}`})
		p, err := cloudrun.NewDeployer(c).Plan(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithEnv("A", "hunter2"), cloudrun.WithEnv("B", "hunter2-and-more"))
		require.NoError(t, err)
		require.ErrorContains(t, p.Verdict, "bad value (hidden), worse than (hidden)")
	})
}

func TestAStalePlanTellsWhoDidWhat(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		p, err := d.Plan(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		_, err = c.UpdateService(t.Context(), "hello", func(s *servingv1.Service) error {
			s.Labels = map[string]string{"a": "1", "b": "2"}
			return nil
		})
		require.NoError(t, err)
		_, err = d.Apply(t.Context(), p)
		var stale *cloudrun.PlanStaleError
		require.ErrorAs(t, err, &stale)
		require.Equal(t, "dev@example.com", stale.By)
		require.Len(t, stale.Changes, 2)
		require.ErrorContains(t, err, `it was changed by dev@example.com (+ metadata.labels.a: "1"; and 1 more): make a new plan`)
	})
}

func TestApplyTellsTheTrafficBefore(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"))
		require.NoError(t, err)
		p, err := d.Plan(t.Context(), "hello", cloudrun.WithRevisionSuffix("v2"))
		require.NoError(t, err)
		r, err := d.Apply(t.Context(), p)
		require.NoError(t, err)
		require.Len(t, r.PreviousTraffic, 1)
		require.Equal(t, "hello-v1", r.PreviousTraffic[0].RevisionName)
	})
}
