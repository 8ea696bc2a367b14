// Command server is a neutral control plane for benchmarks: it answers the calls
// of the v1 and v2 API of Cloud Run with as little work as possible, and shares
// no code with any of the clients. It prints its address and ends with its standard input.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("http://" + listener.Addr().String())
	go func() { log.Fatal(http.Serve(listener, newState().routes())) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func (s *state) routes() http.Handler {
	mux := http.NewServeMux()
	const v1, v2 = "/apis/serving.knative.dev/v1/namespaces/{project}/services", "/v2/projects/{project}/locations/{region}/services"
	mux.HandleFunc("GET "+v1, s.counted(s.listV1))
	mux.HandleFunc("POST "+v1, s.counted(s.writeV1))
	mux.HandleFunc("GET "+v1+"/{name}", s.counted(s.getV1))
	mux.HandleFunc("PUT "+v1+"/{name}", s.counted(s.writeV1))
	mux.HandleFunc("POST /v1/projects/{project}/locations/{region}/operations/{wait}", s.counted(s.waitV1))
	mux.HandleFunc("GET "+v2, s.counted(s.listV2))
	mux.HandleFunc("POST "+v2, s.counted(s.writeV2))
	mux.HandleFunc("GET "+v2+"/{name}", s.counted(s.getV2))
	mux.HandleFunc("PATCH "+v2+"/{name}", s.counted(s.writeV2))
	mux.HandleFunc("GET /v2/projects/{project}/locations/{region}/operations/{id}", s.counted(s.operationV2))
	mux.HandleFunc("GET /v1/projects/{project}/locations/{region}/services/{iam}", s.counted(s.getPolicy))
	mux.HandleFunc("POST /v1/projects/{project}/locations/{region}/services/{iam}", s.counted(s.setPolicy))
	mux.HandleFunc("GET /v1/projects/{project}/services/{api}", s.counted(func(w http.ResponseWriter, _ *http.Request) { send(w, []byte(`{"state":"ENABLED"}`)) }))
	mux.HandleFunc("/control", s.control)
	mux.HandleFunc("/", s.counted(func(w http.ResponseWriter, r *http.Request) { fail(w, http.StatusNotFound, "NOT_FOUND", r.URL.Path) }))
	return mux
}

// control sets what is asked for, answers with the counters, and starts them again.
func (s *state) control(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	if v := q.Get("ready"); v != "" {
		s.ready, _ = time.ParseDuration(v)
	}
	if v := q.Get("quota"); v != "" {
		s.quota, _ = strconv.Atoi(v)
	}
	if v := q.Get("services"); v != "" {
		n, _ := strconv.Atoi(v)
		s.fill(n)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"requests": s.requests, "refused": s.refused, "readyAt": s.readyAt})
	s.requests, s.refused = 0, 0
}

// counted counts the requests, and refuses those beyond the quota of a second.
func (s *state) counted(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests++
		refused := s.quota > 0 && r.Method != http.MethodGet && !s.allow(time.Now())
		if refused {
			s.refused++
		}
		s.mu.Unlock()
		if refused {
			fail(w, http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Write requests'")
			return
		}
		next(w, r)
	}
}

func fail(w http.ResponseWriter, code int, status, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "message": message, "status": status}})
}
