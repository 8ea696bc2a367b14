package spec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/quantity"
)

const (
	resourceGPU             = corev1.ResourceName("nvidia.com/gpu")
	nodeSelectorAccelerator = "run.googleapis.com/accelerator"
	thingGPUs               = "the number of GPUs"
)

// CPU sets the CPU limit of a container.
func CPU(option, cpu string) edits.Setting {
	return limit(option, "the CPU limit", corev1.ResourceCPU, cpu)
}

// Memory sets the memory limit of a container.
func Memory(option, memory string) edits.Setting {
	return limit(option, "the memory limit", corev1.ResourceMemory, memory)
}

func limit(option, thing string, name corev1.ResourceName, amount string) edits.Setting {
	q, err := ParseQuantity(amount)
	return editContainer(option, thing, q.String(), err, func(c *corev1.Container) { setLimit(c, name, q) })
}

// GPU sets the number of GPUs of a container.
func GPU(option string, count int) edits.Setting {
	var err error
	if count < 1 {
		err = errors.New("must be at least 1: use WithoutGPU for none")
	}
	return editContainer(option, thingGPUs, strconv.Itoa(count), err, func(c *corev1.Container) {
		setLimit(c, resourceGPU, *resource.NewQuantity(int64(count), resource.DecimalSI))
	})
}

// WithoutGPU removes the GPUs of a container, and the type of GPU when no
// container has one.
func WithoutGPU(option string) edits.Setting {
	return inContainer(option, edits.PhaseRemove, edits.Decides(thingGPUs, "0"), nil, func(w *Workload, c *corev1.Container) error {
		delete(c.Resources.Limits, resourceGPU)
		if !hasGPU(w.Pod) {
			delete(w.Pod.NodeSelector, nodeSelectorAccelerator)
		}
		return nil
	})
}

// GPUType sets the type of GPU.
func GPUType(option, gpuType string) edits.Setting {
	var err error
	if gpuType == "" {
		err = errors.New("the type is empty: use WithoutGPU for no GPU")
	}
	return editPod(option, "the type of GPU", gpuType, err, func(pod *corev1.PodSpec) {
		if pod.NodeSelector == nil {
			pod.NodeSelector = map[string]string{}
		}
		pod.NodeSelector[nodeSelectorAccelerator] = gpuType
	})
}

// ServiceAccount sets the service account.
func ServiceAccount(option, account string) edits.Setting {
	return editPod(option, "the service account", account, edits.NotEmpty("service account", account), func(pod *corev1.PodSpec) {
		pod.ServiceAccountName = account
	})
}

func setLimit(c *corev1.Container, name corev1.ResourceName, q resource.Quantity) {
	if c.Resources.Limits == nil {
		c.Resources.Limits = corev1.ResourceList{}
	}
	c.Resources.Limits[name] = q
}

func hasGPU(pod *corev1.PodSpec) bool {
	for _, c := range pod.Containers {
		if _, ok := c.Resources.Limits[resourceGPU]; ok {
			return true
		}
	}
	return false
}

// ParseQuantity parses an amount of a resource, which must be more than zero.
func ParseQuantity(s string) (resource.Quantity, error) {
	if quantity.Check(s) != nil {
		return resource.Quantity{}, errors.New("too long for a quantity; use a value such as 2, 500m or 1Gi")
	}
	q, err := resource.ParseQuantity(s)
	if meant := quantityFor(s); err != nil && meant != "" {
		return q, fmt.Errorf("not a quantity: write %q", meant)
	}
	if err != nil {
		return q, errors.New("not a quantity; use a value such as 2, 500m or 1Gi")
	}
	if q.Sign() <= 0 {
		return q, errors.New("must be more than zero")
	}
	return q, nil
}

// quantityFor returns the quantity for an amount such as "512MB" or "2 GiB",
// which is not one; empty for any other text.
func quantityFor(s string) string {
	unit := strings.TrimLeft(s, "0123456789.")
	number := s[:len(s)-len(unit)]
	unit = strings.TrimLeft(unit, " ")
	if number == "" || unit == "" || !strings.Contains("kKMGT", unit[:1]) {
		return ""
	}
	switch unit[1:] {
	case "", "i", "b", "B", "ib", "iB":
		return number + strings.ToUpper(unit[:1]) + "i"
	}
	return ""
}
