package cloudruntest

import (
	"fmt"
	"html"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"
)

// Container is what the factory of [Server.Handle] gets to know.
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
}

// Handle makes the factory's handlers the containers of an image: one for each
// Revision, made at its first request. The image may be given without tag or
// digest; then it is the one for all of them.
func (s *Server) Handle(image string, factory func(Container) http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.images[image] = factory
}

func builtinImages() map[string]func(Container) http.Handler {
	return map[string]func(Container) http.Handler{
		"gcr.io/cloudrun/hello":                      hello,
		"us-docker.pkg.dev/cloudrun/container/hello": hello,
	}
}

func hello(c Container) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html>\n<title>Congratulations</title>\n<h1>It's running!</h1>\n<p>Service %s, revision %s.\n",
			html.EscapeString(c.Service), html.EscapeString(c.Revision))
	})
}

// factory finds the handler factory of an image.
func (s *Server) factory(image string) func(Container) http.Handler {
	bare, _, _ := strings.Cut(image, "@")
	untagged := bare
	if i := strings.LastIndex(bare, ":"); i > strings.LastIndex(bare, "/") {
		untagged = bare[:i]
	}
	for _, name := range []string{image, bare, untagged} {
		if f, ok := s.images[name]; ok {
			return f
		}
	}
	return plainContainer
}

func plainContainer(c Container) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "%s (%s) is running %s.\n", c.Service, c.Revision, c.Image)
	})
}

// withDigest is an image by its digest. What has none gets one made of its name.
func withDigest(image string) string {
	if strings.Contains(image, "@") {
		return image
	}
	name := image
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		name = image[:i]
	}
	return name + "@sha256:" + digest(image)
}

// dataHost tells whether a request is for a Service, and the Service's host name with the tag.
func (s *Server) dataHost(r *http.Request) (string, bool) {
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		s.mu.Lock()
		host, found := s.doors.host(addr.String())
		s.mu.Unlock()
		if found {
			return host, true
		}
	}
	host := hostname(r)
	if strings.HasSuffix(host, ".run.app") {
		return host, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _, ok := s.hosted(host)
	return host, ok
}

// hosted finds the Service and the tag that a host name stands for.
func (s *Server) hosted(host string) (*service, string, bool) {
	separator := "---"
	if s.conf.cluster {
		separator = "-"
	}
	if key, ok := s.hosts[host]; ok {
		sv := s.services[key]
		return sv, "", sv != nil
	}
	for i := range host {
		tag, rest := host[:i], host[i:]
		if rest, ok := strings.CutPrefix(rest, separator); ok && tag != "" {
			if sv := s.services[s.hosts[rest]]; sv != nil {
				return sv, tag, true
			}
		}
	}
	return nil, "", false
}

// serveData answers a request for a Service as Cloud Run's front end does.
func (s *Server) serveData(w http.ResponseWriter, r *http.Request, host string) {
	handler, code := s.admitData(r, host)
	switch code {
	case http.StatusNotFound:
		page(w, code, "Page not found", "The requested URL was not found on this server.")
	case http.StatusForbidden:
		page(w, code, "403 Forbidden", "Your client does not have permission to get URL <code>"+escapeHTML(r.URL.Path)+"</code> from this server.")
	default:
		handler.ServeHTTP(w, r)
	}
}

func page(w http.ResponseWriter, code int, title, message string) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(code)
	fmt.Fprintf(w, `
<html><head>
<meta http-equiv="content-type" content="text/html;charset=utf-8">
<title>%s</title>
</head>
<body text=#000000 bgcolor=#ffffff>
<h1>Error: %s</h1>
<h2>%s</h2>
<h2></h2>
</body></html>
`, title, strings.TrimPrefix(title, "403 "), message)
}

// admitData finds the container for a request, or the status that refuses it.
func (s *Server) admitData(r *http.Request, host string) (http.Handler, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sv, tag, ok := s.hosted(host)
	now := time.Now()
	switch {
	case !ok || sv.gone(now), strings.EqualFold(sv.annotation(noURLAnnotation), "true"):
		return nil, http.StatusNotFound
	case !s.conf.cluster && or(sv.annotation(ingressAnnotation), "all") != "all":
		return nil, http.StatusNotFound // from the Internet, that is
	}
	rev := s.pick(sv, tag, now)
	switch {
	case rev == nil:
		return nil, http.StatusNotFound
	case !s.conf.cluster && !sv.public() && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "):
		return nil, http.StatusForbidden
	}
	return s.container(sv, rev), http.StatusOK
}

// pick chooses the revision that a request goes to.
func (s *Server) pick(sv *service, tag string, now time.Time) *revision {
	traffic := targets(sv.view(sv.rollout.index(now), now).traffic)
	if tag != "" {
		for _, t := range traffic {
			if text(t, "tag") == tag {
				return sv.revision(text(t, "revisionName"))
			}
		}
		return nil
	}
	weights := map[string]int{}
	for _, t := range traffic {
		percent, _ := number(t["percent"])
		weights[text(t, "revisionName")] += int(percent)
	}
	return sv.revision(sv.balancer.next(weights))
}

// balancer spreads requests evenly: each hundred in a row is split exactly as
// the percentages say.
type balancer struct {
	weights map[string]int
	credit  map[string]int
}

func (b *balancer) next(weights map[string]int) string {
	if !maps.Equal(weights, b.weights) {
		b.weights, b.credit = weights, map[string]int{}
	}
	total, best := 0, ""
	for name, w := range weights {
		total += w
		b.credit[name] += w
		if w > 0 && (best == "" || b.credit[name] > b.credit[best] || b.credit[name] == b.credit[best] && name < best) {
			best = name
		}
	}
	if best != "" {
		b.credit[best] -= total
	}
	return best
}

// container is the running container of a revision. The factory is the user's:
// it runs at the first request, without the lock.
func (s *Server) container(sv *service, rev *revision) http.Handler {
	c := describe(sv, rev)
	factory := s.factory(c.Image)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rev.start.Do(func() { rev.handler = factory(c) })
		if rev.handler == nil {
			page(w, http.StatusServiceUnavailable, "503 Service Unavailable", "The container did not start.")
			return
		}
		rev.handler.ServeHTTP(w, r)
	})
}

func describe(sv *service, rev *revision) Container {
	spec := ingressContainer(at(rev.doc, "spec"))
	c := Container{
		Service: sv.key.name, Revision: rev.name, Configuration: sv.key.name, Image: text(spec, "image"), Port: 8080,
		Env: map[string]string{}, Command: texts(spec, "command"), Args: texts(spec, "args"),
	}
	for _, p := range objects(spec, "ports") {
		if n, _ := number(p["containerPort"]); n > 0 {
			c.Port = int(n)
		}
	}
	for _, e := range objects(spec, "env") {
		if _, reference := e["valueFrom"]; !reference {
			c.Env[text(e, "name")] = text(e, "value")
		}
	}
	c.Env["PORT"] = itoa(c.Port)
	c.Env["K_SERVICE"], c.Env["K_REVISION"], c.Env["K_CONFIGURATION"] = c.Service, c.Revision, c.Configuration
	return c
}

func texts(o object, key string) []string {
	var list []string
	for _, e := range items(o, key) {
		if e, ok := e.(string); ok {
			list = append(list, e)
		}
	}
	return list
}
