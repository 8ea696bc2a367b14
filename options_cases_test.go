package cloudrun_test

import (
	"time"

	"github.com/cloudrun-go/cloudrun"
)

const key = "projects/demo/locations/us-central1/keyRings/r/cryptoKeys/k2"

func one(s ...any) []any { return s }

// obj returns a JSON object of alternating keys and values.
func obj(kv ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i].(string)] = kv[i+1]
	}
	return m
}

// richEnv holds the variables of richService that are secrets.
var richSecrets = one(
	obj("name", "DB_PASS", "valueFrom", obj("secretKeyRef", obj("name", "db-pass", "key", "latest"))),
	obj("name", "SHARED", "valueFrom", obj("secretKeyRef", obj("name", "share-1", "key", "latest"))),
)

func withRich(env ...any) []any { return append(append([]any{}, env...), richSecrets...) }

func literal(name, value string) any { return obj("name", name, "value", value) }

func secret(name, secret, version string) any {
	return obj("name", name, "valueFrom", obj("secretKeyRef", obj("name", secret, "key", version)))
}

var richEnv = one(literal("FOO", "1"), literal("BAR", "2"), literal("KEEP", "3"))

const run, autoscaling = "run.googleapis.com/", "autoscaling.knative.dev/"

var optionCases = concat(containerCases, envCases, volumeCases, templateCases, serviceCases, listCases)

func concat(all ...[]optionCase) (joined []optionCase) {
	for _, l := range all {
		joined = append(joined, l...)
	}
	return joined
}

var containerCases = []optionCase{
	{name: "WithImage", opt: cloudrun.WithImage("new:1"), path: inContainer("image"), want: "new:1"},
	{name: "WithoutSource", opt: cloudrun.WithoutSource(), path: onTemplate(run + "base-images"), want: absent},
	{name: "WithCommand", opt: cloudrun.WithCommand("/bin/a", "b"), path: inContainer("command"), want: one("/bin/a", "b")},
	{name: "WithoutCommand", opt: cloudrun.WithoutCommand(), path: inContainer("command"), want: absent},
	{name: "WithArgs", opt: cloudrun.WithArgs("-x", "1"), path: inContainer("args"), want: one("-x", "1")},
	{name: "WithoutArgs", opt: cloudrun.WithoutArgs(), path: inContainer("args"), want: absent},
	{
		name: "WithPort", opt: cloudrun.WithPort(9090), path: inContainer("ports", 0), want: obj("containerPort", 9090.0),
		plain: obj("containerPort", 9090.0, "name", "http1"), rich: obj("containerPort", 9090.0, "name", "h2c"),
	},
	{name: "WithPort moves the TCP probe", opt: cloudrun.WithPort(9090), path: inContainer("startupProbe", "tcpSocket", "port"), want: 9090.0, created: absent},
	{
		name: "WithoutPort", opt: cloudrun.WithoutPort(), path: inContainer("ports", 0), want: absent,
		plain: obj("containerPort", 8080.0, "name", "http1"), rich: obj("containerPort", 8080.0, "name", "h2c"),
	},
	{name: "WithHTTP2 on", opt: cloudrun.WithHTTP2(true), path: inContainer("ports", 0), want: obj("containerPort", 8080.0, "name", "h2c")},
	{
		name: "WithHTTP2 off", opt: cloudrun.WithHTTP2(false), path: inContainer("ports", 0), want: absent,
		plain: obj("containerPort", 8080.0, "name", "http1"), rich: obj("containerPort", 8080.0),
	},
	{name: "WithCPU", opt: cloudrun.WithCPU("2"), path: inContainer("resources", "limits", "cpu"), want: "2"},
	{name: "WithCPU same", opt: cloudrun.WithCPU("1"), path: inContainer("resources", "limits", "cpu"), want: "1"},
	{name: "WithMemory", opt: cloudrun.WithMemory("2Gi"), path: inContainer("resources", "limits", "memory"), want: "2Gi"},
	{name: "WithGPU", opt: cloudrun.WithGPU(2), path: inContainer("resources", "limits", "nvidia.com/gpu"), want: "2"},
	{name: "WithoutGPU", opt: cloudrun.WithoutGPU(), path: inContainer("resources", "limits", "nvidia.com/gpu"), want: absent},
	{name: "WithoutGPU type", opt: cloudrun.WithoutGPU(), path: inSpec("nodeSelector"), want: absent},
	{
		name: "WithStartupProbe", path: inContainer("startupProbe"),
		opt: cloudrun.WithStartupProbe(cloudrun.Probe{
			Check: cloudrun.HTTPCheck{Path: "/ready", Port: 8080}, InitialDelay: 5 * time.Second, Period: 10 * time.Second,
			Timeout: 3 * time.Second, FailureThreshold: 6,
		}),
		want: obj("httpGet", obj("path", "/ready", "port", 8080.0), "initialDelaySeconds", 5.0, "periodSeconds", 10.0, "timeoutSeconds", 3.0, "failureThreshold", 6.0),
	},
	{
		name: "WithStartupProbe TCP", opt: cloudrun.WithStartupProbe(cloudrun.Probe{Check: cloudrun.TCPCheck{Port: 9}}),
		path: inContainer("startupProbe"), want: obj("tcpSocket", obj("port", 9.0)),
	},
	{
		name: "WithStartupProbe default", path: inContainer("startupProbe"),
		opt:  cloudrun.WithStartupProbe(cloudrun.Probe{Period: 240 * time.Second, Timeout: 240 * time.Second, FailureThreshold: 1}),
		want: obj("tcpSocket", obj("port", 8080.0), "periodSeconds", 240.0, "timeoutSeconds", 240.0, "failureThreshold", 1.0),
		// the defaults of the server are not sent
		created: obj("periodSeconds", 240.0, "timeoutSeconds", 240.0, "failureThreshold", 1.0),
	},
	{name: "WithoutStartupProbe", opt: cloudrun.WithoutStartupProbe(), path: inContainer("startupProbe"), want: absent},
	{
		name: "WithLivenessProbe", opt: cloudrun.WithLivenessProbe(cloudrun.Probe{Check: cloudrun.GRPCCheck{Port: 8080, Service: "svc"}, Timeout: 4 * time.Second}),
		path: inContainer("livenessProbe"), want: obj("grpc", obj("port", 8080.0, "service", "svc"), "timeoutSeconds", 4.0),
	},
	{name: "WithoutLivenessProbe", opt: cloudrun.WithoutLivenessProbe(), path: inContainer("livenessProbe"), want: absent},
	{
		name: "WithReadinessProbe", opt: cloudrun.WithReadinessProbe(cloudrun.Probe{Check: cloudrun.HTTPCheck{Path: "/ok", Port: 1}, Period: 5 * time.Second, SuccessThreshold: 2}),
		path: inContainer("readinessProbe"), want: obj("httpGet", obj("path", "/ok", "port", 1.0), "periodSeconds", 5.0, "successThreshold", 2.0),
	},
	{name: "WithoutReadinessProbe", opt: cloudrun.WithoutReadinessProbe(), path: inContainer("readinessProbe"), want: absent},
	{
		name: "WithContainer", opt: cloudrun.WithContainer("otel", cloudrun.WithImage("otel:2"), cloudrun.WithMemory("64Mi")),
		path: inSpec("containers", 2), want: obj("name", "otel", "image", "otel:2", "resources", obj("limits", obj("memory", "64Mi"))), plain: absent,
	},
	{
		name: "SetContainer", opt: cloudrun.SetContainer("otel", cloudrun.WithImage("otel:2"), cloudrun.WithMemory("64Mi")),
		path: inSpec("containers", 2), want: obj("name", "otel", "image", "otel:2", "resources", obj("limits", obj("memory", "64Mi"))), plain: absent,
	},
	{name: "WithoutContainer", opt: cloudrun.WithoutContainer("proxy"), path: onTemplate(run + "container-dependencies"), want: absent},
	{
		name: "ClearDependsOn", opt: cloudrun.WithContainer("proxy", cloudrun.ClearDependsOn()),
		path: onTemplate(run + "container-dependencies"), want: absent, rich: `{"hello-1":["proxy"]}`,
	},
	{
		name: "SetDependsOn", opt: cloudrun.SetDependsOn("proxy", "otel"), path: onTemplate(run + "container-dependencies"),
		plain: `SetDependsOn("proxy", "otel"): there is no container "otel" to depend on`, rich: `{"hello-1":["otel","proxy"],"proxy":["otel"]}`,
	},
}

var envCases = []optionCase{
	{
		name: "WithEnv", opt: cloudrun.WithEnv("BAR", "b"), path: inContainer("env"), want: one(literal("BAR", "b")),
		rich: withRich(literal("FOO", "1"), literal("BAR", "b"), literal("KEEP", "3")),
	},
	{name: "WithEnv empty", opt: cloudrun.WithEnv("E", ""), path: inContainer("env", 0, "name"), want: "E", rich: "FOO"},
	{
		name: "SetEnv", opt: cloudrun.SetEnv(map[string]string{"BAR": "b", "NEW": "n"}), path: inContainer("env"), want: one(literal("BAR", "b"), literal("NEW", "n")),
		rich: append(withRich(literal("BAR", "b")), literal("NEW", "n")),
	},
	{name: "SetEnv nothing", opt: cloudrun.SetEnv(nil), path: inContainer("env"), want: absent, rich: richSecrets},
	{name: "WithoutEnv", opt: cloudrun.WithoutEnv("FOO", "DB_PASS", "ABSENT"), path: inContainer("env"), want: absent, rich: withRich(literal("BAR", "2"), literal("KEEP", "3"))},
	{name: "ClearEnv", opt: cloudrun.ClearEnv(), path: inContainer("env"), want: absent, rich: richSecrets},
	{
		name: "WithSecretEnv", opt: cloudrun.WithSecretEnv("DB_PASS", "db", "3"), path: inContainer("env"), want: one(secret("DB_PASS", "db", "3")),
		rich: append(append([]any{}, richEnv...), secret("DB_PASS", "db", "3"), secret("SHARED", "share-1", "latest")),
	},
	{
		name: "WithSecretEnv of another project", opt: cloudrun.WithSecretEnv("T", "projects/987654321098/secrets/shared", "5"),
		path: onTemplate(run + "secrets"), want: "share-f3d6445d-2f5c-5a01-2744-7613925d210f:projects/987654321098/secrets/shared",
		rich: "share-1:projects/987654321098/secrets/shared", // the existing alias is used
	},
	{
		name: "WithSecretFile", opt: cloudrun.WithSecretFile("/etc/cfg/config.yaml", "cfg", "4"), path: inSpec("volumes"),
		want: one(obj("name", "cfg-jot-fuv-koh", "secret", obj("secretName", "cfg", "items", one(obj("key", "4", "path", "config.yaml"))))),
		rich: one(cacheVolume, filesVolume, obj("name", "cfg-abc-def-ghi", "secret", obj("secretName", "cfg", "items", one(obj("key", "4", "path", "config.yaml"))))),
	},
	{
		name: "WithSecretFile other secret", opt: cloudrun.WithSecretFile("/etc/cfg/config.yaml", "other", "1"), path: inSpec("volumes", 2, "secret"), want: absent,
		rich: obj("secretName", "other", "items", one(obj("key", "1", "path", "config.yaml"))),
	},
	{
		name: "WithSecretFile second file", opt: cloudrun.WithSecretFile("/etc/cfg/b", "cfg", "2"), path: inSpec("volumes", 2, "secret", "items"), want: absent,
		rich: one(obj("key", "latest", "path", "config.yaml"), obj("key", "2", "path", "b")),
	},
	{
		name: "SetSecrets", path: inContainer("env"),
		opt:  cloudrun.SetSecrets(map[string]cloudrun.SecretVersion{"ONLY": {Secret: "one", Version: "1"}, "/s/f": {Secret: "two", Version: "2"}}),
		want: one(secret("ONLY", "one", "1")), rich: append(append([]any{}, richEnv...), secret("ONLY", "one", "1")),
	},
	{
		name: "WithoutSecret", opt: cloudrun.WithoutSecret("DB_PASS", "FOO", "/etc/cfg/config.yaml"), path: inContainer("env"), want: absent,
		rich: append(append([]any{}, richEnv...), secret("SHARED", "share-1", "latest")),
	},
	{name: "WithoutSecret file", opt: cloudrun.WithoutSecret("/etc/cfg/config.yaml"), path: inSpec("volumes"), want: absent, rich: one(cacheVolume, filesVolume)},
	{name: "WithoutSecret alias", opt: cloudrun.WithoutSecret("SHARED"), path: onTemplate(run + "secrets"), want: absent},
	{name: "ClearSecrets", opt: cloudrun.ClearSecrets(), path: inContainer("env"), want: absent, rich: richEnv},
	{name: "ClearSecrets files", opt: cloudrun.ClearSecrets(), path: inSpec("volumes"), want: absent, rich: one(cacheVolume, filesVolume)},
}

var (
	cacheVolume = obj("name", "cache", "emptyDir", obj("medium", "Memory", "sizeLimit", "128Mi"))
	filesVolume = obj("name", "files", "csi", obj("driver", "gcsfuse.run.googleapis.com", "readOnly", true, "volumeAttributes", obj("bucketName", "b1")))
	cfgVolume   = obj("name", "cfg-abc-def-ghi", "secret", obj("secretName", "cfg", "items", one(obj("key", "latest", "path", "config.yaml"))))
)

func mounted(volume, path string) any { return obj("name", volume, "mountPath", path) }

var volumeCases = []optionCase{
	{
		name: "WithVolume in memory", opt: cloudrun.WithVolume("cache", cloudrun.InMemoryVolume("256Mi")), path: inSpec("volumes", 0),
		want: obj("name", "cache", "emptyDir", obj("medium", "Memory", "sizeLimit", "256Mi")),
	},
	{
		name: "WithVolume in memory of any size", opt: cloudrun.WithVolume("cache", cloudrun.InMemoryVolume("")), path: inSpec("volumes", 0),
		want: obj("name", "cache", "emptyDir", obj("medium", "Memory")),
	},
	{
		name: "WithVolume bucket", opt: cloudrun.WithVolume("b", cloudrun.GCSVolume("my-bucket", false, "implicit-dirs", "uid=1000")), path: inSpec("volumes", 0),
		want: obj("name", "b", "csi", obj("driver", "gcsfuse.run.googleapis.com", "readOnly", false,
			"volumeAttributes", obj("bucketName", "my-bucket", "mountOptions", "implicit-dirs,uid=1000"))), rich: cacheVolume,
	},
	{
		name: "WithVolume NFS", opt: cloudrun.WithVolume("cache", cloudrun.NFSVolume("10.0.0.2", "/export", true)), path: inSpec("volumes", 0),
		want: obj("name", "cache", "nfs", obj("server", "10.0.0.2", "path", "/export", "readOnly", true)),
	},
	{
		name: "WithVolume secret", opt: cloudrun.WithVolume("cache", cloudrun.SecretVolume("cfg", "2", "conf.yaml")), path: inSpec("volumes", 0),
		want: obj("name", "cache", "secret", obj("secretName", "cfg", "items", one(obj("key", "2", "path", "conf.yaml")))),
	},
	{
		name: "WithVolume Cloud SQL", opt: cloudrun.WithVolume("cache", cloudrun.CloudSQLVolume("p:r:i", "p:r:j")), path: inSpec("volumes", 0),
		want: obj("name", "cache", "csi", obj("driver", "cloudsql.run.googleapis.com", "volumeAttributes", obj("instances", "p:r:i,p:r:j"))),
	},
	{name: "WithoutVolume", opt: cloudrun.WithoutVolume("files", "absent"), path: inSpec("volumes"), want: absent, rich: one(cacheVolume, cfgVolume)},
	{name: "ClearVolumes", opt: cloudrun.ClearVolumes(), path: inSpec("volumes"), want: absent},
	{name: "WithVolumeMount", opt: cloudrun.WithVolumeMount("files", "/cache"), path: inContainer("volumeMounts", 0), want: mounted("files", "/cache")},
	{
		name: "WithoutVolumeMount", opt: cloudrun.WithoutVolumeMount("/cache", "/absent"), path: inContainer("volumeMounts"), want: absent,
		rich: one(mounted("files", "/files"), mounted("cfg-abc-def-ghi", "/etc/cfg")),
	},
	{name: "ClearVolumeMounts", opt: cloudrun.ClearVolumeMounts(), path: inContainer("volumeMounts"), want: absent},
}

var templateCases = []optionCase{
	{name: "WithGPUType", opt: cloudrun.WithGPUType("nvidia-t4"), path: inSpec("nodeSelector", run+"accelerator"), want: "nvidia-t4"},
	{name: "WithGPUZonalRedundancy on", opt: cloudrun.WithGPUZonalRedundancy(true), path: onTemplate(run + "gpu-zonal-redundancy-disabled"), want: "False"},
	{name: "WithGPUZonalRedundancy off", opt: cloudrun.WithGPUZonalRedundancy(false), path: onTemplate(run + "gpu-zonal-redundancy-disabled"), want: "True"},
	{name: "WithCPUThrottling on", opt: cloudrun.WithCPUThrottling(true), path: onTemplate(run + "cpu-throttling"), want: "True"},
	{name: "WithCPUThrottling off", opt: cloudrun.WithCPUThrottling(false), path: onTemplate(run + "cpu-throttling"), want: "False", rich: "false"},
	{name: "WithCPUBoost on", opt: cloudrun.WithCPUBoost(true), path: onTemplate(run + "startup-cpu-boost"), want: "true", created: "True"},
	{name: "WithCPUBoost off", opt: cloudrun.WithCPUBoost(false), path: onTemplate(run + "startup-cpu-boost"), want: "False"},
	{name: "WithExecutionEnvironment", opt: cloudrun.WithExecutionEnvironment("gen2"), path: onTemplate(run + "execution-environment"), want: "gen2"},
	{name: "WithConcurrency", opt: cloudrun.WithConcurrency(250), path: inSpec("containerConcurrency"), want: 250.0},
	{name: "WithoutConcurrency", opt: cloudrun.WithoutConcurrency(), path: inSpec("containerConcurrency"), want: absent},
	{name: "WithRequestTimeout", opt: cloudrun.WithRequestTimeout(90 * time.Minute / 2), path: inSpec("timeoutSeconds"), want: 2700.0},
	{name: "WithServiceAccount", opt: cloudrun.WithServiceAccount("api@demo.iam.gserviceaccount.com"), path: inSpec("serviceAccountName"), want: "api@demo.iam.gserviceaccount.com"},
	{name: "WithMinInstances", opt: cloudrun.WithMinInstances(2), path: onTemplate(autoscaling + "minScale"), want: "2"},
	{name: "WithMinInstances zero", opt: cloudrun.WithMinInstances(0), path: onTemplate(autoscaling + "minScale"), want: absent},
	{name: "WithoutMinInstances", opt: cloudrun.WithoutMinInstances(), path: onTemplate(autoscaling + "minScale"), want: absent},
	{name: "WithMaxInstances", opt: cloudrun.WithMaxInstances(7), path: onTemplate(autoscaling + "maxScale"), want: "7"},
	{name: "WithMaxInstances zero", opt: cloudrun.WithMaxInstances(0), path: onTemplate(autoscaling + "maxScale"), want: "0"},
	{name: "WithoutMaxInstances", opt: cloudrun.WithoutMaxInstances(), path: onTemplate(autoscaling + "maxScale"), want: absent},
	{name: "WithSessionAffinity on", opt: cloudrun.WithSessionAffinity(true), path: onTemplate(run + "sessionAffinity"), want: "true"},
	{name: "WithSessionAffinity off", opt: cloudrun.WithSessionAffinity(false), path: onTemplate(run + "sessionAffinity"), want: absent},
	{name: "WithDeployHealthCheck", opt: cloudrun.WithDeployHealthCheck(false), path: onTemplate(run + "health-check-disabled"), want: "True"},
	{name: "WithTemplateAnnotation", opt: cloudrun.WithTemplateAnnotation("example.com/own", "2"), path: onTemplate("example.com/own"), want: "2"},
	{name: "WithoutTemplateAnnotation", opt: cloudrun.WithoutTemplateAnnotation("example.com/own", "absent"), path: onTemplate("example.com/own"), want: absent},
	{name: "WithTemplateLabel", opt: cloudrun.WithTemplateLabel("own", "2"), path: []any{"spec", "template", "metadata", "labels", "own"}, want: "2"},
	{name: "WithoutTemplateLabel", opt: cloudrun.WithoutTemplateLabel("own", "absent"), path: []any{"spec", "template", "metadata", "labels", "own"}, want: absent},
	{name: "WithRevisionSuffix", opt: cloudrun.WithRevisionSuffix("v2"), path: []any{"spec", "template", "metadata", "name"}, want: "hello-v2"},
	{name: "WithVPCConnector", opt: cloudrun.WithVPCConnector("c2"), path: onTemplate(run + "vpc-access-connector"), want: "c2"},
	{name: "WithoutVPCConnector", opt: cloudrun.WithoutVPCConnector(), path: onTemplate(run + "vpc-access-connector"), want: absent},
	{name: "WithoutVPCConnector egress", opt: cloudrun.WithoutVPCConnector(), path: onTemplate(run + "vpc-access-egress"), want: absent},
	{name: "WithVPCEgress", opt: cloudrun.WithVPCEgress("all-traffic"), path: onTemplate(run + "vpc-access-egress"), want: "all-traffic"},
	{
		name: "WithNetwork", opt: cloudrun.WithNetwork("n2"), path: onTemplate(run + "network-interfaces"), want: `[{"network":"n2"}]`,
		rich: `[{"network":"n2","subnetwork":"sub1","tags":["t1","t2"]}]`,
	},
	{
		name: "WithSubnet", opt: cloudrun.WithSubnet("s2"), path: onTemplate(run + "network-interfaces"), want: `[{"subnetwork":"s2"}]`,
		rich: `[{"network":"default","subnetwork":"s2","tags":["t1","t2"]}]`,
	},
	{
		name: "SetNetworkTags", opt: cloudrun.SetNetworkTags("web", "db"), path: onTemplate(run + "network-interfaces"), want: `[{"tags":["web","db"]}]`,
		rich: `[{"network":"default","subnetwork":"sub1","tags":["web","db"]}]`,
	},
	{
		name: "WithoutNetwork", opt: cloudrun.WithoutNetwork(), path: onTemplate(run + "network-interfaces"), want: absent,
		rich: `[{"subnetwork":"sub1","tags":["t1","t2"]}]`,
	},
	{
		name: "WithoutSubnet", opt: cloudrun.WithoutSubnet(), path: onTemplate(run + "network-interfaces"), want: absent,
		rich: `[{"network":"default","tags":["t1","t2"]}]`,
	},
	{
		name: "ClearNetworkTags", opt: cloudrun.ClearNetworkTags(), path: onTemplate(run + "network-interfaces"), want: absent,
		rich: `[{"network":"default","subnetwork":"sub1"}]`,
	},
	{name: "ClearNetwork", opt: cloudrun.ClearNetwork(), path: onTemplate(run + "network-interfaces"), want: absent},
	{name: "ClearNetwork egress", opt: cloudrun.ClearNetwork(), path: onTemplate(run + "vpc-access-egress"), want: absent},
	{
		name: "WithMesh", opt: cloudrun.WithMesh("projects/p/locations/global/meshes/m2"), path: onTemplate(run + "mesh"),
		want: "projects/p/locations/global/meshes/m2",
	},
	{name: "WithoutMesh", opt: cloudrun.WithoutMesh(), path: onTemplate(run + "mesh"), want: absent},
	{name: "WithEncryptionKey", opt: cloudrun.WithEncryptionKey(key), path: onTemplate(run + "encryption-key"), want: key},
	{name: "WithoutEncryptionKey", opt: cloudrun.WithoutEncryptionKey(), path: onTemplate(run + "encryption-key"), want: absent},
	{name: "WithoutEncryptionKey hours", opt: cloudrun.WithoutEncryptionKey(), path: onTemplate(run + "encryption-key-shutdown-hours"), want: absent},
	{
		name: "WithPostKeyRevocationAction", opt: cloudrun.WithPostKeyRevocationAction("prevent-new"),
		path: onTemplate(run + "post-key-revocation-action-type"), want: "prevent-new",
	},
	{
		name: "WithoutPostKeyRevocationAction", opt: cloudrun.WithoutPostKeyRevocationAction(),
		path: onTemplate(run + "encryption-key-shutdown-hours"), want: absent,
	},
	{name: "WithEncryptionKeyShutdownHours", opt: cloudrun.WithEncryptionKeyShutdownHours(2), path: onTemplate(run + "encryption-key-shutdown-hours"), want: "2"},
	{
		name: "WithoutEncryptionKeyShutdownHours", opt: cloudrun.WithoutEncryptionKeyShutdownHours(),
		path: onTemplate(run + "encryption-key-shutdown-hours"), want: absent,
	},
}

var serviceCases = []optionCase{
	{name: "WithDescription", opt: cloudrun.WithDescription("New, now"), path: onService(run + "description"), want: "New, now", makesNoRevision: true},
	{name: "WithDescription empty", opt: cloudrun.WithDescription(""), path: onService(run + "description"), want: absent, rich: "", makesNoRevision: true},
	{name: "WithAnnotation", opt: cloudrun.WithAnnotation("example.com/own", "2"), path: onService("example.com/own"), want: "2", makesNoRevision: true},
	{name: "WithoutAnnotation", opt: cloudrun.WithoutAnnotation("example.com/own"), path: onService("example.com/own"), want: absent, makesNoRevision: true},
	{name: "WithLaunchStage", opt: cloudrun.WithLaunchStage("BETA"), path: onService(run + "launch-stage"), want: "BETA", makesNoRevision: true},
	{
		name: "SetRegions", opt: cloudrun.SetRegions("us-central1", "europe-west1"), path: onService(run + "regions"), want: "us-central1,europe-west1",
		makesNoRevision: true,
	},
	{name: "WithIngress", opt: cloudrun.WithIngress("internal"), path: onService(run + "ingress"), want: "internal", makesNoRevision: true},
	{name: "WithDefaultURL on", opt: cloudrun.WithDefaultURL(true), path: onService(run + "default-url-disabled"), want: "False", makesNoRevision: true},
	{
		name: "WithDefaultURL off", opt: cloudrun.WithDefaultURL(false), path: onService(run + "default-url-disabled"), want: "True", rich: "true",
		makesNoRevision: true,
	},
	{name: "WithInvokerIAMCheck", opt: cloudrun.WithInvokerIAMCheck(true), path: onService(run + "invoker-iam-disabled"), want: "False", makesNoRevision: true},
	{name: "WithIAP on", opt: cloudrun.WithIAP(true), path: onService(run + "iap-enabled"), want: "true", makesNoRevision: true},
	{name: "WithIAP off", opt: cloudrun.WithIAP(false), path: onService(run + "iap-enabled"), want: absent, makesNoRevision: true},
	{name: "WithBinaryAuthorization", opt: cloudrun.WithBinaryAuthorization("p"), path: onService(run + "binary-authorization"), want: "p", makesNoRevision: true},
	{
		name: "WithoutBinaryAuthorization", opt: cloudrun.WithoutBinaryAuthorization(), path: onService(run + "binary-authorization"), want: absent,
		makesNoRevision: true,
	},
	{
		name: "WithBreakglass", opt: cloudrun.WithBreakglass("again"), path: onService(run + "binary-authorization-breakglass"), want: "again",
		makesNoRevision: true,
	},
	{name: "WithServiceMinInstances", opt: cloudrun.WithServiceMinInstances(3), path: onService(run + "minScale"), want: "3", makesNoRevision: true},
	{name: "WithServiceMinInstances zero", opt: cloudrun.WithServiceMinInstances(0), path: onService(run + "minScale"), want: absent, makesNoRevision: true},
	{name: "WithoutServiceMinInstances", opt: cloudrun.WithoutServiceMinInstances(), path: onService(run + "minScale"), want: absent, makesNoRevision: true},
	{name: "WithServiceMaxInstances", opt: cloudrun.WithServiceMaxInstances(6), path: onService(run + "maxScale"), want: "6", makesNoRevision: true},
	{name: "WithoutServiceMaxInstances", opt: cloudrun.WithoutServiceMaxInstances(), path: onService(run + "maxScale"), want: absent, makesNoRevision: true},
	{name: "WithManualScaling", opt: cloudrun.WithManualScaling(5), path: onService(run + "manualInstanceCount"), want: "5", makesNoRevision: true},
	{name: "WithManualScaling maximum", opt: cloudrun.WithManualScaling(5), path: onService(run + "maxScale"), want: absent, makesNoRevision: true},
	{name: "WithAutomaticScaling", opt: cloudrun.WithAutomaticScaling(), path: onService(run + "scalingMode"), want: "automatic", makesNoRevision: true},
}

func templateLabels() []any { return []any{"spec", "template", "metadata", "labels"} }

var (
	serverLabels = obj("client.knative.dev/nonce", "qwertyuiop", run+"startupProbeType", "Default")
	location     = obj("cloud.googleapis.com/location", "us-central1")
)

func and(m map[string]any, kv ...any) map[string]any {
	all := obj(kv...)
	for k, v := range m {
		all[k] = v
	}
	return all
}

var listCases = []optionCase{
	{
		name: "WithLabel", opt: cloudrun.WithLabel("env", "prod"), path: []any{"metadata", "labels"}, want: obj("env", "prod"),
		plain: and(location, "env", "prod"), rich: and(location, "env", "prod", "a", "1"),
	},
	{
		name: "WithLabel on the template", opt: cloudrun.WithLabel("env", "prod"), path: templateLabels(), want: obj("env", "prod"),
		plain: and(serverLabels, "env", "prod"), rich: and(serverLabels, "env", "prod", "a", "1"),
	},
	{
		name: "SetLabels", opt: cloudrun.SetLabels(map[string]string{"env": "prod"}), path: templateLabels(), want: obj("env", "prod"),
		plain: and(serverLabels, "env", "prod"), rich: and(serverLabels, "env", "prod"),
	},
	{name: "WithoutLabel", opt: cloudrun.WithoutLabel("a", "absent"), path: templateLabels(), want: absent, plain: serverLabels, rich: serverLabels},
	{name: "ClearLabels", opt: cloudrun.ClearLabels(), path: []any{"metadata", "labels"}, want: absent, plain: location, rich: location},
	{
		name: "WithCloudSQL", opt: cloudrun.WithCloudSQL("x:y:z", "demo:us-central1:a"), path: onTemplate(run + "cloudsql-instances"),
		want: "x:y:z,demo:us-central1:a", rich: "demo:us-central1:a,demo:us-central1:b,x:y:z",
	},
	{
		name: "WithoutCloudSQL", opt: cloudrun.WithoutCloudSQL("demo:us-central1:a", "x:y:z"), path: onTemplate(run + "cloudsql-instances"), want: absent,
		rich: "demo:us-central1:b",
	},
	{name: "SetCloudSQL", opt: cloudrun.SetCloudSQL("x:y:z", "demo:us-central1:b"), path: onTemplate(run + "cloudsql-instances"), want: "x:y:z,demo:us-central1:b"},
	{name: "ClearCloudSQL", opt: cloudrun.ClearCloudSQL(), path: onTemplate(run + "cloudsql-instances"), want: absent, rich: ""},
	{
		name: "WithCustomAudiences", opt: cloudrun.WithCustomAudiences("https://c.example.com"), path: onService(run + "custom-audiences"),
		want: `["https://c.example.com"]`, rich: `["https://a.example.com","https://b.example.com","https://c.example.com"]`,
	},
	{
		name: "WithoutCustomAudiences", opt: cloudrun.WithoutCustomAudiences("https://a.example.com"), path: onService(run + "custom-audiences"), want: absent,
		rich: `["https://b.example.com"]`,
	},
	{
		name: "SetCustomAudiences", opt: cloudrun.SetCustomAudiences("https://z.example.com", "https://a.example.com"), path: onService(run + "custom-audiences"),
		want: `["https://z.example.com","https://a.example.com"]`,
	},
	{name: "ClearCustomAudiences", opt: cloudrun.ClearCustomAudiences(), path: onService(run + "custom-audiences"), want: absent},
}
