package cloudrun_test

import (
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
)

// everything is a set of options that can all be used together.
var everything = []cloudrun.ServiceOption{
	cloudrun.WithContainer("app", cloudrun.WithPort(8080), cloudrun.SetDependsOn("proxy", "otel")),
	cloudrun.WithContainer("app", cloudrun.WithImage(image)),
	cloudrun.WithContainer("proxy", cloudrun.WithImage("proxy:1"), cloudrun.WithEnv("PORT", "8888"), cloudrun.WithEnv("A", "other")),
	cloudrun.WithContainer("proxy", cloudrun.WithSecretFile("/etc/a/key", "k1", "1"), cloudrun.SetDependsOn("otel")),
	cloudrun.WithContainer("otel", cloudrun.WithImage("otel:1"), cloudrun.WithSecretFile("/etc/a/key", "k1", "1")),
	cloudrun.WithCommand("/bin/app"), cloudrun.WithArgs("-v"), cloudrun.WithHTTP2(true),
	cloudrun.SetEnv(map[string]string{"B": "2", "A": "1"}), cloudrun.WithEnv("C", "3"), cloudrun.WithEnv("A", "1"),
	cloudrun.WithoutEnv("S"), cloudrun.WithSecretEnv("S", "s", "1"), cloudrun.WithSecretEnv("R", "projects/1/secrets/remote", "latest"),
	cloudrun.WithoutSecret("C"), cloudrun.WithSecretFile("/etc/b/y", "k2", "2"), cloudrun.WithSecretFile("/etc/b/x", "k2", "1"),
	cloudrun.WithVolume("tmp", cloudrun.InMemoryVolume("1Gi")), cloudrun.WithVolume("data", cloudrun.GCSVolume("b", true)),
	cloudrun.WithVolumeMount("tmp", "/tmp/x"), cloudrun.WithVolumeMount("data", "/data"), cloudrun.ClearVolumes(), cloudrun.ClearVolumeMounts(),
	cloudrun.WithCPU("4"), cloudrun.WithMemory("16Gi"), cloudrun.WithGPU(1), cloudrun.WithGPUType("nvidia-l4"), cloudrun.WithGPUZonalRedundancy(false),
	cloudrun.WithStartupProbe(cloudrun.Probe{Check: cloudrun.HTTPCheck{Path: "/"}}), cloudrun.WithLivenessProbe(cloudrun.Probe{Check: cloudrun.GRPCCheck{}}),
	cloudrun.WithConcurrency(10), cloudrun.WithRequestTimeout(time.Minute), cloudrun.WithServiceAccount("sa@p.iam.gserviceaccount.com"),
	cloudrun.WithMinInstances(1), cloudrun.WithMaxInstances(9), cloudrun.WithServiceMinInstances(1), cloudrun.WithServiceMaxInstances(8),
	cloudrun.WithCPUThrottling(false), cloudrun.WithCPUBoost(false), cloudrun.WithExecutionEnvironment("gen2"), cloudrun.WithSessionAffinity(true),
	cloudrun.WithoutVPCConnector(), cloudrun.WithNetwork("n"), cloudrun.WithSubnet("s"), cloudrun.SetNetworkTags("z", "a"), cloudrun.WithVPCEgress("all-traffic"),
	cloudrun.WithCloudSQL("p:r:z", "p:r:a"), cloudrun.WithCloudSQL("p:r:b"), cloudrun.WithoutCloudSQL("p:r:q"),
	cloudrun.WithCustomAudiences("https://z", "https://a"), cloudrun.WithCustomAudiences("https://b"),
	cloudrun.SetLabels(map[string]string{"b": "2", "a": "1"}), cloudrun.WithLabel("c", "3"), cloudrun.WithoutLabel("d"),
	cloudrun.WithAnnotation("example.com/a", "1"), cloudrun.WithTemplateAnnotation("example.com/b", "2"), cloudrun.WithDescription("d"),
	cloudrun.WithIngress("internal"), cloudrun.WithInvokerIAMCheck(false), cloudrun.WithDefaultURL(false), cloudrun.WithDeployHealthCheck(false),
	cloudrun.WithIAP(true), cloudrun.WithBinaryAuthorization("default"), cloudrun.WithBreakglass("why"), cloudrun.WithLaunchStage("BETA"),
	cloudrun.WithEncryptionKey(key), cloudrun.WithPostKeyRevocationAction("shut-down"), cloudrun.WithEncryptionKeyShutdownHours(2),
	cloudrun.WithRevisionSuffix("v1"), cloudrun.SetRegions("us-central1"), cloudrun.WithMesh("projects/p/locations/global/meshes/m"),
}

func TestOrderOfOptionsDoesNotMatter(t *testing.T) {
	t.Parallel()
	first, err := cloudrun.NewService("hello", everything...)
	require.NoError(t, err)
	want := toJSON(t, first)
	seed := rand.New(rand.NewSource(1))
	opts := append([]cloudrun.ServiceOption{}, everything...)
	for range 100 {
		seed.Shuffle(len(opts), func(i, j int) { opts[i], opts[j] = opts[j], opts[i] })
		s, err := cloudrun.NewService("hello", opts...)
		require.NoError(t, err)
		require.Equal(t, want, toJSON(t, s))
	}
	require.NoError(t, cloudrun.ApplyForTest(first, layer(opts...)))
	require.Equal(t, want, toJSON(t, first), "the same options on a service that has them")
}

// TestOptionsOnExistingServiceAreStable applies many options twice to a Service with other settings.
func TestOptionsOnExistingServiceAreStable(t *testing.T) {
	t.Parallel()
	opts := append([]cloudrun.ServiceOption{cloudrun.ClearSecrets(), cloudrun.WithoutContainer("hello-1")}, everything...)
	s := readService(t, richService)
	require.NoError(t, cloudrun.ApplyForTest(s, layer(opts...)))
	once := toJSON(t, s)
	require.NoError(t, cloudrun.ApplyForTest(s, layer(opts...)))
	require.Equal(t, once, toJSON(t, s))
}

func TestContradictions(t *testing.T) {
	t.Parallel()
	probe := func(path string) cloudrun.Probe { return cloudrun.Probe{Check: cloudrun.HTTPCheck{Path: path}} }
	for _, pair := range [][2]cloudrun.ServiceOption{
		{cloudrun.WithImage("a"), cloudrun.WithImage("b")},
		{cloudrun.WithCommand("a"), cloudrun.WithoutCommand()},
		{cloudrun.WithPort(1), cloudrun.WithoutPort()},
		{cloudrun.WithHTTP2(true), cloudrun.WithHTTP2(false)},
		{cloudrun.WithCPU("1"), cloudrun.WithCPU("2")},
		{cloudrun.WithGPU(1), cloudrun.WithoutGPU()},
		{cloudrun.WithEnv("A", "1"), cloudrun.WithEnv("A", "2")},
		{cloudrun.WithEnv("A", "1"), cloudrun.WithSecretEnv("A", "s", "1")},
		{cloudrun.WithEnv("A", "1"), cloudrun.WithoutEnv("A")},
		{cloudrun.WithEnv("A", ""), cloudrun.WithoutEnv("A")},
		{cloudrun.WithEnv("A", "1"), cloudrun.SetEnv(map[string]string{"A": "2"})},
		{cloudrun.SetEnv(map[string]string{"A": "2"}), cloudrun.ClearEnv()},
		{cloudrun.SetEnv(map[string]string{"A": "2"}), cloudrun.SetEnv(map[string]string{"B": "2"})},
		{cloudrun.WithSecretEnv("A", "s", "1"), cloudrun.WithSecretEnv("A", "s", "2")},
		{cloudrun.WithSecretEnv("A", "s", "1"), cloudrun.WithoutSecret("A")},
		{cloudrun.WithSecretFile("/a/x", "s", "1"), cloudrun.WithSecretFile("/a/y", "t", "1")},
		{cloudrun.WithSecretFile("/a/x", "s", "1"), cloudrun.WithoutSecret("/a/x")},
		{cloudrun.WithSecretFile("/a/x", "s", "1"), cloudrun.WithVolumeMount("v", "/a")},
		{cloudrun.SetSecrets(map[string]cloudrun.SecretVersion{"A": {Secret: "s", Version: "1"}}), cloudrun.ClearSecrets()},
		{cloudrun.WithVolume("v", cloudrun.InMemoryVolume("")), cloudrun.WithVolume("v", cloudrun.InMemoryVolume("1Gi"))},
		{cloudrun.WithVolume("v", cloudrun.InMemoryVolume("")), cloudrun.WithoutVolume("v")},
		{cloudrun.WithVolumeMount("v", "/a"), cloudrun.WithVolumeMount("w", "/a")},
		{cloudrun.WithVolumeMount("v", "/a"), cloudrun.WithoutVolumeMount("/a")},
		{cloudrun.WithStartupProbe(probe("/a")), cloudrun.WithStartupProbe(probe("/b"))},
		{cloudrun.WithLivenessProbe(probe("/a")), cloudrun.WithoutLivenessProbe()},
		{cloudrun.WithConcurrency(1), cloudrun.WithoutConcurrency()},
		{cloudrun.WithMinInstances(1), cloudrun.WithoutMinInstances()},
		{cloudrun.WithManualScaling(1), cloudrun.WithServiceMaxInstances(1)},
		{cloudrun.WithManualScaling(1), cloudrun.WithServiceMinInstances(1)},
		{cloudrun.WithManualScaling(1), cloudrun.WithAutomaticScaling()},
		{cloudrun.WithCPUBoost(true), cloudrun.WithCPUBoost(false)},
		{cloudrun.WithVPCConnector("c"), cloudrun.WithoutVPCConnector()},
		{cloudrun.WithNetwork("n"), cloudrun.ClearNetwork()},
		{cloudrun.WithSubnet("n"), cloudrun.ClearNetwork()},
		{cloudrun.SetNetworkTags("n"), cloudrun.ClearNetworkTags()},
		{cloudrun.WithCloudSQL("p:r:i"), cloudrun.WithoutCloudSQL("p:r:i")},
		{cloudrun.SetCloudSQL("p:r:i"), cloudrun.ClearCloudSQL()},
		{cloudrun.SetCloudSQL("p:r:i"), cloudrun.WithoutCloudSQL("p:r:i")},
		{cloudrun.WithCloudSQL("p:r:i"), cloudrun.WithTemplateAnnotation("run.googleapis.com/cloudsql-instances", "x")},
		{cloudrun.WithIngress("all"), cloudrun.WithAnnotation("run.googleapis.com/ingress", "internal")},
		{cloudrun.WithLabel("a", "1"), cloudrun.WithLabel("a", "2")},
		{cloudrun.WithLabel("a", ""), cloudrun.WithoutLabel("a")},
		{cloudrun.SetLabels(map[string]string{"a": "1"}), cloudrun.ClearLabels()},
		{cloudrun.WithEncryptionKey(key), cloudrun.WithoutEncryptionKey()},
		{cloudrun.WithPostKeyRevocationAction("shut-down"), cloudrun.WithoutEncryptionKey()},
		{cloudrun.WithEncryptionKeyShutdownHours(1), cloudrun.WithoutPostKeyRevocationAction()},
		{cloudrun.WithRevisionSuffix("a"), cloudrun.WithRevisionSuffix("b")},
		{cloudrun.WithContainer("a", cloudrun.WithCPU("1")), cloudrun.WithContainer("a", cloudrun.WithCPU("2"))},
		{cloudrun.WithContainer("a"), cloudrun.WithoutContainer("a")},
		{cloudrun.SetContainer("a"), cloudrun.WithoutContainer("a")},
		{cloudrun.WithContainer("hello-1", cloudrun.WithCPU("1")), cloudrun.WithCPU("2")}, // the ingress container by its name
	} {
		var names [2]string
		for i, opt := range pair {
			names[i] = firstName(t, opt)
		}
		t.Run(strings.Join(names[:], " "), func(t *testing.T) {
			t.Parallel()
			for _, opts := range [][]cloudrun.DeployOption{{pair[0], pair[1]}, {pair[1], pair[0]}} {
				err := cloudrun.ApplyForTest(readService(t, plainService), opts)
				var problem *cloudrun.OptionError
				require.ErrorAs(t, err, &problem)
				require.NotEmpty(t, problem.Conflict)
				for _, name := range names {
					require.Contains(t, problem.Option+problem.Conflict, name)
				}
			}
		})
	}
}

// firstName is the name of an option.
func firstName(t *testing.T, opt cloudrun.ServiceOption) string {
	t.Helper()
	require.NotEmpty(t, opt.Settings())
	name, _, _ := strings.Cut(opt.Settings()[0].Option, "(")
	return name
}

func TestCombinations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts []cloudrun.ServiceOption
		path []any
		want any
	}{
		"a secret in place of a literal": {
			opts: []cloudrun.ServiceOption{cloudrun.WithoutEnv("FOO"), cloudrun.WithSecretEnv("FOO", "s", "1")},
			path: inContainer("env", 0), want: secret("FOO", "s", "1"),
		},
		"a literal in place of a secret": {
			opts: []cloudrun.ServiceOption{cloudrun.WithoutSecret("DB_PASS"), cloudrun.WithEnv("DB_PASS", "x")},
			path: inContainer("env", 3), want: literal("DB_PASS", "x"),
		},
		"only the variables set": {
			opts: []cloudrun.ServiceOption{cloudrun.ClearEnv(), cloudrun.WithEnv("N", "1"), cloudrun.ClearSecrets()},
			path: inContainer("env"), want: one(literal("N", "1")),
		},
		"set and with": {
			opts: []cloudrun.ServiceOption{cloudrun.SetCloudSQL("a:b:c"), cloudrun.WithCloudSQL("d:e:f")},
			path: onTemplate(run + "cloudsql-instances"), want: "a:b:c,d:e:f",
		},
		"from connector to network keeps the egress of the call": {
			opts: []cloudrun.ServiceOption{cloudrun.WithoutVPCConnector(), cloudrun.WithNetwork("n"), cloudrun.WithVPCEgress("all-traffic")},
			path: onTemplate(run + "vpc-access-egress"), want: "all-traffic",
		},
		"from network to connector keeps the egress of the call": {
			opts: []cloudrun.ServiceOption{cloudrun.ClearNetwork(), cloudrun.WithVPCConnector("c"), cloudrun.WithVPCEgress("all-traffic")},
			path: onTemplate(run + "vpc-access-egress"), want: "all-traffic",
		},
		"the egress goes with the last setting of the network": {
			opts: []cloudrun.ServiceOption{
				cloudrun.WithoutTemplateAnnotation("run.googleapis.com/vpc-access-connector"),
				cloudrun.ClearNetworkTags(), cloudrun.WithoutNetwork(), cloudrun.WithoutSubnet(),
			},
			path: onTemplate(run + "vpc-access-egress"), want: nil,
		},
		"breaking the glass is for one write": {
			opts: []cloudrun.ServiceOption{cloudrun.WithImage("i")}, path: onService(run + "binary-authorization-breakglass"), want: nil,
		},
		"all files of a directory change their secret": {
			opts: []cloudrun.ServiceOption{cloudrun.WithSecretFile("/etc/cfg/config.yaml", "o", "1"), cloudrun.WithSecretFile("/etc/cfg/b", "o", "2")},
			path: inSpec("volumes", 2, "secret"),
			want: obj("secretName", "o", "items", one(obj("key", "2", "path", "b"), obj("key", "1", "path", "config.yaml"))),
		},
		"a mount makes room for a secret": {
			opts: []cloudrun.ServiceOption{cloudrun.WithoutVolumeMount("/cache"), cloudrun.WithSecretFile("/cache/f", "s", "1")},
			path: inContainer("volumeMounts", 0), want: mounted("s-mac-mef-jot", "/cache"),
		},
		"options outside of WithContainer are for the container with the port": {
			opts: []cloudrun.ServiceOption{cloudrun.WithMemory("1Gi"), cloudrun.WithContainer("aaa", cloudrun.WithImage("i"), cloudrun.WithMemory("2Gi"))},
			path: inContainer("resources", "limits", "memory"), want: "1Gi",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readService(t, richService)
			require.NoError(t, cloudrun.ApplyForTest(s, layer(c.opts...)))
			require.Equal(t, c.want, at(t, s, c.path...))
		})
	}
}

// TestUnnamedIngressContainerWithSidecar makes a new Service whose ingress container has no name.
func TestUnnamedIngressContainerWithSidecar(t *testing.T) {
	t.Parallel()
	s, err := cloudrun.NewService("hello", cloudrun.WithContainer("proxy", cloudrun.WithImage("proxy:1")),
		cloudrun.WithEnv("A", "1"), cloudrun.WithImage(image), cloudrun.WithPort(80))
	require.NoError(t, err)
	containers := s.Spec.Template.Spec.Containers
	require.Len(t, containers, 2)
	require.Equal(t, image, containers[0].Image)
	require.Equal(t, "A", containers[0].Env[0].Name)
	require.Equal(t, "proxy", containers[1].Name)
}

// TestSharedSecretVolumeIsCopied changes a secret volume that two containers mount for one of them only.
func TestSharedSecretVolumeIsCopied(t *testing.T) {
	t.Parallel()
	shared := readService(t, richService)
	spec := &shared.Spec.Template.Spec
	spec.Containers[1].VolumeMounts = []corev1.VolumeMount{{Name: "cfg-abc-def-ghi", MountPath: "/etc/cfg"}}
	for name, opt := range map[string]cloudrun.ServiceOption{
		"another version": cloudrun.WithSecretFile("/etc/cfg/config.yaml", "cfg", "2"),
		"another secret":  cloudrun.WithSecretFile("/etc/cfg/config.yaml", "other", "2"),
		"another file":    cloudrun.WithSecretFile("/etc/cfg/more", "cfg", "2"),
		"removal":         cloudrun.WithoutSecret("/etc/cfg/config.yaml"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shared.DeepCopy()
			require.NoError(t, cloudrun.ApplyForTest(s, layer(opt)))
			require.Equal(t, cfgVolume, at(t, s, inSpec("volumes", 2)...), "what the other container mounts")
			require.Equal(t, mounted("cfg-abc-def-ghi", "/etc/cfg"), at(t, s, inSpec("containers", 1, "volumeMounts", 0)...))
			require.NotEqual(t, mounted("cfg-abc-def-ghi", "/etc/cfg"), at(t, s, inContainer("volumeMounts", 2)...))
		})
	}
}

func TestDefaultsGiveWay(t *testing.T) {
	t.Parallel()
	defaults := []cloudrun.DeployOption{
		cloudrun.WithMemory("1Gi"), cloudrun.WithCPU("1"), cloudrun.WithEnv("A", "default"), cloudrun.WithEnv("B", "default"),
		cloudrun.WithCloudSQL("a:b:c", "d:e:f"), cloudrun.WithLabel("a", "2"), cloudrun.WithNetwork("n"), cloudrun.WithoutContainer("proxy"),
	}
	s := readService(t, richService)
	require.NoError(t, cloudrun.ApplyForTest(s, defaults, []cloudrun.DeployOption{
		cloudrun.WithMemory("2Gi"), cloudrun.WithoutEnv("A"), cloudrun.WithoutCloudSQL("a:b:c"), cloudrun.ClearLabels(), cloudrun.ClearNetwork(),
		cloudrun.WithContainer("hello-1", cloudrun.WithCPU("4")), cloudrun.WithContainer("proxy"),
	}))
	require.Equal(t, "2Gi", at(t, s, inContainer("resources", "limits", "memory")...))
	require.Equal(t, "4", at(t, s, inContainer("resources", "limits", "cpu")...), "the same container by its name")
	require.Equal(t, withRich(append(append([]any{}, richEnv...), literal("B", "default"))[0:3]...), at(t, s, inContainer("env")...).([]any)[:5])
	require.Equal(t, literal("B", "default"), at(t, s, inContainer("env", 5)...))
	require.Equal(t, "demo:us-central1:a,demo:us-central1:b,d:e:f", at(t, s, onTemplate(run+"cloudsql-instances")...))
	require.Nil(t, at(t, s, "metadata", "labels", "a"))
	require.Nil(t, at(t, s, onTemplate(run+"network-interfaces")...))
	require.Equal(t, "proxy", at(t, s, inSpec("containers", 1, "name")...))
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := cloudrun.NewService("Not_A_Name", cloudrun.WithImage(""), cloudrun.WithCPU("many"), cloudrun.WithMemory("512MB"), nil,
		cloudrun.WithIngress("x"), cloudrun.WithConcurrency(1), cloudrun.WithConcurrency(2))
	for _, part := range []string{
		`new service "Not_A_Name"`, "lower-case", `WithImage("")`, `WithCPU("many")`, `WithMemory("512MB"): not a quantity: write "512Mi"`, "option 4: it is nil",
		`WithIngress("x"): must be one of all, internal, internal-and-cloud-load-balancing`,
		"WithConcurrency(2) contradicts WithConcurrency(1): both decide the concurrency",
	} {
		require.ErrorContains(t, err, part)
	}
	var problem *cloudrun.OptionError
	require.ErrorAs(t, err, &problem)
}

// Mistakes of arguments, combinations and what is missing are reported in one round.
func TestMissingAndWrongAtOnce(t *testing.T) {
	t.Parallel()
	broken := cloudrun.EditService(func(s *servingv1.Service) error { s.Spec.Template.Spec.Containers[7].Image = "x"; return nil })
	for name, tc := range map[string]struct {
		opts     []cloudrun.ServiceOption
		want     []string
		problems int
	}{
		"a missing image, PORT and 1GB": {[]cloudrun.ServiceOption{cloudrun.WithEnv("PORT", "80"), cloudrun.WithMemory("1GB"), broken},
			[]string{`WithEnv("PORT", …): PORT is set by Cloud Run`, `WithMemory("1GB"): not a quantity`, "WithImage: missing"}, 3},
		"a secret in PORT": {[]cloudrun.ServiceOption{cloudrun.WithImage(image), cloudrun.WithSecretEnv("PORT", "s", "1"), cloudrun.WithCPU("x")},
			[]string{`WithSecretEnv("PORT", "s", "1"): PORT is set by Cloud Run`, `WithCPU("x")`}, 2},
		"an image that is wrong is not missing": {[]cloudrun.ServiceOption{cloudrun.WithImage(""), cloudrun.WithCPU("x")},
			[]string{`WithImage("")`, `WithCPU("x")`}, 2},
		"the image of each container": {[]cloudrun.ServiceOption{cloudrun.WithContainer("a", cloudrun.WithImage(""), cloudrun.WithPort(0)), cloudrun.WithContainer("b"), cloudrun.WithCPU("x")},
			[]string{`WithContainer("a") WithImage("")`, `WithContainer("a") WithPort(0)`, `missing: container "b" needs an image`, `WithCPU("x")`}, 4},
		"PORT of a sidecar and of the ingress container": {[]cloudrun.ServiceOption{
			cloudrun.WithContainer("a", cloudrun.WithImage(image), cloudrun.WithPort(80), cloudrun.WithEnv("PORT", "1")),
			cloudrun.WithContainer("b", cloudrun.WithImage(image), cloudrun.WithEnv("PORT", "1"), cloudrun.SetDependsOn("c"))},
			[]string{`WithContainer("a") WithEnv("PORT", …): PORT is set by Cloud Run`, `there is no container "c"`}, 2},
		"an edit that does not apply and a missing image": {[]cloudrun.ServiceOption{cloudrun.WithContainer("a", cloudrun.SetDependsOn("b"))},
			[]string{`there is no container "b"`, `container "a" needs an image`}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := cloudrun.NewService("hello", tc.opts...)
			for _, part := range tc.want {
				require.ErrorContains(t, err, part)
			}
			require.Len(t, strings.Split(err.Error(), "\n"), tc.problems, err)
		})
	}
}

// Before a Deploy sends anything, it reports what is wrong whatever the Service is.
// What depends on the Service comes together too.
func TestDeployReportsMistakesTogether(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c)
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("PORT", "80"), cloudrun.WithMemory("1GB"), cloudrun.WithTag("No"))
		for _, part := range []string{"PORT is set by Cloud Run", `WithMemory("1GB")`, `WithTag("No")`, "\ndeploy service \"hello\": if the service is new, it also needs an image"} {
			require.ErrorContains(t, err, part)
		}
		_, err = d.Plan(t.Context(), "hello", cloudrun.WithMemory("1GB"), cloudrun.WithNoTraffic())
		require.ErrorContains(t, err, "\nplan service \"hello\": if the service is new, it also needs an image, and WithNoTrafficIfExists in place of WithNoTraffic")
		for _, opt := range []cloudrun.DeployOption{cloudrun.WithImage(image), cloudrun.WithImage(""), cloudrun.WithContainer("a", cloudrun.WithImage(image)),
			cloudrun.EditService(func(*servingv1.Service) error { return nil })} {
			_, err = cloudrun.NewDeployer(c, opt).Deploy(t.Context(), "hello", cloudrun.WithMemory("1GB"), cloudrun.WithNoTrafficIfExists())
			require.ErrorContains(t, err, `WithMemory("1GB")`)
			require.NotContains(t, err.Error(), "if the service is new", "%v: it has an image", opt)
		}
		_, err = d.Deploy(t.Context(), "Not a name")
		require.NotContains(t, err.Error(), "if the service is new", "no option is wrong")
		_, err = d.UpdateTraffic(t.Context(), "hello", cloudrun.ToRevision("a", 200))
		require.NotContains(t, err.Error(), "if the service is new", "it creates none")
		require.Empty(t, s.Requests(), "nothing is sent")
		require.NoError(t, cloudrun.CheckOptions(cloudrun.WithContainer("sidecar", cloudrun.WithEnv("PORT", "80"))))

		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithNoTraffic(), cloudrun.WithContainer("a", cloudrun.SetDependsOn("b")))
		for _, part := range []string{"WithNoTraffic(): the service does not exist", `there is no container "b"`, `container "a" needs an image`} {
			require.ErrorContains(t, err, part)
		}
		m, err := cloudrun.ParseManifest([]byte(`{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"hello"},"spec":{"template":{"spec":{"containers":[{"image":"a"}]}}}}`))
		require.NoError(t, err)
		_, err = m.With(cloudrun.WithCPU("x"), cloudrun.WithContainer("b", cloudrun.SetDependsOn("c")))
		require.ErrorContains(t, err, `WithCPU("x")`)
		require.ErrorContains(t, err, `there is no container "c"`)
	})
}

func TestProblemsOfAnExistingServiceAtOnce(t *testing.T) {
	t.Parallel()
	err := cloudrun.ApplyForTest(readService(t, richService), layer[cloudrun.ServiceOption](
		cloudrun.WithEnv("DB_PASS", "x"), cloudrun.WithSecretEnv("FOO", "s", "1"), cloudrun.WithSecretFile("/etc/cfg/new", "other", "1"),
		cloudrun.WithSecretFile("/cache/f", "other", "1"), cloudrun.WithEnv("PORT", "1"), cloudrun.SetDependsOn("ghost")))
	for _, part := range []string{
		`WithEnv("DB_PASS", …): environment variable "DB_PASS" holds a secret: add WithoutSecret("DB_PASS")`,
		`environment variable "FOO" has a literal value: add WithoutEnv("FOO")`,
		`secret "cfg" is mounted at "/etc/cfg": a directory can have files of one secret only`,
		`volume "cache", which is not a secret, is mounted at "/cache"`,
		"PORT is set by Cloud Run", `there is no container "ghost"`,
	} {
		require.ErrorContains(t, err, part)
	}
	all := readService(t, plainService)
	all.Spec.Template.Annotations["run.googleapis.com/vpc-access-egress"] = "all-traffic"
	require.ErrorContains(t, cloudrun.ApplyForTest(all, layer(cloudrun.WithoutVPCConnector())), `the VPC egress is "all-traffic"`)
}

// TestErrorsShowNoSecrets passes a secret as each value and makes the option fail.
func TestErrorsShowNoSecrets(t *testing.T) {
	t.Parallel()
	const value = "hunter2"
	literals := map[string]string{"K_SERVICE": value, "A": value}
	err := errors.Join(
		cloudrun.ApplyForTest(readService(t, richService), layer[cloudrun.ServiceOption](cloudrun.WithEnv("DB_PASS", value), cloudrun.WithEnv("PORT", value))),
		cloudrun.ApplyForTest(readService(t, richService), layer[cloudrun.ServiceOption](cloudrun.WithEnv("A", value), cloudrun.WithEnv("A", "other"))),
		cloudrun.ApplyForTest(readService(t, richService), layer[cloudrun.ServiceOption](cloudrun.SetEnv(literals), cloudrun.ClearEnv())),
		cloudrun.ApplyForTest(readService(t, richService), layer[cloudrun.ServiceOption](cloudrun.WithArgs(value), cloudrun.WithoutArgs(), cloudrun.WithCommand(value), cloudrun.WithoutCommand())),
	)
	require.ErrorContains(t, err, `WithEnv("A", …)`)
	require.NotContains(t, err.Error(), value)
}

func TestEdits(t *testing.T) {
	t.Parallel()
	failure := errors.New("no")
	s, err := cloudrun.NewService("hello",
		cloudrun.EditContainer(func(c *corev1.Container) error { c.WorkingDir += "/first"; return nil }),
		cloudrun.EditService(func(s *servingv1.Service) error {
			s.Spec.Template.Spec.Containers[0].WorkingDir += "/second"
			return nil
		}),
		cloudrun.WithImage(image))
	require.NoError(t, err)
	require.Equal(t, "/first/second", s.Spec.Template.Spec.Containers[0].WorkingDir, "edits keep their order")
	_, err = cloudrun.NewService("hello", cloudrun.WithImage(image), cloudrun.EditService(func(*servingv1.Service) error { return failure }))
	require.ErrorContains(t, err, "EditService: no")
}

func TestNewServiceNeedsImagesAndOnePort(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string][]cloudrun.ServiceOption{
		"a new service needs an image":     {cloudrun.WithIngress("all")},
		`container "b" needs an image`:     {cloudrun.WithContainer("a", cloudrun.WithImage("i"), cloudrun.WithPort(1)), cloudrun.WithContainer("b")},
		"here 0 have one":                  {cloudrun.WithContainer("a", cloudrun.WithImage("i")), cloudrun.WithContainer("b", cloudrun.WithImage("i"))},
		"here 2 have one":                  {cloudrun.WithContainer("a", cloudrun.WithImage("i"), cloudrun.WithPort(1)), cloudrun.WithContainer("b", cloudrun.WithImage("i"), cloudrun.WithPort(2))},
		"none has a port":                  {cloudrun.WithContainer("a", cloudrun.WithImage("i")), cloudrun.WithContainer("b", cloudrun.WithImage("i")), cloudrun.WithCPU("1")},
		"11 containers: at most 10 are al": manyContainers(11),
	} {
		_, err := cloudrun.NewService("hello", opts...)
		require.ErrorContains(t, err, want)
	}
}

func manyContainers(n int) (opts []cloudrun.ServiceOption) {
	for i := range n {
		opts = append(opts, cloudrun.WithContainer(fmt.Sprint("c", i), cloudrun.WithImage("i")))
	}
	return opts
}
