package spec

import (
	"errors"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

const (
	defaultPort = 8080
	portHTTP2   = "h2c"
	thingPort   = "the port"
)

// Port sets the port of a container.
func Port(option string, port int) edits.Setting {
	var err error
	if port < 1 || port > 65535 {
		err = errors.New("a port is a number from 1 to 65535")
	}
	return onPort(option, thingPort, strconv.Itoa(port), err, true, func(p *corev1.ContainerPort) { p.ContainerPort = int32(port) })
}

// WithoutPort removes the port of a container, or its number if it has a name.
func WithoutPort(option string) edits.Setting {
	return onPort(option, thingPort, "default", nil, false, func(p *corev1.ContainerPort) { p.ContainerPort = 0 })
}

// HTTP2 sets whether a container is called by HTTP/2.
func HTTP2(option string, on bool) edits.Setting {
	return onPort(option, "the use of HTTP/2", strconv.FormatBool(on), nil, on, func(p *corev1.ContainerPort) {
		switch {
		case on:
			p.Name = portHTTP2
		case p.Name == portHTTP2:
			p.Name = ""
		}
	})
}

// onPort is a setting of the one port of a container. gives reports whether the
// container has a port afterwards.
func onPort(option, thing, value string, err error, gives bool, edit func(*corev1.ContainerPort)) edits.Setting {
	return edits.Setting{
		Option: option, Phase: edits.PhaseAddElements, Err: err, Claims: edits.Decides(thing, value),
		Do: ContainerEdit{Port: gives, Edit: func(_ *Workload, c *corev1.Container) error {
			editPort(c, edit)
			return nil
		}},
	}
}

// PortFailed reports whether an option in error was to set the port of one of the containers.
func PortFailed(options *edits.Set, containers []corev1.Container) bool {
	return options.Failed(thingPort, "") || slices.ContainsFunc(containers, func(c corev1.Container) bool {
		return options.Failed(thingPort, containerScope(c.Name))
	})
}

func editPort(c *corev1.Container, edit func(*corev1.ContainerPort)) {
	var port corev1.ContainerPort
	if len(c.Ports) > 0 {
		port = c.Ports[0]
	}
	old := numberOr(port.ContainerPort, defaultPort)
	edit(&port)
	if port.Name != "" { // a name needs a number
		port.ContainerPort = numberOr(port.ContainerPort, defaultPort)
	}
	c.Ports = nil
	if port.ContainerPort != 0 {
		c.Ports = []corev1.ContainerPort{port}
	}
	moveProbe(c.StartupProbe, old, port.ContainerPort)
}

// moveProbe moves a TCP probe of the old port to the new one. The server fills in a missing number.
func moveProbe(p *corev1.Probe, from, to int32) {
	if p != nil && p.TCPSocket != nil && p.TCPSocket.Port == intstr.FromInt32(from) {
		p.TCPSocket.Port = intstr.FromInt32(to)
	}
}

// numberOr returns a number, or the other one if that is not set.
func numberOr(number, other int32) int32 {
	if number == 0 {
		return other
	}
	return number
}
