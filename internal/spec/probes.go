package spec

import (
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// Probe is a health check of a container. Fields that are zero have Cloud Run's
// defaults.
type Probe struct {
	Handler          corev1.ProbeHandler
	InitialDelay     time.Duration
	Period           time.Duration
	Timeout          time.Duration
	FailureThreshold int
	SuccessThreshold int
}

// ProbeKind is one of the three probes of a container.
type ProbeKind int

// The probes of a container.
const (
	Startup ProbeKind = iota
	Liveness
	Readiness
)

// thing is what a probe of the kind is as the thing of a claim.
func (k ProbeKind) thing() string {
	return []string{Startup: "the startup probe", Liveness: "the liveness probe", Readiness: "the readiness probe"}[k]
}

// longest bounds the initial delay and the period.
func (k ProbeKind) longest() time.Duration {
	if k == Startup {
		return 4 * time.Minute
	}
	return time.Hour
}

func (k ProbeKind) field(c *corev1.Container) **corev1.Probe {
	switch k {
	case Startup:
		return &c.StartupProbe
	case Liveness:
		return &c.LivenessProbe
	}
	return &c.ReadinessProbe
}

// WithProbe replaces a probe of a container, unless it is the same already. It
// runs when the port of the container is known: Knative wants it in the probe,
// while Cloud Run fills it in.
func WithProbe(option string, kind ProbeKind, p Probe) edits.Setting {
	want := p.probe()
	claims := edits.Decides(kind.thing(), want.String())
	return inContainer(option, edits.PhaseDerive, claims, p.check(kind), func(w *Workload, c *corev1.Container) error {
		is, want := *kind.field(c), want.DeepCopy()
		if w.Cluster {
			onPortOf(want, containerPort(c))
		}
		if is == nil || !sameProbe(is, want, c) || w.Cluster && probePort(is) == 0 {
			*kind.field(c) = want
		}
		return nil
	})
}

// containerPort returns the port of a container.
func containerPort(c *corev1.Container) int32 {
	if len(c.Ports) == 0 {
		return defaultPort
	}
	return numberOr(c.Ports[0].ContainerPort, defaultPort)
}

// probePort returns the port of a probe; 0 if it has none.
func probePort(p *corev1.Probe) int32 {
	switch {
	case p.HTTPGet != nil:
		return p.HTTPGet.Port.IntVal
	case p.TCPSocket != nil:
		return p.TCPSocket.Port.IntVal
	case p.GRPC != nil:
		return p.GRPC.Port
	}
	return 0
}

// onPortOf gives a probe without a port the given one. A probe without a check
// checks whether a connection can be made.
func onPortOf(p *corev1.Probe, port int32) {
	switch {
	case p.HTTPGet != nil:
		p.HTTPGet.Port = intstr.FromInt32(numberOr(p.HTTPGet.Port.IntVal, port))
	case p.GRPC != nil:
		p.GRPC.Port = numberOr(p.GRPC.Port, port)
	default:
		if p.TCPSocket == nil {
			p.TCPSocket = &corev1.TCPSocketAction{}
		}
		p.TCPSocket.Port = intstr.FromInt32(numberOr(p.TCPSocket.Port.IntVal, port))
	}
}

// WithoutProbe removes a probe of a container.
func WithoutProbe(option string, kind ProbeKind) edits.Setting {
	return editContainer(option, kind.thing(), noValue, nil, func(c *corev1.Container) { *kind.field(c) = nil })
}

func (p Probe) probe() *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:        p.Handler,
		InitialDelaySeconds: int32(p.InitialDelay / time.Second),
		PeriodSeconds:       int32(p.Period / time.Second),
		TimeoutSeconds:      int32(p.Timeout / time.Second),
		FailureThreshold:    int32(p.FailureThreshold),
		SuccessThreshold:    int32(p.SuccessThreshold),
	}
}

// sameProbe reports whether a container has the wanted probe already, apart
// from the server's defaults.
func sameProbe(is, want *corev1.Probe, c *corev1.Container) bool {
	port := containerPort(c)
	return fillProbe(is, port).String() == fillProbe(want, port).String()
}

// fillProbe returns a probe with Cloud Run's defaults.
func fillProbe(p *corev1.Probe, port int32) *corev1.Probe {
	p = p.DeepCopy()
	p.PeriodSeconds = numberOr(p.PeriodSeconds, 10)
	p.TimeoutSeconds = numberOr(p.TimeoutSeconds, 1)
	p.FailureThreshold = numberOr(p.FailureThreshold, 3)
	p.SuccessThreshold = numberOr(p.SuccessThreshold, 1)
	onPortOf(p, port)
	switch {
	case p.HTTPGet != nil:
		if p.HTTPGet.Path == "" {
			p.HTTPGet.Path = "/"
		}
		if p.HTTPGet.Scheme == "" {
			p.HTTPGet.Scheme = corev1.URISchemeHTTP
		}
	case p.GRPC != nil:
		if p.GRPC.Service == nil {
			p.GRPC.Service = new(string)
		}
	}
	return p
}

// check reports what is wrong with a probe.
func (p Probe) check(kind ProbeKind) error {
	problems := []error{
		checkSeconds("the initial delay", p.InitialDelay, kind.longest()),
		checkSeconds("the period", p.Period, kind.longest()),
		checkSeconds("the timeout", p.Timeout, time.Hour),
	}
	if p.Period > 0 && p.Timeout > p.Period {
		problems = append(problems, errors.New("the timeout must not be longer than the period"))
	}
	if p.FailureThreshold < 0 || p.SuccessThreshold < 0 {
		problems = append(problems, errors.New("thresholds cannot be negative"))
	}
	if p.SuccessThreshold > 1 && kind != Readiness {
		problems = append(problems, errors.New("only a readiness probe can have a success threshold other than 1"))
	}
	if p.Handler.HTTPGet == nil && p.Handler.GRPC == nil && kind != Startup {
		problems = append(problems, errors.New("only a startup probe can be a TCP check, which is the default: use an HTTPCheck or a GRPCCheck"))
	}
	return errors.Join(append(problems, checkHandler(p.Handler))...)
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
