package telemetry

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// Transport returns a transport that reports each request, with the name and the
// resend count of its [rest.Attempt].
func (t *Telemetry) Transport(base http.RoundTripper) http.RoundTripper {
	return &transport{cmp.Or(base, http.DefaultTransport), t}
}

type transport struct {
	base http.RoundTripper
	t    *Telemetry
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (x *transport) CloseIdleConnections() {
	if base, ok := x.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// RoundTrip sends a request within a span, which ends when the body of the response is closed.
func (x *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	ctx, span := x.t.start(req)
	if span.SpanContext().IsValid() {
		req = req.Clone(ctx)
		otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(req.Header))
	}
	resp, err := x.base.RoundTrip(req)
	var answer []attribute.KeyValue
	if x.t.requests.Enabled(ctx) || span.IsRecording() {
		answer = received(req.Context(), resp, err)
		x.measure(ctx, req, time.Since(began), answer)
	}
	if !span.IsRecording() {
		return resp, err
	}
	span.SetAttributes(answer...)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		if !given(ctx, err) {
			span.SetStatus(codes.Error, "")
		}
	}
	if err != nil {
		span.End()
		return resp, err
	}
	resp.Body = &body{resp.Body, span}
	return resp, nil
}

// start starts the span of a request. Where no span is under way, its attributes are
// added later: most often nobody listens then, and they would be made for nothing.
func (t *Telemetry) start(req *http.Request) (context.Context, trace.Span) {
	ctx, attempt := req.Context(), rest.AttemptOf(req.Context())
	name := cmp.Or(attempt.Op, req.Method)
	if trace.SpanContextFromContext(ctx).IsValid() {
		return t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(sent(req, attempt)...))
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient))
	if span.IsRecording() {
		span.SetAttributes(sent(req, attempt)...)
	}
	return ctx, span
}

// sent returns the attributes of a request. The query of its URL is left out,
// because a caller may have written it.
func sent(req *http.Request, attempt rest.Attempt) []attribute.KeyValue {
	shown := url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path, RawPath: req.URL.RawPath}
	all := append(server(req), semconv.URLFull(shown.String()))
	if attempt.Resends > 0 {
		all = append(all, semconv.HTTPRequestResendCount(attempt.Resends))
	}
	return all
}

// server returns the attributes of the method and the server of a request.
func server(req *http.Request) []attribute.KeyValue {
	port, err := strconv.Atoi(req.URL.Port())
	switch {
	case err == nil:
	case req.URL.Scheme == "https":
		port = 443
	default:
		port = 80
	}
	return []attribute.KeyValue{semconv.HTTPRequestMethodKey.String(req.Method), semconv.ServerAddress(req.URL.Hostname()), semconv.ServerPort(port)}
}

// received returns the attributes of a response.
func received(ctx context.Context, resp *http.Response, err error) []attribute.KeyValue {
	switch {
	case err != nil && context.Cause(ctx) != nil:
		return []attribute.KeyValue{semconv.ErrorType(context.Cause(ctx))}
	case err != nil:
		return []attribute.KeyValue{semconv.ErrorType(err)}
	case resp.StatusCode >= http.StatusBadRequest:
		return []attribute.KeyValue{semconv.HTTPResponseStatusCode(resp.StatusCode), semconv.ErrorTypeKey.String(strconv.Itoa(resp.StatusCode))}
	}
	return []attribute.KeyValue{semconv.HTTPResponseStatusCode(resp.StatusCode)}
}

// given reports whether the caller gave a request up, such as a long poll whose
// result is known from elsewhere. That is not an error.
func given(ctx context.Context, err error) bool {
	return err != nil && context.Cause(ctx) == context.Canceled //nolint:errorlint // other causes wrap it
}

// measure records the duration of a request.
func (x *transport) measure(ctx context.Context, req *http.Request, took time.Duration, answer []attribute.KeyValue) {
	all := attribute.NewSet(append(server(req), answer...)...)
	x.t.requests.RecordSet(ctx, took.Seconds(), all)
}

// body ends the span of a request when it is closed.
type body struct {
	io.ReadCloser
	span trace.Span
}

// Close closes the body and ends the span.
func (b *body) Close() error {
	defer b.span.End()
	return b.ReadCloser.Close()
}
