package cloudruntest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
)

// loopbackTransport sends requests for any host to the server, except those for
// a loopback address, which go where they say: a Service's URL is one.
type loopbackTransport struct {
	server string
	base   *http.Transport
}

func (t *loopbackTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if addr, err := netip.ParseAddr(req.URL.Hostname()); err == nil && addr.IsLoopback() {
		return t.base.RoundTrip(req)
	}
	r := req.Clone(req.Context())
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.URL.Scheme, r.URL.Host = "http", t.server
	resp, err := t.base.RoundTrip(r)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

func (t *loopbackTransport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// inProcessTransport hands requests to the server without a network.
type inProcessTransport struct{ s *Server }

// RoundTrip runs the handler in a goroutine of its own, so that the caller's
// context ends the call even if the handler is slow to notice.
func (t *inProcessTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		closeBody(req)
		return nil, err
	}
	w := &memoryWriter{header: http.Header{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.serve(t.s, req)
	}()
	select {
	case <-done:
		return w.response(req)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// serverSide turns the client's view of a request into the server's.
func serverSide(req *http.Request) *http.Request {
	r := req.Clone(req.Context())
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.RequestURI = req.URL.RequestURI()
	r.RemoteAddr = "127.0.0.1:0"
	r.Body = http.NoBody
	if req.Body != nil {
		body, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
	}
	r.URL.Scheme, r.URL.Host = "", ""
	return r
}

// memoryWriter is the http.ResponseWriter of one request in process.
type memoryWriter struct {
	header  http.Header
	sent    http.Header // the header as it was when the status was written
	code    int
	body    bytes.Buffer
	flushed bool
	aborted bool
}

// serve runs the handler; a panic breaks the connection, as net/http's server has it.
func (w *memoryWriter) serve(h http.Handler, req *http.Request) {
	defer func() {
		if recover() != nil {
			w.aborted = true
		}
	}()
	h.ServeHTTP(w, serverSide(req))
}

func (w *memoryWriter) Header() http.Header { return w.header }

func (w *memoryWriter) WriteHeader(code int) {
	if w.code == 0 && code >= 200 {
		w.code, w.sent = code, w.header.Clone()
	}
}

func (w *memoryWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *memoryWriter) Flush() {
	w.WriteHeader(http.StatusOK)
	w.flushed = true
}

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// response is what a client sees of what was written.
func (w *memoryWriter) response(req *http.Request) (*http.Response, error) {
	if w.aborted && !w.flushed {
		return nil, errReset
	}
	w.WriteHeader(http.StatusOK)
	if w.sent.Get("Content-Type") == "" {
		w.sent.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	resp := &http.Response{
		Status:     strconv.Itoa(w.code) + " " + http.StatusText(w.code),
		StatusCode: w.code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Request: req, ContentLength: int64(w.body.Len()),
	}
	var body io.Reader = bytes.NewReader(w.body.Bytes())
	if w.aborted {
		resp.ContentLength, _ = strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64)
		body = io.MultiReader(body, brokenReader{})
	}
	if req.Method == http.MethodHead {
		body = http.NoBody
	}
	resp.Body = io.NopCloser(body)
	return resp, nil
}

// brokenReader is the end of a connection that broke.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// breakConnection ends a request without an answer, as a network does.
func breakConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if errors.Is(err, http.ErrNotSupported) || conn == nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // so that the client sees a reset and not an orderly end
	}
	_ = conn.Close()
}
