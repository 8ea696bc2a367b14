package transport

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

type inProcess struct{ handler http.Handler }

// InProcess returns a transport that calls a handler without a network.
func InProcess(h http.Handler) http.RoundTripper { return &inProcess{handler: h} }

// RoundTrip runs the handler in its own goroutine. The call ends with the
// caller's context, even if the handler keeps running.
func (t *inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		closeBody(req)
		return nil, err
	}
	w := &memoryWriter{header: http.Header{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.serve(t.handler, req)
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

// serverSide returns a client's request as the server sees it.
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

// memoryWriter is the http.ResponseWriter of one in-process request.
type memoryWriter struct {
	header  http.Header
	sent    http.Header // a copy of header, made when the status was written
	code    int
	body    bytes.Buffer
	flushed bool
	aborted bool
	refused bool
	drip    time.Duration // before each byte of the body
}

// serve runs the handler. A panic breaks the connection, as in net/http's server.
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

// refuse makes the client see a connection that was refused.
func (w *memoryWriter) refuse() { w.refused = true }

// writeDrops writes a body that the client receives byte by byte.
func (w *memoryWriter) writeDrops(body []byte, pause time.Duration) {
	w.drip = pause
	_, _ = w.Write(body)
}

var (
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
)

// response returns the response as a client sees it.
func (w *memoryWriter) response(req *http.Request) (*http.Response, error) {
	if w.refused {
		return nil, errRefused
	}
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
	if w.drip > 0 {
		body = &drops{ctx: req.Context(), body: body, pause: w.drip}
	}
	if req.Method == http.MethodHead {
		body = http.NoBody
	}
	resp.Body = io.NopCloser(body)
	return resp, nil
}

// brokenReader is the end of a body after its connection broke.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
