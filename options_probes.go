package cloudrun

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

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
