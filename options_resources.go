package cloudrun

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

const (
	resourceGPU             = corev1.ResourceName("nvidia.com/gpu")
	nodeSelectorAccelerator = "run.googleapis.com/accelerator"
)

// WithCPU sets the CPU limit, a Kubernetes quantity such as "2" or "500m".
// Cloud Run's default is 1. Flag: --cpu. Field: containers[].resources.limits.cpu.
func WithCPU(cpu string) ContainerOption {
	return withLimit("WithCPU", "the CPU limit", corev1.ResourceCPU, cpu)
}

// WithMemory sets the memory limit, a Kubernetes quantity such as "512Mi" or
// "2Gi". Cloud Run's default is 512Mi. Flag: --memory.
// Field: containers[].resources.limits.memory.
func WithMemory(memory string) ContainerOption {
	return withLimit("WithMemory", "the memory limit", corev1.ResourceMemory, memory)
}

// WithGPU sets how many GPUs the container gets, one or more. Cloud Run wants
// at least 4 CPUs and 16Gi of memory with a GPU, and CPU throttling off, see
// [WithCPUThrottling]. Flag: --gpu.
// Field: containers[].resources.limits."nvidia.com/gpu".
func WithGPU(count int) ContainerOption {
	s := editContainer(edits.Spell("WithGPU", count), "the number of GPUs", strconv.Itoa(count), func(c *corev1.Container) {
		setLimit(c, resourceGPU, *resource.NewQuantity(int64(count), resource.DecimalSI))
	})
	if count < 1 {
		s.err = errors.New("it must be at least 1: use WithoutGPU for none")
	}
	return onContainer(s)
}

// WithoutGPU takes the GPUs away from the container; when no container has one
// any more, the type of GPU goes too. Whether GPUs are redundant stays, as with
// gcloud. Flag: --gpu=0. Fields: containers[].resources.limits."nvidia.com/gpu"
// and nodeSelector."run.googleapis.com/accelerator".
func WithoutGPU() ContainerOption {
	return onContainer(setting{
		option: "WithoutGPU()", phase: edits.PhaseRemove, claims: edits.Decides("the number of GPUs", "0"),
		container: func(s *servingv1.Service, c *corev1.Container) error {
			delete(c.Resources.Limits, resourceGPU)
			if !hasGPU(s) {
				delete(s.Spec.Template.Spec.NodeSelector, nodeSelectorAccelerator)
			}
			return nil
		},
	})
}

// WithGPUType sets the type of GPU, such as "nvidia-l4". Flag: --gpu-type.
// Field: the template's nodeSelector."run.googleapis.com/accelerator".
func WithGPUType(gpuType string) ServiceOption {
	s := editTemplate(edits.Spell("WithGPUType", gpuType), "the type of GPU", gpuType, func(spec *servingv1.RevisionSpec) {
		if spec.NodeSelector == nil {
			spec.NodeSelector = map[string]string{}
		}
		spec.NodeSelector[nodeSelectorAccelerator] = gpuType
	})
	if gpuType == "" {
		s.err = errors.New("the type is empty: use WithoutGPU for no GPU")
	}
	return onService(s)
}

// WithGPUZonalRedundancy says whether GPUs are reserved in a second zone too.
// Redundancy is Cloud Run's default; without it, quota is easier to get.
// Flag: --[no-]gpu-zonal-redundancy. Field: the template annotation
// run.googleapis.com/gpu-zonal-redundancy-disabled, which says the opposite.
func WithGPUZonalRedundancy(on bool) ServiceOption {
	return onService(annotateTemplate(edits.Spell("WithGPUZonalRedundancy", on), annotationGPURedundancyOff, boolean(!on), nil))
}

// WithCPUThrottling says whether the CPU is only given while requests are
// served, which is the default, or always. Flag: --[no-]cpu-throttling.
// Field: the template annotation run.googleapis.com/cpu-throttling.
func WithCPUThrottling(on bool) ServiceOption {
	return onService(annotateTemplate(edits.Spell("WithCPUThrottling", on), annotationCPUThrottling, boolean(on), nil))
}

// WithCPUBoost says whether containers get more CPU while they start. A new
// Service has it unless told otherwise, as with gcloud; an update leaves it
// alone. Flag: --[no-]cpu-boost. Field: the template annotation
// run.googleapis.com/startup-cpu-boost.
func WithCPUBoost(on bool) ServiceOption {
	return onService(annotateTemplate(edits.Spell("WithCPUBoost", on), annotationCPUBoost, boolean(on), nil))
}

// WithExecutionEnvironment sets the sandbox that containers run in: "gen1" or
// "gen2". Without it Cloud Run chooses. Flag: --execution-environment.
// Field: the template annotation run.googleapis.com/execution-environment.
func WithExecutionEnvironment(environment string) ServiceOption {
	err := oneOf(environment, "gen1", "gen2")
	return onService(annotateTemplate(edits.Spell("WithExecutionEnvironment", environment), annotationExecutionEnv, environment, err))
}

func withLimit(option, thing string, name corev1.ResourceName, amount string) ContainerOption {
	q, err := parseQuantity(amount)
	s := editContainer(edits.Spell(option, amount), thing, q.String(), func(c *corev1.Container) { setLimit(c, name, q) })
	s.err = err
	return onContainer(s)
}

func setLimit(c *corev1.Container, name corev1.ResourceName, q resource.Quantity) {
	if c.Resources.Limits == nil {
		c.Resources.Limits = corev1.ResourceList{}
	}
	c.Resources.Limits[name] = q
}

func hasGPU(s *servingv1.Service) bool {
	for _, c := range s.Spec.Template.Spec.Containers {
		if _, ok := c.Resources.Limits[resourceGPU]; ok {
			return true
		}
	}
	return false
}

// byteUnit finds the unit in amounts such as "512MB" and "2 GiB", which are not quantities.
var byteUnit = regexp.MustCompile(`^([0-9.]+) *([kKMGT])i?[bB]?$`)

func parseQuantity(s string) (resource.Quantity, error) {
	q, err := resource.ParseQuantity(s)
	if m := byteUnit.FindStringSubmatch(s); err != nil && m != nil {
		return q, fmt.Errorf("it is not a quantity: write %q", m[1]+m[2]+"i")
	}
	if err != nil {
		return q, errors.New(`it is not a quantity such as "2", "500m" or "1Gi"`)
	}
	if q.Sign() <= 0 {
		return q, errors.New("it must be more than zero")
	}
	return q, nil
}
