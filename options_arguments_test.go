package cloudrun_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
)

// TestRefusedArguments checks arguments that Cloud Run refuses.
func TestRefusedArguments(t *testing.T) {
	t.Parallel()
	for reason, opts := range map[string][]cloudrun.ServiceOption{
		"the image must not be empty": {cloudrun.WithImage(""), cloudrun.WithImage("a b")},
		"1 to 65535": {
			cloudrun.WithPort(0), cloudrun.WithPort(70000), cloudrun.WithStartupProbe(cloudrun.Probe{Check: cloudrun.TCPCheck{Port: -1}}),
			cloudrun.WithLivenessProbe(cloudrun.Probe{Check: cloudrun.HTTPCheck{Port: 70000}}),
		},
		"quantity":       {cloudrun.WithCPU(""), cloudrun.WithMemory("1 GB"), cloudrun.WithVolume("v", cloudrun.InMemoryVolume("big"))},
		"more than zero": {cloudrun.WithCPU("0"), cloudrun.WithMemory("-1Gi")},
		"at least 1":     {cloudrun.WithGPU(0), cloudrun.WithEncryptionKeyShutdownHours(0)},
		"from 1 to 1000": {cloudrun.WithConcurrency(0), cloudrun.WithConcurrency(1001)},
		"whole seconds": {
			cloudrun.WithRequestTimeout(0), cloudrun.WithRequestTimeout(time.Hour + time.Second), cloudrun.WithRequestTimeout(1500 * time.Millisecond),
			cloudrun.WithStartupProbe(cloudrun.Probe{Period: 5 * time.Minute}), cloudrun.WithLivenessProbe(cloudrun.Probe{InitialDelay: -time.Second}),
		},
		"longer than the period": {cloudrun.WithStartupProbe(cloudrun.Probe{Period: time.Second, Timeout: 2 * time.Second})},
		"success threshold":      {cloudrun.WithStartupProbe(cloudrun.Probe{SuccessThreshold: 2})},
		"be negative": {
			cloudrun.WithMinInstances(-1), cloudrun.WithMaxInstances(-1), cloudrun.WithServiceMinInstances(-1), cloudrun.WithServiceMaxInstances(-1),
			cloudrun.WithManualScaling(-1), cloudrun.WithStartupProbe(cloudrun.Probe{FailureThreshold: -1}),
		},
		"only a startup probe":  {cloudrun.WithLivenessProbe(cloudrun.Probe{Check: cloudrun.TCPCheck{}})},
		"begin with a slash":    {cloudrun.WithStartupProbe(cloudrun.Probe{Check: cloudrun.HTTPCheck{Path: "ready"}})},
		"one of gen1, gen2":     {cloudrun.WithExecutionEnvironment("gen3")},
		"one of ALPHA":          {cloudrun.WithLaunchStage("beta")},
		"one of all, all-traff": {cloudrun.WithVPCEgress("some")},
		"one of prevent-new":    {cloudrun.WithPostKeyRevocationAction("explode")},
		"full name":             {cloudrun.WithMesh("m"), cloudrun.WithEncryptionKey("k")},
		"is empty": {
			cloudrun.WithServiceAccount(""), cloudrun.WithVPCConnector(" "), cloudrun.WithNetwork(""), cloudrun.WithSubnet(""), cloudrun.WithGPUType(""),
			cloudrun.WithBinaryAuthorization(""), cloudrun.WithBreakglass(""), cloudrun.WithAnnotation("", "x"), cloudrun.WithVolume("", cloudrun.InMemoryVolume("")),
			cloudrun.WithVolume("v", cloudrun.VolumeSource{}), cloudrun.WithVolume("v", cloudrun.GCSVolume("", false)), cloudrun.WithVolumeMount("", "/a"),
			cloudrun.WithSecretEnv("A", "s", ""), cloudrun.WithoutEnv(""), cloudrun.WithCustomAudiences(""), cloudrun.WithContainer(""), cloudrun.SetDependsOn(""),
		},
		"reserved":               {cloudrun.WithEnv("K_SERVICE", "x"), cloudrun.WithEnv("X_GOOGLE_A", "x"), cloudrun.WithSecretEnv("K_REVISION", "s", "1")},
		"empty or contain":       {cloudrun.WithEnv("", "x"), cloudrun.WithEnv("A=B", "x"), cloudrun.SetEnv(map[string]string{"": "x"})},
		"name of a secret":       {cloudrun.WithSecretEnv("A", "a.b", "1"), cloudrun.WithSecretFile("/a/b", "projects/name/secrets/s", "1")},
		"path must be absolute":  {cloudrun.WithSecretFile("/toplevel", "s", "1"), cloudrun.WithSecretFile("/a/../b", "s", "1"), cloudrun.WithVolumeMount("v", "a"), cloudrun.WithVolumeMount("v", "/")},
		"exported path":          {cloudrun.WithVolume("v", cloudrun.NFSVolume("h", "x", false))},
		"connection names":       {cloudrun.WithCloudSQL("i"), cloudrun.WithCloudSQL("a:b"), cloudrun.SetCloudSQL("a:b:c,d:e:f"), cloudrun.WithVolume("v", cloudrun.CloudSQLVolume("x"))},
		"name at least one":      {cloudrun.WithCloudSQL(), cloudrun.WithCustomAudiences(), cloudrun.SetNetworkTags(), cloudrun.SetRegions()},
		"the key must begin":     {cloudrun.WithLabel("Bad Key", "x"), cloudrun.WithLabel("skaffold.dev/run-id", "x"), cloudrun.SetLabels(map[string]string{"1": ""})},
		"the value must have":    {cloudrun.WithLabel("a", "Some Value"), cloudrun.WithLabel("a", strings.Repeat("x", 64))},
		"use lower-case letters": {cloudrun.WithRevisionSuffix(""), cloudrun.WithRevisionSuffix("V1"), cloudrun.WithRevisionSuffix("-a")},
		"region":                 {cloudrun.SetRegions("evil.com/#")},
		"is nil":                 {cloudrun.EditService(nil), cloudrun.EditContainer(nil), cloudrun.WithContainer("a", nil)},
	} {
		for i, opt := range opts {
			t.Run(fmt.Sprint(reason, i), func(t *testing.T) {
				t.Parallel()
				err := cloudrun.ApplyForTest(readService(t, plainService), layer(opt))
				var problem *cloudrun.OptionError
				require.ErrorAs(t, err, &problem)
				require.Contains(t, problem.Reason, reason)
			})
		}
	}
}

// TestAcceptedArguments checks unusual arguments that Cloud Run accepts.
func TestAcceptedArguments(t *testing.T) {
	t.Parallel()
	for _, opt := range []cloudrun.ServiceOption{
		cloudrun.WithCPU("0.5833"), cloudrun.WithMemory("1.5Gi"), cloudrun.WithMemory("536870912"), cloudrun.WithEnv("lower.case-1", "\n"), cloudrun.WithServiceAccount("api"),
		cloudrun.WithLabel("größe", ""), cloudrun.WithLabel("cloud.googleapis.com/location", "us-central1"), cloudrun.WithCloudSQL("example.com:p:r:i"),
		cloudrun.WithRequestTimeout(time.Hour), cloudrun.WithPort(65535), cloudrun.WithVPCConnector("projects/p/locations/r/connectors/c"),
	} {
		require.NoError(t, cloudrun.ApplyForTest(readService(t, plainService), layer(opt)))
	}
}
