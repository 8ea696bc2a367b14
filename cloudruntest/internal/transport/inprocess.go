package transport

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

type inProcess struct{ handler http.Handler }

// InProcess returns a transport that calls a handler without a network.
func InProcess(h http.Handler) http.RoundTripper { return &inProcess{handler: h} }

// RoundTrip runs the handler in its own goroutine. It returns when the handler
// does, or when it flushes a part of the response. The call ends with the caller's
// context, even if the handler keeps running.
func (t *inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		closeBody(req)
		return nil, err
	}
	ctx, cancel := context.WithCancel(req.Context())
	w := newMemoryWriter()
	go func() {
		defer w.finish()
		w.serve(t.handler, req.WithContext(ctx))
	}()
	select {
	case <-w.begun:
		return w.response(req, cancel)
	case <-ctx.Done():
		cancel()
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
	header http.Header
	begun  chan struct{} // closed when the response begins: at the first flush, or at its end

	mu      sync.Mutex
	sent    http.Header // a copy of header, made when the status was written
	code    int
	body    bytes.Buffer
	more    chan struct{} // has a value if the body grew, or the response ended
	flushed bool
	ended   bool
	aborted bool
	refused bool
	drip    time.Duration // before each byte of the body
}

func newMemoryWriter() *memoryWriter {
	return &memoryWriter{header: http.Header{}, begun: make(chan struct{}), more: make(chan struct{}, 1)}
}

// serve runs the handler. A panic breaks the connection, as in net/http's server.
func (w *memoryWriter) serve(h http.Handler, req *http.Request) {
	defer func() {
		if recover() != nil {
			w.mu.Lock()
			w.aborted = true
			w.mu.Unlock()
		}
	}()
	h.ServeHTTP(w, serverSide(req))
}

func (w *memoryWriter) Header() http.Header { return w.header }

func (w *memoryWriter) WriteHeader(code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(code)
}

func (w *memoryWriter) writeHeader(code int) {
	if w.code == 0 && code >= 200 {
		w.code, w.sent = code, w.header.Clone()
	}
}

func (w *memoryWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(http.StatusOK)
	w.notify()
	return w.body.Write(p)
}

func (w *memoryWriter) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(http.StatusOK)
	w.flushed = true
	w.begin()
}

// finish ends the response.
func (w *memoryWriter) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.notify()
	w.begin()
}

func (w *memoryWriter) begin() {
	select {
	case <-w.begun:
	default:
		close(w.begun)
	}
}

func (w *memoryWriter) notify() {
	select {
	case w.more <- struct{}{}:
	default:
	}
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

// response returns the response as a client sees it. Closing its body ends the
// handler's context.
func (w *memoryWriter) response(req *http.Request, cancel context.CancelFunc) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused || w.aborted && !w.flushed {
		cancel()
		if w.refused {
			return nil, errRefused
		}
		return nil, errReset
	}
	w.writeHeader(http.StatusOK)
	if w.sent.Get("Content-Type") == "" {
		w.sent.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	length := int64(w.body.Len())
	if !w.ended || w.aborted {
		length = -1
		if n, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64); err == nil {
			length = n
		}
	}
	var body io.Reader = &memoryBody{req.Context(), w}
	if w.drip > 0 {
		body = &drops{ctx: req.Context(), body: body, pause: w.drip}
	}
	if req.Method == http.MethodHead {
		body = http.NoBody
	}
	return &http.Response{
		Status:     strconv.Itoa(w.code) + " " + http.StatusText(w.code),
		StatusCode: w.code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Request: req, ContentLength: length, Body: closing{body, cancel},
	}, nil
}

// memoryBody is the body of a response that may still grow.
type memoryBody struct {
	ctx context.Context
	w   *memoryWriter
}

func (b *memoryBody) Read(p []byte) (int, error) {
	for {
		n, err := b.w.read(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		select {
		case <-b.w.more:
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		}
	}
}

// read returns what there is of the body, without waiting.
func (w *memoryWriter) read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.body.Len() > 0:
		return w.body.Read(p)
	case w.ended && w.aborted:
		return 0, io.ErrUnexpectedEOF // the connection broke
	case w.ended:
		return 0, io.EOF
	}
	return 0, nil
}

// closing is a body whose Close calls a function.
type closing struct {
	io.Reader
	close func()
}

func (c closing) Close() error {
	c.close()
	return nil
}
