package cloudruntest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody bounds what is read of a request.
const maxBody = 16 << 20

// call is one request of the API.
type call struct {
	r      *http.Request
	ctx    context.Context
	path   []string // unescaped segments
	query  url.Values
	body   []byte
	host   string // without port
	region string // told by the host, or empty
	global bool   // the host is that of all regions
	stale  bool   // reads see what was before the last write
	now    time.Time
}

// ServeHTTP answers for the API, and for the Services by their host names. It
// also serves as the proxy that gcloud is told to use.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		breakConnection(w)
		return
	}
	defer s.active.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	r = r.WithContext(ctx)
	if r.Method == http.MethodConnect {
		http.Error(w, "cloudruntest proxies plain http only", http.StatusBadGateway)
		return
	}
	if host, ok := s.dataHost(r); ok {
		s.serveData(w, r, host)
		return
	}
	s.serveAPI(w, r)
}

// serveAPI answers a request of the API, with the faults that are asked for.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the client has gone
	}
	c := newCall(r, body)
	f := s.nextFault(r, body)
	a, ok := s.answerWith(c, f)
	s.record(c, a, ok)
	if !ok {
		breakConnection(w)
		return
	}
	a.send(w, f.truncate())
}

func newCall(r *http.Request, body []byte) *call {
	c := &call{r: r, ctx: r.Context(), body: body, query: r.URL.Query(), host: hostname(r), now: time.Now()}
	c.region, c.global = regionOf(c.host)
	for _, p := range strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/") {
		if u, err := url.PathUnescape(p); err == nil {
			p = u
		}
		c.path = append(c.path, p)
	}
	return c
}

// hostname is the host that a request asks for, without a port.
func hostname(r *http.Request) string {
	host := r.Host
	if r.URL.Host != "" {
		host = r.URL.Host // a proxy's request has the whole URL
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(host)
}

// regionOf reads the region from a host such as us-central1-run.googleapis.com.
func regionOf(host string) (region string, global bool) {
	first, rest, _ := strings.Cut(host, ".")
	region, isRun := strings.CutSuffix(first, "-run")
	if !isRun || rest == "" {
		return "", first == "run" && rest != ""
	}
	return region, false
}

func (a answer) send(w http.ResponseWriter, truncate int) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if truncate > 0 && truncate < len(a.body) {
		w.Header().Set("Content-Length", itoa(len(a.body)))
		w.WriteHeader(a.code)
		_, _ = w.Write(a.body[:truncate])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Length", itoa(len(a.body)))
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body)
}

// handle finds out what is asked for and does it.
func (s *Server) handle(c *call) answer {
	if a, limited := s.limited(c); limited {
		return a
	}
	if !s.conf.cluster && c.isWait() {
		return s.waitOperation(c) // the only call that takes time: it must not hold the lock
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.dispatch(c)
	if err != nil {
		return err.answer(s.conf.cluster)
	}
	return a
}

// isWait reports whether the call is projects/P/locations/L/operations/ID:wait.
func (c *call) isWait() bool {
	p := c.path
	return c.r.Method == http.MethodPost && len(p) == 7 && p[1] == "projects" && p[5] == "operations" && strings.HasSuffix(p[6], ":wait")
}

// dispatch routes by path. The caller holds the lock.
func (s *Server) dispatch(c *call) (answer, *apiError) {
	switch p := c.path; {
	case !s.knownHost(c):
		return s.nowhere(c), nil
	case len(p) >= 6 && len(p) <= 7 && p[0] == "apis" && p[1] == "serving.knative.dev" && p[2] == "v1" && p[3] == "namespaces":
		return s.namespaced(c)
	case s.conf.cluster || len(p) < 3 || p[0] != "v1" || p[1] != "projects":
		return s.nowhere(c), nil
	case len(p) == 3:
		return s.getProject(c)
	case len(p) == 5 && p[3] == "services":
		return s.getAPI(c)
	case p[3] == "locations":
		return s.located(c)
	}
	return s.nowhere(c), nil
}

// knownHost reports whether there is an API at the host.
func (s *Server) knownHost(c *call) bool {
	return s.conf.cluster || c.region == "" || s.hasRegion(c.region)
}

// nowhere is the answer where no API is.
func (s *Server) nowhere(c *call) answer {
	if s.conf.cluster {
		return answerText(http.StatusNotFound, "text/plain; charset=utf-8", "404 page not found\n")
	}
	return notFoundPage(c.r.URL.Path)
}

// target is what a request is about.
type target struct {
	project *project
	region  string // empty: any
	kind    string
	name    string
}

// namespaced answers /apis/serving.knative.dev/v1/namespaces/NS/KIND[/NAME].
func (s *Server) namespaced(c *call) (answer, *apiError) {
	if c.global && !s.conf.cluster {
		return s.nowhere(c), nil // the Knative API has regional hosts only
	}
	p, err := s.project(c.path[4])
	if err != nil {
		return answer{}, err
	}
	t := target{project: p, region: c.region, kind: c.path[5]}
	if len(c.path) == 7 {
		t.name = c.path[6]
	}
	return s.resource(c, t)
}

// located answers /v1/projects/P/locations[/L[/KIND[/NAME[:VERB]]]].
func (s *Server) located(c *call) (answer, *apiError) {
	p, err := s.project(c.path[2])
	if err != nil {
		return answer{}, err
	}
	if len(c.path) == 4 {
		return s.listLocations(c, p)
	}
	region := c.path[4]
	switch {
	case len(c.path) < 6 || len(c.path) > 7:
		return s.nowhere(c), nil
	case region == "-":
		region = ""
	case !s.hasRegion(region) || c.region != "" && c.region != region:
		return answer{}, notFound("Location " + region + " is not found or access is unauthorized.")
	}
	t := target{project: p, region: region, kind: c.path[5]}
	if len(c.path) == 7 {
		t.name = c.path[6]
	}
	if t.kind == "operations" {
		return s.getOperation(c, t)
	}
	if name, verb, ok := strings.Cut(t.name, ":"); ok {
		t.name = name
		return s.iam(c, t, verb)
	}
	return s.resource(c, t)
}

// resource answers for the kinds of the Knative API.
func (s *Server) resource(c *call, t target) (answer, *apiError) {
	type method struct {
		verb  string
		named bool
	}
	read := map[method]func(*call, target) (answer, *apiError){}
	switch t.kind {
	case "services":
		read[method{"GET", true}] = s.getService
		read[method{"GET", false}] = s.listServices
		read[method{"POST", false}] = s.createService
		read[method{"PUT", true}] = s.replaceService
		read[method{"DELETE", true}] = s.deleteService
	case "revisions":
		read[method{"GET", true}] = s.getRevision
		read[method{"GET", false}] = s.listRevisions
		read[method{"DELETE", true}] = s.deleteRevision
	case "configurations", "routes":
		read[method{"GET", true}] = s.getPart
		read[method{"GET", false}] = s.listParts
	}
	if do, ok := read[method{c.r.Method, t.name != ""}]; ok {
		return do(c, t)
	}
	if s.conf.cluster && len(read) > 0 {
		return answer{}, &apiError{code: 405, reason: "MethodNotAllowed", message: "the server does not allow this method on the requested resource"}
	}
	return s.nowhere(c), nil
}
