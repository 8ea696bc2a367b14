package cloudrun

import (
	"slices"

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
// "europe-docker.pkg.dev/project/repo/app:v1". It is sent as given; no digest is
// looked up. Flag: --image. Field: containers[].image.
func WithImage(image string) ContainerOption {
	return onContainer(spec.Image(edits.Spell("WithImage", image), image))
}

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
