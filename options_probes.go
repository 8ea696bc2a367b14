package cloudrun

import (
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// Probe tells how Cloud Run finds out the state of a container. Fields that are
// zero have Cloud Run's defaults; durations are in whole seconds.
type Probe struct {
	// Check is what is looked at: an [HTTPCheck], a [TCPCheck] or a
	// [GRPCCheck]. The default is a TCPCheck of the container's port.
	Check ProbeCheck
	// InitialDelay is how long to wait after the container has been started,
	// up to 4m for a startup probe and 1h for others. The default is 0.
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

// ProbeCheck is what a [Probe] looks at: an [HTTPCheck], a [TCPCheck] or a [GRPCCheck].
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

// WithStartupProbe has a container count as started when the probe succeeds;
// until then it gets no requests, and it is shut down when the probe fails. The
// whole probe is replaced. Cloud Run's default is a TCP check that may take 4m.
// Flag: --startup-probe. Field: containers[].startupProbe.
func WithStartupProbe(p Probe) ContainerOption {
	return withProbe("WithStartupProbe", "the startup probe", p, 4*time.Minute, startupProbe)
}

// WithoutStartupProbe has Cloud Run use its default startup probe.
// Flag: --startup-probe=. Field: containers[].startupProbe, which is removed.
func WithoutStartupProbe() ContainerOption {
	return withoutProbe("WithoutStartupProbe()", "the startup probe", startupProbe)
}

// WithLivenessProbe has a container restarted when the probe fails. The whole
// probe is replaced; a TCP check is not possible. There is none by default.
// Flag: --liveness-probe. Field: containers[].livenessProbe.
func WithLivenessProbe(p Probe) ContainerOption {
	return withProbe("WithLivenessProbe", "the liveness probe", p, time.Hour, livenessProbe)
}

// WithoutLivenessProbe has a container never restarted because of its state.
// Flag: --liveness-probe=. Field: containers[].livenessProbe, which is removed.
func WithoutLivenessProbe() ContainerOption {
	return withoutProbe("WithoutLivenessProbe()", "the liveness probe", livenessProbe)
}

// WithReadinessProbe has an instance get no requests while the probe fails. The
// whole probe is replaced; a TCP check is not possible. There is none by default.
// Flag: --readiness-probe (alpha). Field: containers[].readinessProbe.
func WithReadinessProbe(p Probe) ContainerOption {
	return withProbe("WithReadinessProbe", "the readiness probe", p, time.Hour, readinessProbe)
}

// WithoutReadinessProbe has an instance get requests whatever its state.
// Flag: --readiness-probe= (alpha). Field: containers[].readinessProbe, which is removed.
func WithoutReadinessProbe() ContainerOption {
	return withoutProbe("WithoutReadinessProbe()", "the readiness probe", readinessProbe)
}

func startupProbe(c *corev1.Container) **corev1.Probe   { return &c.StartupProbe }
func livenessProbe(c *corev1.Container) **corev1.Probe  { return &c.LivenessProbe }
func readinessProbe(c *corev1.Container) **corev1.Probe { return &c.ReadinessProbe }

func withProbe(option, thing string, p Probe, longest time.Duration, field func(*corev1.Container) **corev1.Probe) ContainerOption {
	want := p.probe()
	s := setting{
		option: edits.Spell(option, p), phase: edits.PhaseSet, claims: edits.Decides(thing, want.String()),
		container: func(s *servingv1.Service, c *corev1.Container) error {
			if is := *field(c); is == nil || !sameProbe(is, want, c) {
				*field(c) = want.DeepCopy()
			}
			return nil
		},
	}
	s.err = p.check(longest, thing)
	return onContainer(s)
}

func withoutProbe(option, thing string, field func(*corev1.Container) **corev1.Probe) ContainerOption {
	return onContainer(editContainer(option, thing, noValue, func(c *corev1.Container) { *field(c) = nil }))
}

func (p Probe) probe() *corev1.Probe {
	is := &corev1.Probe{
		InitialDelaySeconds: int32(p.InitialDelay / time.Second),
		PeriodSeconds:       int32(p.Period / time.Second),
		TimeoutSeconds:      int32(p.Timeout / time.Second),
		FailureThreshold:    int32(p.FailureThreshold),
		SuccessThreshold:    int32(p.SuccessThreshold),
	}
	if p.Check != nil {
		is.ProbeHandler = p.Check.handler()
	}
	return is
}

// sameProbe reports whether a container has the wanted probe already, seeing
// that the server fills in what the wanted one leaves open.
func sameProbe(is, want *corev1.Probe, c *corev1.Container) bool {
	port := int32(defaultPort)
	if len(c.Ports) > 0 {
		port = portOr(c.Ports[0].ContainerPort, defaultPort)
	}
	return fillProbe(is, port).String() == fillProbe(want, port).String()
}

// fillProbe is a probe with Cloud Run's defaults.
func fillProbe(p *corev1.Probe, port int32) *corev1.Probe {
	p = p.DeepCopy()
	p.PeriodSeconds = portOr(p.PeriodSeconds, 10)
	p.TimeoutSeconds = portOr(p.TimeoutSeconds, 1)
	p.FailureThreshold = portOr(p.FailureThreshold, 3)
	p.SuccessThreshold = portOr(p.SuccessThreshold, 1)
	switch {
	case p.HTTPGet != nil:
		if p.HTTPGet.Path == "" {
			p.HTTPGet.Path = "/"
		}
		if p.HTTPGet.Scheme == "" {
			p.HTTPGet.Scheme = corev1.URISchemeHTTP
		}
		p.HTTPGet.Port = intstr.FromInt32(portOr(p.HTTPGet.Port.IntVal, port))
	case p.GRPC != nil:
		p.GRPC.Port = portOr(p.GRPC.Port, port)
		if p.GRPC.Service == nil {
			p.GRPC.Service = new(string)
		}
	default:
		if p.TCPSocket == nil {
			p.TCPSocket = &corev1.TCPSocketAction{}
		}
		p.TCPSocket.Port = intstr.FromInt32(portOr(p.TCPSocket.Port.IntVal, port))
	}
	return p
}

// check finds what is wrong with a probe. longest bounds the initial delay and the period.
func (p Probe) check(longest time.Duration, thing string) error {
	problems := []error{
		checkSeconds("the initial delay", p.InitialDelay, longest),
		checkSeconds("the period", p.Period, longest),
		checkSeconds("the timeout", p.Timeout, time.Hour),
	}
	if p.Period > 0 && p.Timeout > p.Period {
		problems = append(problems, errors.New("the timeout must not be longer than the period"))
	}
	if p.FailureThreshold < 0 || p.SuccessThreshold < 0 {
		problems = append(problems, errors.New("thresholds cannot be negative"))
	}
	if p.SuccessThreshold > 1 && !strings.Contains(thing, "readiness") {
		problems = append(problems, errors.New("only a readiness probe can have a success threshold other than 1"))
	}
	if p.Check == nil {
		return errors.Join(problems...)
	}
	h := p.Check.handler()
	if h.TCPSocket != nil && !strings.Contains(thing, "startup") {
		problems = append(problems, errors.New("only a startup probe can be a TCP check"))
	}
	return errors.Join(append(problems, checkHandler(h))...)
}

func checkHandler(h corev1.ProbeHandler) error {
	port := int32(0)
	switch {
	case h.HTTPGet != nil:
		port = h.HTTPGet.Port.IntVal
		if h.HTTPGet.Path != "" && !strings.HasPrefix(h.HTTPGet.Path, "/") {
			return errors.New("the path must begin with a slash")
		}
	case h.TCPSocket != nil:
		port = h.TCPSocket.Port.IntVal
	case h.GRPC != nil:
		port = h.GRPC.Port
	}
	if port < 0 || port > 65535 {
		return errors.New("a port is a number from 1 to 65535")
	}
	return nil
}

func checkSeconds(what string, d, longest time.Duration) error {
	if d < 0 || d > longest || d%time.Second != 0 {
		return fmt.Errorf("%s must be in whole seconds, at most %v", what, longest)
	}
	return nil
}
