package cloudrun

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

const (
	defaultPort = 8080
	portHTTP2   = "h2c"
)

// WithPort sets the port on which the container gets requests, 1 to 65535.
// Cloud Run's default is 8080. A TCP startup probe on the old port moves along.
// Flag: --port. Field: containers[].ports[0].containerPort.
func WithPort(port int) ContainerOption {
	s := onPort(edits.Spell("WithPort", port), "the port", fmt.Sprint(port), func(p *corev1.ContainerPort) { p.ContainerPort = int32(port) })
	s.port = true
	if port < 1 || port > 65535 {
		s.err = fmt.Errorf("a port is a number from 1 to 65535")
	}
	return onContainer(s)
}

// WithDefaultPort has the container get requests on Cloud Run's default port,
// 8080. Flag: --port=default. Field: containers[].ports[0].containerPort, which
// is removed unless the port has a name.
func WithDefaultPort() ContainerOption {
	return onContainer(onPort("WithDefaultPort()", "the port", "default", func(p *corev1.ContainerPort) { p.ContainerPort = 0 }))
}

// WithHTTP2 has requests come to the container as HTTP/2 without encryption
// ("h2c") from end to end, as gRPC streaming needs. The port becomes 8080 if
// there was none. Flag: --use-http2. Field: containers[].ports[0].name.
func WithHTTP2() ContainerOption {
	s := onPort("WithHTTP2()", "the use of HTTP/2", "yes", func(p *corev1.ContainerPort) { p.Name = portHTTP2 })
	s.port = true
	return onContainer(s)
}

// WithoutHTTP2 has requests come to the container as HTTP/1, which is the
// default. The port stays. Flag: --no-use-http2. Field: containers[].ports[0].name.
func WithoutHTTP2() ContainerOption {
	return onContainer(onPort("WithoutHTTP2()", "the use of HTTP/2", "no", func(p *corev1.ContainerPort) {
		if p.Name == portHTTP2 {
			p.Name = ""
		}
	}))
}

// onPort is a setting of the container's one port.
func onPort(option, thing, value string, edit func(*corev1.ContainerPort)) setting {
	s := editContainer(option, thing, value, func(c *corev1.Container) {
		var port corev1.ContainerPort
		if len(c.Ports) > 0 {
			port = c.Ports[0]
		}
		old := portOr(port.ContainerPort, defaultPort)
		edit(&port)
		if port.Name != "" { // a name needs a number
			port.ContainerPort = portOr(port.ContainerPort, defaultPort)
		}
		c.Ports = nil
		if port.ContainerPort != 0 {
			c.Ports = []corev1.ContainerPort{port}
		}
		moveProbe(c.StartupProbe, old, port.ContainerPort)
	})
	s.phase = edits.PhaseAddElements
	return s
}

// moveProbe has a TCP probe of the old port follow the port; without a number the server fills it in.
func moveProbe(p *corev1.Probe, from, to int32) {
	if p != nil && p.TCPSocket != nil && p.TCPSocket.Port == intstr.FromInt32(from) {
		p.TCPSocket.Port = intstr.FromInt32(to)
	}
}

func portOr(port, other int32) int32 {
	if port == 0 {
		return other
	}
	return port
}
