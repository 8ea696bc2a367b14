package data

import (
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/logbook"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// Container describes a container to the factory of its image.
type Container struct {
	Service       string
	Revision      string
	Configuration string
	Image         string
	Port          int
	Env           map[string]string
	Command       []string
	Args          []string
	Stdout        io.Writer
	Stderr        io.Writer
}

// Factory makes the handler of a container.
type Factory func(Container) http.Handler

// instance is the running container of a Revision.
type instance struct {
	container Container
	factory   Factory
	start     sync.Once
	handler   http.Handler // nil if the container did not start
}

// ServeHTTP answers a request. The first one starts the container. The caller
// must not hold the store's lock, because the factory and the handler are the
// user's.
func (i *instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.start.Do(func() { i.handler = i.factory(i.container) })
	if i.handler == nil {
		errorPage(w, http.StatusServiceUnavailable, "503 Service Unavailable", "The container did not start.")
		return
	}
	i.handler.ServeHTTP(w, r)
}

// describe returns the ingress container of a Revision.
func describe(st *store.Store, sv *store.Service, rev *store.Revision) Container {
	spec := resources.IngressContainer(tree.At(rev.Doc, "spec"))
	c := Container{
		Service: sv.Key.Name, Revision: rev.Name, Configuration: sv.Key.Name, Image: tree.Text(spec, "image"), Port: 8080,
		Env: map[string]string{}, Command: tree.Texts(spec, "command"), Args: tree.Texts(spec, "args"),
		Stdout: &logWriter{st: st, source: sv.LogSource(rev), log: logbook.Stdout},
		Stderr: &logWriter{st: st, source: sv.LogSource(rev), log: logbook.Stderr},
	}
	for _, p := range tree.Objects(spec, "ports") {
		if n, _ := tree.Number(p["containerPort"]); n > 0 {
			c.Port = int(n)
		}
	}
	for _, e := range tree.Objects(spec, "env") {
		if _, reference := e["valueFrom"]; !reference {
			c.Env[tree.Text(e, "name")] = tree.Text(e, "value")
		}
	}
	c.Env["PORT"] = strconv.Itoa(c.Port)
	c.Env["K_SERVICE"], c.Env["K_REVISION"], c.Env["K_CONFIGURATION"] = c.Service, c.Revision, c.Configuration
	return c
}
