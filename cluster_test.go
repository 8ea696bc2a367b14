package cloudrun_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	knative "knative.dev/serving/pkg/apis/autoscaling"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// onCluster runs a test in virtual time with a Service of a cluster that was deployed once.
func onCluster(t *testing.T, test func(*testing.T, *cloudruntest.Server, *cloudrun.Deployer), opts ...cloudrun.DeployOption) {
	t.Helper()
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newCluster(t)
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello", append([]cloudrun.DeployOption{cloudrun.WithImage(image)}, opts...)...)
		require.NoError(t, err)
		s.ResetHistory()
		test(t, s, d)
	})
}

// kn sets autoscaling.knative.dev/min-scale, which Knative prefers to minScale.
func TestScaleInTheSpellingOfKn(t *testing.T) {
	byKn := cloudrun.EditService(func(s *service) error {
		s.Spec.Template.Annotations = map[string]string{"autoscaling.knative.dev/min-scale": "1", "autoscaling.knative.dev/max-scale": "4"}
		return nil
	})
	onCluster(t, func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer) {
		scale := func(opts ...cloudrun.DeployOption) (least, most string) {
			r, err := d.Deploy(t.Context(), "hello", opts...)
			require.NoError(t, err)
			_, least, _ = knative.MinScaleAnnotation.Get(r.Service.Spec.Template.Annotations)
			_, most, _ = knative.MaxScaleAnnotation.Get(r.Service.Spec.Template.Annotations)
			return least, most
		}
		least, most := scale(cloudrun.WithMinInstances(2), cloudrun.WithMaxInstances(7))
		require.Equal(t, [2]string{"2", "7"}, [2]string{least, most})
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithMinInstances(2), cloudrun.IfChanged())
		require.NoError(t, err)
		require.Equal(t, cloudrun.Unchanged, r.Action)
		least, most = scale(cloudrun.WithoutMinInstances(), cloudrun.WithoutMaxInstances())
		require.Equal(t, [2]string{}, [2]string{least, most})
	}, byKn)
	require.ErrorContains(t, cloudrun.CheckOptions(cloudrun.WithMinInstances(2), cloudrun.WithTemplateAnnotation("autoscaling.knative.dev/min-scale", "3")), "WithTemplateAnnotation")
}

// A cluster reports the times of creation in seconds.
func TestRevisionsOfOneSecond(t *testing.T) {
	onCluster(t, func(t *testing.T, s *cloudruntest.Server, d *cloudrun.Deployer) {
		s.Script("hello", cloudruntest.Script{TimeToReady: time.Millisecond})
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		for _, suffix := range []string{"c", "a", "b"} {
			_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix(suffix), cloudrun.WithEnv("A", suffix), cloudrun.Async())
			require.NoError(t, err)
			time.Sleep(10 * time.Millisecond)
		}
		all, err := d.Revisions(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, all[0].Created, all[2].Created, "the test is about one second")
		require.Equal(t, []string{"hello-b", "hello-a", "hello-c", "hello-00001"}, revisionNames(all))
		for _, r := range all {
			require.Contains(t, r.ImageDigest, "@sha256:", r.Name)
		}
		back, err := d.Rollback(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, "hello-a", back.Revision)
		pruned, err := d.PruneRevisions(t.Context(), "hello", 1) // besides hello-b, which was rolled back
		require.NoError(t, err)
		require.Equal(t, []string{"hello-00001", "hello-c"}, revisionNames(pruned))
	})
}

// The Revision that serves is not at fault if another one has the wanted name.
func TestRevisionNameThatIsTaken(t *testing.T) {
	onCluster(t, func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer) {
		for _, suffix := range []string{"one", "two"} {
			_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix(suffix), cloudrun.WithEnv("A", suffix))
			require.NoError(t, err)
		}
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithRevisionSuffix("one"), cloudrun.WithEnv("A", "three"))
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Empty(t, failed.Revision)
		require.Equal(t, cloudrun.CauseRevisionName, failed.Cause())
		require.Contains(t, failed.Message, `"hello-one" already exists`)
		require.Contains(t, failed.Explain(), "choose another name")
		all, err := d.Revisions(t.Context(), "hello")
		require.NoError(t, err)
		require.Len(t, all, 3)
	})
}

// A container that is not created has a reason but no message. Its image is
// pulled, or a secret is missing.
func TestContainerThatHangs(t *testing.T) {
	onCluster(t, func(t *testing.T, s *cloudruntest.Server, d *cloudrun.Deployer) {
		ready := func(c string) []cloudruntest.Condition {
			return []cloudruntest.Condition{
				{Type: "ConfigurationsReady", Status: "False", Reason: "RevisionFailed", Message: `Revision "hello-00002" failed with message: .`},
				{Type: "Ready", Status: "False", Reason: c, Message: `Configuration "hello" does not have any ready Revision.`},
				{Type: "RoutesReady", Status: "False", Reason: c, Message: `Configuration "hello" does not have any ready Revision.`},
			}
		}
		s.Script("hello", cloudruntest.Script{
			Stages:       []cloudruntest.Stage{{Conditions: ready("RevisionMissing")}},
			FailRevision: &cloudruntest.Failure{Reason: "ContainerCreating", Condition: "ResourcesAvailable", Message: " "},
		})
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		var failed *cloudrun.NotReadyError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "hello-00002", failed.Revision)
		require.Equal(t, cloudrun.CauseContainerStart, failed.Cause())
		require.Equal(t, "ContainerCreating", failed.Reason)
		require.NotContains(t, failed.Explain(), "failed with message")
		require.Contains(t, failed.Explain(), "Why: ContainerCreating")
	})
}

// Knative fills in one default when it creates a Service, but not when it updates one.
func TestReplaceTwiceOnACluster(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newCluster(t)
		d := cloudrun.NewDeployer(c)
		for _, want := range []cloudrun.Action{cloudrun.Created, cloudrun.Unchanged, cloudrun.Unchanged} {
			r, err := d.ReplaceManifest(t.Context(), mustParseManifest(t, manifestContainer("")))
			require.NoError(t, err)
			require.Equal(t, want, r.Action)
		}
		require.Len(t, s.Revisions("default", "hello"), 1)
	})
}

// Knative does not fill in the port of a probe, and a Revision without one hangs.
func TestProbesWithoutAPort(t *testing.T) {
	for name, tc := range map[string]struct {
		opts []cloudrun.DeployOption
		want corev1.ProbeHandler
	}{
		"HTTP": {[]cloudrun.DeployOption{cloudrun.WithStartupProbe(cloudrun.Probe{Check: cloudrun.HTTPCheck{Path: "/up"}})},
			corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/up", Port: intstr.FromInt32(8080)}}},
		"gRPC":           {[]cloudrun.DeployOption{cloudrun.WithStartupProbe(cloudrun.Probe{Check: cloudrun.GRPCCheck{}})}, corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 8080}}},
		"TCP":            {[]cloudrun.DeployOption{cloudrun.WithStartupProbe(cloudrun.Probe{Check: cloudrun.TCPCheck{}})}, tcpCheck(8080)},
		"nothing at all": {[]cloudrun.DeployOption{cloudrun.WithStartupProbe(cloudrun.Probe{})}, tcpCheck(8080)},
		"another port":   {[]cloudrun.DeployOption{cloudrun.WithStartupProbe(cloudrun.Probe{}), cloudrun.WithPort(9000)}, tcpCheck(9000)},
		"its own port":   {[]cloudrun.DeployOption{cloudrun.WithStartupProbe(cloudrun.Probe{Check: cloudrun.TCPCheck{Port: 7}}), cloudrun.WithPort(9000)}, tcpCheck(7)},
	} {
		t.Run(name, func(t *testing.T) {
			onCluster(t, func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer) {
				for _, service := range []string{"hello", "created"} {
					r, err := d.Deploy(t.Context(), service, append(tc.opts, cloudrun.WithImage(image))...)
					require.NoError(t, err)
					require.Equal(t, tc.want, r.Service.Spec.Template.Spec.Containers[0].StartupProbe.ProbeHandler)
					r, err = d.Deploy(t.Context(), service, append(tc.opts, cloudrun.IfChanged())...)
					require.NoError(t, err)
					require.Equal(t, cloudrun.Unchanged, r.Action)
				}
			})
		})
	}
	for _, o := range []cloudrun.DeployOption{cloudrun.WithLivenessProbe(cloudrun.Probe{}), cloudrun.WithReadinessProbe(cloudrun.Probe{Period: time.Second})} {
		require.ErrorContains(t, cloudrun.CheckOptions(o), "use an HTTPCheck or a GRPCCheck")
	}
}

// Knative fills in the port of a liveness probe, except for gRPC.
func TestLivenessProbesWithoutAPort(t *testing.T) {
	for name, tc := range map[string]struct {
		check corev1.ProbeHandler
		hangs bool
	}{
		"HTTP":             {check: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/up"}}},
		"TCP":              {check: tcpCheck(0)},
		"gRPC":             {check: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{}}, hangs: true},
		"gRPC with a port": {check: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 8080}}},
	} {
		t.Run(name, func(t *testing.T) {
			onCluster(t, func(t *testing.T, _ *cloudruntest.Server, d *cloudrun.Deployer) {
				_, err := d.Deploy(t.Context(), "hello", cloudrun.EditContainer(func(c *corev1.Container) error {
					c.LivenessProbe = &corev1.Probe{ProbeHandler: tc.check}
					return nil
				}), cloudrun.WithWaitTimeout(time.Minute))
				var late *cloudrun.TimeoutError
				require.Equal(t, tc.hangs, errors.As(err, &late), err)
				require.Equal(t, tc.hangs, err != nil, err)
			})
		})
	}
}

func tcpCheck(port int32) corev1.ProbeHandler {
	return corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(port)}}
}

// A cluster wants the whole name of the Service in that of a Revision, and both
// the Service and the tag in a DNS label.
func TestLongNamesOnACluster(t *testing.T) {
	onCluster(t, func(t *testing.T, s *cloudruntest.Server, d *cloudrun.Deployer) {
		long := strings.Repeat("s", 58)
		for _, opts := range [][]cloudrun.DeployOption{{cloudrun.WithImage(image)}, {cloudrun.WithTag("ab")}, {cloudrun.WithTag("cd"), cloudrun.WithEnv("A", "1")}, {cloudrun.WithRevisionSuffix("wxyz")}} {
			r, err := d.Deploy(t.Context(), long, opts...)
			require.NoError(t, err)
			require.LessOrEqual(t, len(r.Revision), 63)
		}
		sent := len(s.Requests())
		for _, o := range []cloudrun.DeployOption{cloudrun.WithTag("abcde"), cloudrun.WithRevisionSuffix("abcde")} {
			_, err := d.Deploy(t.Context(), long, o)
			var refused *cloudrun.OptionError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, "too long")
		}
		_, err := d.UpdateTraffic(t.Context(), long, cloudrun.WithTagOn("abcde", cloudrun.Latest))
		require.ErrorContains(t, err, "together they have 63 characters, at most 62 are allowed")
		require.Zero(t, len(s.Requests())-sent, "nothing is sent")
	})
}

// ofNoEffect returns the warnings of the library, without those of the server.
func ofNoEffect(warnings []string) []string {
	return slices.DeleteFunc(slices.Clone(warnings), func(w string) bool { return !strings.Contains(w, "has no effect") })
}

// What a cluster does not know is translated, refused or said.
func TestSettingsOfCloudRunOnACluster(t *testing.T) {
	onCluster(t, func(t *testing.T, s *cloudruntest.Server, d *cloudrun.Deployer) {
		deploy := func(opts ...cloudrun.DeployOption) *cloudrun.Result {
			r, err := d.Deploy(t.Context(), "hello", opts...)
			require.NoError(t, err)
			r.Warnings = ofNoEffect(r.Warnings)
			return r
		}
		const visibility, connector = "networking.knative.dev/visibility", "projects/p/locations/r/connectors/c"
		r := deploy(cloudrun.WithIngress("internal"))
		require.Equal(t, "cluster-local", r.Service.Labels[visibility])
		require.NotContains(t, r.Service.Annotations, "run.googleapis.com/ingress")
		require.Empty(t, r.Warnings)
		require.Equal(t, "hello-00001", r.Revision)
		require.Equal(t, "cluster-local", deploy(cloudrun.ClearLabels(), cloudrun.WithEnv("A", "1")).Service.Labels[visibility])
		require.NotContains(t, deploy(cloudrun.WithIngress("all")).Service.Labels, visibility)

		for range 2 { // asked for again, it still has no effect
			r = deploy(cloudrun.WithVPCConnector(connector), cloudrun.WithCPUThrottling(false), cloudrun.WithMinInstances(1), cloudrun.WithDescription("a"))
			require.Len(t, r.Warnings, 2, r.Warnings)
			require.Contains(t, r.Warnings[0], "WithCPUThrottling")
			require.Contains(t, r.Warnings[1], "WithVPCConnector")
			require.Contains(t, r.Warnings[1], "has no effect on a cluster")
		}
		require.Empty(t, deploy(cloudrun.WithEnv("A", "2")).Warnings, "the call says nothing of them")
		plan, err := d.Plan(t.Context(), "hello", cloudrun.WithSessionAffinity(true))
		require.NoError(t, err)
		require.Len(t, ofNoEffect(plan.Warnings), 1)
		created, err := d.Deploy(t.Context(), "created", cloudrun.WithImage(image), cloudrun.WithCPUBoost(true))
		require.NoError(t, err)
		require.Len(t, ofNoEffect(created.Warnings), 1)

		sent := len(s.Requests())
		for _, o := range []cloudrun.DeployOption{
			cloudrun.WithIngress("internal-and-cloud-load-balancing"), cloudrun.WithBinaryAuthorization("default"),
			cloudrun.WithEncryptionKey("projects/p/locations/r/keyRings/k/cryptoKeys/c"),
		} {
			_, err := d.Deploy(t.Context(), "hello", o)
			var refused *cloudrun.OptionError
			require.ErrorAs(t, err, &refused, "it promises protection")
		}
		require.Zero(t, len(s.Requests())-sent, "nothing is sent")
	})
}

// The credentials that the caller gives must not be dropped silently.
func TestClusterCredentialsThatHaveNoEffect(t *testing.T) {
	t.Parallel()
	token := option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "secret"}))
	endpoint := option.WithEndpoint("https://kubernetes.example")
	_, err := cloudrun.NewClusterClient(t.Context(), "default", endpoint, token, option.WithHTTPClient(&http.Client{}))
	require.ErrorContains(t, err, "option.WithHTTPClient")
	for _, o := range []option.ClientOption{token, option.WithHTTPClient(&http.Client{})} {
		_, err = cloudrun.NewClusterClient(t.Context(), "default", endpoint, o)
		require.NoError(t, err)
	}
}

// A webhook is called before anything is stored.
func TestWebhookThatFails(t *testing.T) {
	onCluster(t, func(t *testing.T, s *cloudruntest.Server, _ *cloudrun.Deployer) {
		const body = `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "InternalError", "code": 500,
			"message": "Internal error occurred: failed calling webhook \"webhook.serving.knative.dev\": failed to call webhook: Post \"https://webhook\": context deadline exceeded"}`
		mended := time.Now().Add(time.Hour)
		inner := s.Client().Transport
		c, err := cloudrun.NewClusterClient(t.Context(), "default", option.WithEndpoint("https://kubernetes.example"), option.WithHTTPClient(&http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if time.Now().Before(mended) && r.Method == http.MethodPut {
					return endpointAnswer(r, http.StatusInternalServerError, "application/json", body), nil
				}
				return inner.RoundTrip(r)
			}),
		}))
		require.NoError(t, err)
		d := cloudrun.NewDeployer(c)
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
		require.ErrorContains(t, err, "failed calling webhook")
		mended = time.Now().Add(10 * time.Second)
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err, "it is tried again")
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
