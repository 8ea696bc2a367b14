package cloudruntest

import (
	"io"
	"net/http"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/data"
)

// Container describes a container to the factory passed to [Server.Handle].
type Container struct {
	Service       string
	Revision      string
	Configuration string
	Image         string
	Port          int
	// Env has the Revision's variables with a literal value, and PORT,
	// K_SERVICE, K_REVISION and K_CONFIGURATION.
	Env     map[string]string
	Command []string
	Args    []string
	// Stdout and Stderr write to the log of the Revision, an entry a line. A JSON
	// object becomes the payload of its entry. On a cluster nothing reads it.
	Stdout, Stderr io.Writer
}

// Handle registers a factory for the containers of an image. Each Revision gets
// one handler, created at its first request. An image without tag or digest
// matches all of them.
func (s *Server) Handle(image string, factory func(Container) http.Handler) {
	s.store.Lock()
	defer s.store.Unlock()
	s.control.Data.Handle(image, func(c data.Container) http.Handler { return factory(Container(c)) })
}
