package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// WithContainer applies options to the container of that name, which is
// created if it does not exist. With several containers, the one with a port is
// the ingress container, to which options outside of WithContainer apply.
// Flag: --container.
func WithContainer(name string, opts ...ContainerOption) WorkloadOption {
	return onWorkload(spec.InContainer(edits.Spell("WithContainer", name), name, edits.Of(opts))...)
}

// SetContainer replaces the container of that name by a new one, which has only
// what the options set. Other containers no longer depend on it. It is created
// if it does not exist. Flags: --remove-containers together with --container.
func SetContainer(name string, opts ...ContainerOption) WorkloadOption {
	return onWorkload(spec.ReplaceContainer(edits.Spell("SetContainer", name), name, edits.Of(opts))...)
}

// WithoutContainer removes the container of that name, if it exists, and the
// dependencies of other containers on it. Flag: --remove-containers.
func WithoutContainer(name string) WorkloadOption {
	return onWorkload(spec.WithoutContainer(edits.Spell("WithoutContainer", name), name)...)
}

// WithImage sets the container image, such as
// "europe-docker.pkg.dev/project/repo/app:v1". It is sent as given, unless
// [PinImage] replaces its tag by a digest. Flag: --image. Field: containers[].image.
func WithImage(image string) ContainerOption {
	return onContainer(spec.Image(edits.Spell("WithImage", image), image))
}

// WithPreflight runs [Deployer.Preflight] first. The Deploy fails with all problems
// that it reports, before anything is written. Without it, no extra request is made.
func WithPreflight() DeployOption {
	return onDeploy(edits.Configures("WithPreflight()", "whether permissions are checked first", "yes", nil, func(c *deployConfig) { c.preflight = true }))
}

// CheckImage sets the function with which [Deployer.Preflight] and [WithPreflight]
// look whether the images exist and can be read. It returns the digest of an image.
// Package image has one.
func CheckImage(check func(ctx context.Context, image string) (digest string, err error)) DeployOption {
	return onDeploy(edits.Configures("CheckImage", "how images are checked", "a function", notNil(check == nil), func(c *deployConfig) { c.checkImage = check }))
}

// PinImage deploys the images of [WithImage] by the digests that they have now: the
// Revision runs what was resolved, and [IfChanged] notices that a tag has moved.
// resolve returns the digest of an image; package image has one. It is called once
// for each image, and not for one that has a digest. An error ends the call before
// anything is written.
func PinImage(resolve func(ctx context.Context, image string) (digest string, err error)) DeployOption {
	return onDeploy(edits.Configures("PinImage", "how images are resolved", "a function", notNil(resolve == nil), func(c *deployConfig) { c.pinImage = resolve }))
}

// WithoutSource removes what a deployment from source left of the container, so
// that it holds for an image that was built elsewhere: the base image that Cloud
// Run would keep up to date, with its runtime class, and the annotations that
// describe the build. gcloud's --clear-base-image removes only the base image.
// Fields: the template annotations run.googleapis.com/base-images and
// run.googleapis.com/sources, runtimeClassName, and the annotations
// run.googleapis.com/build-*.
func WithoutSource() ContainerOption { return onContainer(spec.WithoutSource("WithoutSource()")) }

// WithCommand sets the command that the container runs, in place of the
// entrypoint of its image. The whole command is replaced. The arguments of the
// command, see [WithArgs], do not change. Flag: --command.
// Field: containers[].command.
func WithCommand(argv ...string) ContainerOption {
	return onContainer(spec.Command(edits.Spell("WithCommand", edits.Hidden{}), slices.Clone(argv)))
}

// WithoutCommand makes the container run the entrypoint of its image.
// Flag: --command=. Field: containers[].command, which is removed.
func WithoutCommand() ContainerOption { return onContainer(spec.WithoutCommand("WithoutCommand()")) }

// WithArgs sets the arguments of the container's command, in place of those of
// its image. All of them are replaced. Flag: --args. Field: containers[].args.
func WithArgs(args ...string) ContainerOption {
	return onContainer(spec.Args(edits.Spell("WithArgs", edits.Hidden{}), slices.Clone(args)))
}

// WithoutArgs makes the container's command use the arguments of its image.
// Flag: --args=. Field: containers[].args, which is removed.
func WithoutArgs() ContainerOption { return onContainer(spec.WithoutArgs("WithoutArgs()")) }

// SetDependsOn makes the container start after others, once their startup
// probes succeed. Its previous dependencies are replaced. All containers named
// must exist.
//
//	cloudrun.WithContainer("app", cloudrun.SetDependsOn("proxy"))
//
// Flag: --depends-on. Field: the template annotation
// run.googleapis.com/container-dependencies.
func SetDependsOn(containers ...string) ContainerOption {
	return onContainer(spec.DependsOn(edits.SpellList("SetDependsOn", containers), containers))
}

// ClearDependsOn makes the container depend on no other. Flag: --depends-on=.
// Field: the template annotation run.googleapis.com/container-dependencies.
func ClearDependsOn() ContainerOption { return onContainer(spec.DependsOn("ClearDependsOn()", nil)) }

// WithPort sets the port on which the container receives requests, 1 to 65535.
// Cloud Run's default is 8080. A TCP startup probe of the old port follows.
// Flag: --port. Field: containers[].ports[0].containerPort.
func WithPort(port int) ContainerOption {
	return onContainer(spec.Port(edits.Spell("WithPort", port), port))
}

// WithoutPort makes the container receive requests on Cloud Run's default port,
// 8080. Flag: --port=default. Field: containers[].ports[0].containerPort, which
// is removed unless the port has a name.
func WithoutPort() ContainerOption { return onContainer(spec.WithoutPort("WithoutPort()")) }

// WithHTTP2 sets whether the container receives requests as HTTP/2 without
// encryption ("h2c") from end to end, as gRPC streaming needs, or as HTTP/1,
// which is the default. A container without a port gets port 8080 when HTTP/2 is
// switched on. Flag: --[no-]use-http2. Field: containers[].ports[0].name.
func WithHTTP2(on bool) ContainerOption {
	return onContainer(spec.HTTP2(edits.Spell("WithHTTP2", on), on))
}

// WithCPU sets the CPU limit, a Kubernetes quantity such as "2" or "500m".
// Cloud Run's default is 1. Flag: --cpu. Field: containers[].resources.limits.cpu.
func WithCPU(cpu string) ContainerOption {
	return onContainer(spec.CPU(edits.Spell("WithCPU", cpu), cpu))
}

// WithMemory sets the memory limit, a Kubernetes quantity such as "512Mi" or
// "2Gi". Cloud Run's default is 512Mi. Flag: --memory.
// Field: containers[].resources.limits.memory.
func WithMemory(memory string) ContainerOption {
	return onContainer(spec.Memory(edits.Spell("WithMemory", memory), memory))
}

// WithGPU sets the number of GPUs of the container, one or more. With a GPU,
// Cloud Run requires at least 4 CPUs, 16Gi of memory, and CPU throttling off, see
// [WithCPUThrottling]. Flag: --gpu.
// Field: containers[].resources.limits."nvidia.com/gpu".
func WithGPU(count int) ContainerOption {
	return onContainer(spec.GPU(edits.Spell("WithGPU", count), count))
}

// WithoutGPU removes the GPUs of the container. When no container has a GPU
// left, the type of GPU is removed too. GPU zonal redundancy does not change, as
// with gcloud. Flag: --gpu=0. Fields: containers[].resources.limits."nvidia.com/gpu"
// and nodeSelector."run.googleapis.com/accelerator".
func WithoutGPU() ContainerOption { return onContainer(spec.WithoutGPU("WithoutGPU()")) }

// WithGPUType sets the type of GPU, such as "nvidia-l4". Flag: --gpu-type.
// Field: the template's nodeSelector."run.googleapis.com/accelerator".
func WithGPUType(gpuType string) WorkloadOption {
	return onWorkload(spec.GPUType(edits.Spell("WithGPUType", gpuType), gpuType))
}

// WithGPUZonalRedundancy sets whether GPUs are reserved in a second zone too,
// which is Cloud Run's default. Without redundancy, quota is easier to get.
// Flag: --[no-]gpu-zonal-redundancy. Field: the template annotation
// run.googleapis.com/gpu-zonal-redundancy-disabled, which has the opposite value.
func WithGPUZonalRedundancy(on bool) WorkloadOption {
	return onWorkload(spec.AnnotateTemplate(edits.Spell("WithGPUZonalRedundancy", on), spec.AnnotationGPURedundancyOff, spec.Bool(!on), nil))
}

// WithExecutionEnvironment sets the sandbox that containers run in: "gen1" or
// "gen2". By default Cloud Run chooses. Flag: --execution-environment.
// Field: the template annotation run.googleapis.com/execution-environment.
func WithExecutionEnvironment(environment string) WorkloadOption {
	option := edits.Spell("WithExecutionEnvironment", environment)
	return onWorkload(spec.AnnotateTemplate(option, spec.AnnotationExecutionEnv, environment, edits.OneOf(environment, "gen1", "gen2")))
}

// Probe configures a health check of a container. Fields that are zero have
// Cloud Run's defaults. Durations are in whole seconds.
type Probe struct {
	// Check is what is checked: an [HTTPCheck], a [TCPCheck] or a
	// [GRPCCheck]. The default is a TCPCheck of the container's port.
	Check ProbeCheck
	// InitialDelay is the time from the start of the container to the first
	// check, up to 4m for a startup probe and 1h for others. The default is 0.
	InitialDelay time.Duration
	// Period is the time from one check to the next, up to 4m for a startup
	// probe and 1h for others. The default is 10s.
	Period time.Duration
	// Timeout is how long a check may take, up to 1h and not longer than
	// Period. The default is 1s.
	Timeout time.Duration
	// FailureThreshold is how many checks in a row must fail. The default is 3.
	FailureThreshold int
	// SuccessThreshold is how many checks in a row must succeed after a
	// failure. Only a readiness probe can have another than 1, the default.
	SuccessThreshold int
}

// ProbeCheck is what a [Probe] checks: an [HTTPCheck], a [TCPCheck] or a [GRPCCheck].
type ProbeCheck interface{ handler() corev1.ProbeHandler }

// HTTPCheck succeeds when a GET request is answered with a status of 200 to 399.
type HTTPCheck struct {
	// Path is such as "/ready". The default is "/".
	Path string
	// Port is the container's port by default.
	Port int
}

// TCPCheck succeeds when a connection can be made.
type TCPCheck struct {
	// Port is the container's port by default.
	Port int
}

// GRPCCheck succeeds when gRPC's health checking protocol answers SERVING.
type GRPCCheck struct {
	// Port is the container's port by default.
	Port int
	// Service is the name to ask for. The default is none: the server as a whole.
	Service string
}

func (c HTTPCheck) handler() corev1.ProbeHandler {
	return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: c.Path, Port: intstr.FromInt(c.Port)}}
}

func (c TCPCheck) handler() corev1.ProbeHandler {
	return corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt(c.Port)}}
}

func (c GRPCCheck) handler() corev1.ProbeHandler {
	action := &corev1.GRPCAction{Port: int32(c.Port)}
	if c.Service != "" {
		action.Service = &c.Service
	}
	return corev1.ProbeHandler{GRPC: action}
}

// WithStartupProbe sets the probe that must succeed before a container counts as
// started. Until then it receives no requests, and it is shut down when the
// probe fails. The whole probe is replaced. Cloud Run's default is a TCP check
// that may take 4m. Flag: --startup-probe. Field: containers[].startupProbe.
func WithStartupProbe(p Probe) ContainerOption {
	return onContainer(spec.WithProbe(edits.Spell("WithStartupProbe", p), spec.Startup, p.spec()))
}

// WithoutStartupProbe makes Cloud Run use its default startup probe.
// Flag: --startup-probe=. Field: containers[].startupProbe, which is removed.
func WithoutStartupProbe() ContainerOption {
	return onContainer(spec.WithoutProbe("WithoutStartupProbe()", spec.Startup))
}

// WithLivenessProbe sets the probe that restarts a container when it fails. The
// whole probe is replaced; a TCP check is not possible. There is none by default.
// Flag: --liveness-probe. Field: containers[].livenessProbe.
func WithLivenessProbe(p Probe) ContainerOption {
	return onContainer(spec.WithProbe(edits.Spell("WithLivenessProbe", p), spec.Liveness, p.spec()))
}

// WithoutLivenessProbe removes the liveness probe, so that the container is
// never restarted because of its state. Flag: --liveness-probe=.
// Field: containers[].livenessProbe, which is removed.
func WithoutLivenessProbe() ContainerOption {
	return onContainer(spec.WithoutProbe("WithoutLivenessProbe()", spec.Liveness))
}

// WithReadinessProbe sets the probe that keeps requests from an instance while
// it fails. The whole probe is replaced; a TCP check is not possible. There is
// none by default. Flag: --readiness-probe (alpha). Field: containers[].readinessProbe.
func WithReadinessProbe(p Probe) ContainerOption {
	return onContainer(spec.WithProbe(edits.Spell("WithReadinessProbe", p), spec.Readiness, p.spec()))
}

// WithoutReadinessProbe removes the readiness probe, so that an instance
// receives requests whatever its state. Flag: --readiness-probe= (alpha).
// Field: containers[].readinessProbe, which is removed.
func WithoutReadinessProbe() ContainerOption {
	return onContainer(spec.WithoutProbe("WithoutReadinessProbe()", spec.Readiness))
}

func (p Probe) spec() spec.Probe {
	s := spec.Probe{
		InitialDelay: p.InitialDelay, Period: p.Period, Timeout: p.Timeout,
		FailureThreshold: p.FailureThreshold, SuccessThreshold: p.SuccessThreshold,
	}
	if p.Check != nil {
		s.Handler = p.Check.handler()
	}
	return s
}

// checkContainers refuses a set of containers that Cloud Run would refuse. It
// misses nothing that an option in error was to set.
func checkContainers(containers []corev1.Container, options *edits.Set) error {
	if len(containers) == 0 {
		if spec.ImageFailed(options, corev1.Container{}) {
			return nil
		}
		return &OptionError{Option: "WithImage", Reason: "missing: a new service needs an image"}
	}
	if len(containers) > maxContainers {
		return fmt.Errorf("%d containers: at most %d are allowed", len(containers), maxContainers)
	}
	var problems []error
	withPort := 0
	for _, c := range containers {
		if c.Image == "" && !spec.ImageFailed(options, c) {
			problems = append(problems, &OptionError{Option: "WithImage", Reason: fmt.Sprintf("missing: %s needs an image", containerTitle(c))})
		}
		if len(c.Ports) > 0 {
			withPort++
		}
	}
	if len(containers) > 1 && withPort != 1 && !spec.PortFailed(options, containers) {
		problems = append(problems, &OptionError{Option: "WithPort",
			Reason: fmt.Sprintf("of several containers exactly one must have a port, and gets the requests; here %d have one", withPort)})
	}
	return errors.Join(problems...)
}

func containerTitle(c corev1.Container) string {
	if c.Name == "" {
		return "the container"
	}
	return fmt.Sprintf("container %q", c.Name)
}
