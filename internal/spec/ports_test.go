package spec_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// container is a workload with one container, as JSON.
func container(fields string) string {
	if fields != "" {
		fields = ", " + fields
	}
	return `{"pod": {"containers": [{"name": "app"` + fields + `}]}}`
}

func TestPorts(t *testing.T) {
	t.Parallel()
	testEdits(t, map[string]edit{
		"set":                      {container(""), each(spec.Port("P", 80)), container(`"ports": [{"containerPort": 80}]`), ""},
		"changed, the name stays":  {container(`"ports": [{"name": "h2c", "containerPort": 80}]`), each(spec.Port("P", 81)), container(`"ports": [{"name": "h2c", "containerPort": 81}]`), ""},
		"removed":                  {container(`"ports": [{"containerPort": 80}]`), each(spec.WithoutPort("P")), container(""), ""},
		"removed, with a name":     {container(`"ports": [{"name": "http1", "containerPort": 80}]`), each(spec.WithoutPort("P")), container(`"ports": [{"name": "http1", "containerPort": 8080}]`), ""},
		"HTTP/2":                   {container(""), each(spec.HTTP2("H", true)), container(`"ports": [{"name": "h2c", "containerPort": 8080}]`), ""},
		"no HTTP/2":                {container(`"ports": [{"name": "h2c", "containerPort": 80}]`), each(spec.HTTP2("H", false)), container(`"ports": [{"containerPort": 80}]`), ""},
		"no HTTP/2, another name":  {container(`"ports": [{"name": "http1", "containerPort": 80}]`), each(spec.HTTP2("H", false)), container(`"ports": [{"name": "http1", "containerPort": 80}]`), ""},
		"HTTP/2 and a port":        {container(""), each(spec.HTTP2("H", true), spec.Port("P", 80)), container(`"ports": [{"name": "h2c", "containerPort": 80}]`), ""},
		"a TCP probe follows":      {container(`"ports": [{"containerPort": 80}], "startupProbe": {"tcpSocket": {"port": 80}}`), each(spec.Port("P", 81)), container(`"ports": [{"containerPort": 81}], "startupProbe": {"tcpSocket": {"port": 81}}`), ""},
		"a TCP probe of elsewhere": {container(`"startupProbe": {"tcpSocket": {"port": 90}}`), each(spec.Port("P", 81)), container(`"ports": [{"containerPort": 81}], "startupProbe": {"tcpSocket": {"port": 90}}`), ""},
		"too high":                 {"", each(spec.Port("P", 65536)), "", "from 1 to 65535"},
		"HTTP/2 on and off":        {"", each(spec.HTTP2("H", true), spec.HTTP2("I", false)), "", "both decide the use of HTTP/2"},
	})
}

func TestProbes(t *testing.T) {
	t.Parallel()
	get := spec.Probe{Handler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ok"}}, Period: 5 * time.Second}
	tcp := spec.Probe{Handler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(90)}}}
	grpc := spec.Probe{Handler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{}}}
	const filled = `"ports": [{"containerPort": 81}], "livenessProbe": {"httpGet": {"path": "/ok", "port": 81, "scheme": "HTTP"}, "periodSeconds": 5, "timeoutSeconds": 1, "failureThreshold": 3, "successThreshold": 1}`
	wrong := func(change func(*spec.Probe)) spec.Probe { p := get; change(&p); return p }
	testEdits(t, map[string]edit{
		"startup":                {container(""), each(spec.WithProbe("P", spec.Startup, tcp)), container(`"startupProbe": {"tcpSocket": {"port": 90}}`), ""},
		"liveness":               {container(""), each(spec.WithProbe("P", spec.Liveness, get)), container(`"livenessProbe": {"httpGet": {"path": "/ok", "port": 0}, "periodSeconds": 5}`), ""},
		"readiness":              {container(""), each(spec.WithProbe("P", spec.Readiness, grpc)), container(`"readinessProbe": {"grpc": {"port": 0, "service": null}}`), ""},
		"the same with defaults": {container(filled), each(spec.WithProbe("P", spec.Liveness, get)), container(filled), ""},
		"replaced as a whole":    {container(filled), each(spec.WithProbe("P", spec.Liveness, grpc)), container(`"ports": [{"containerPort": 81}], "livenessProbe": {"grpc": {"port": 0, "service": null}}`), ""},
		"removed":                {container(filled), each(spec.WithoutProbe("P", spec.Liveness)), container(`"ports": [{"containerPort": 81}]`), ""},
		"TCP liveness":           {"", each(spec.WithProbe("P", spec.Liveness, tcp)), "", "only a startup probe can be a TCP check"},
		"a long period":          {"", each(spec.WithProbe("P", spec.Startup, wrong(func(p *spec.Probe) { p.Period = 5 * time.Minute }))), "", "the period must be in whole seconds, at most 4m0s"},
		"half a second":          {"", each(spec.WithProbe("P", spec.Liveness, wrong(func(p *spec.Probe) { p.InitialDelay = time.Second / 2 }))), "", "the initial delay must be in whole seconds, at most 1h0m0s"},
		"a long timeout":         {"", each(spec.WithProbe("P", spec.Liveness, wrong(func(p *spec.Probe) { p.Timeout = 6 * time.Second }))), "", "not be longer than the period"},
		"a negative threshold":   {"", each(spec.WithProbe("P", spec.Liveness, wrong(func(p *spec.Probe) { p.FailureThreshold = -1 }))), "", "thresholds cannot be negative"},
		"a success threshold":    {"", each(spec.WithProbe("P", spec.Liveness, wrong(func(p *spec.Probe) { p.SuccessThreshold = 2 }))), "", "only a readiness probe"},
		"a relative path":        {"", each(spec.WithProbe("P", spec.Liveness, spec.Probe{Handler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "ok"}}})), "", "begin with a slash"},
		"a wrong port":           {"", each(spec.WithProbe("P", spec.Startup, spec.Probe{Handler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 70000}}})), "", "from 1 to 65535"},
	})
}

func TestResources(t *testing.T) {
	t.Parallel()
	const gpu = `{"pod": {"containers": [{"name": "app", "resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "4"}}}], "nodeSelector": {"run.googleapis.com/accelerator": "nvidia-l4"}}}`
	testEdits(t, map[string]edit{
		"limits": {container(`"resources": {"limits": {"cpu": "1"}}`), each(spec.CPU("C", "2"), spec.Memory("M", "1Gi")), container(`"resources": {"limits": {"cpu": "2", "memory": "1Gi"}}`), ""},
		"GPU":    {container(""), each(spec.GPU("G", 1), spec.CPU("C", "4"), spec.GPUType("T", "nvidia-l4")), gpu, ""},
		"no GPU": {gpu, each(spec.WithoutGPU("G")), `{"pod": {"containers": [{"name": "app", "resources": {"limits": {"cpu": "4"}}}]}}`, ""},
		"another container's GPU": {
			`{"pod": {"containers": [{"name": "a", "resources": {"limits": {"nvidia.com/gpu": "1"}}}, {"name": "b", "resources": {"limits": {"nvidia.com/gpu": "1"}}}], "nodeSelector": {"run.googleapis.com/accelerator": "t"}}}`,
			spec.InContainer("C", "b", each(spec.WithoutGPU("G"))),
			`{"pod": {"containers": [{"name": "a", "resources": {"limits": {"nvidia.com/gpu": "1"}}}, {"name": "b", "resources": {"limits": {}}}], "nodeSelector": {"run.googleapis.com/accelerator": "t"}}}`, "",
		},
		"account":     {"", each(spec.ServiceAccount("A", "a@b")), `{"pod": {"containers": null, "serviceAccountName": "a@b"}}`, ""},
		"no account":  {"", each(spec.ServiceAccount("A", "")), "", "the service account is empty"},
		"zero GPUs":   {"", each(spec.GPU("G", 0)), "", "use WithoutGPU"},
		"no GPU type": {"", each(spec.GPUType("G", "")), "", "the type is empty"},
		"a wrong CPU": {"", each(spec.CPU("C", "x")), "", "not a quantity"},
	})
}
