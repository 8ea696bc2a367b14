package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/cloudrun-go/cloudrun/internal/logform"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/telemetry"
)

// formed is an error with a form for logs.
type formed struct {
	name  string
	attrs []slog.Attr
	wraps error
}

func (f *formed) Error() string { return "failed" }
func (f *formed) Unwrap() error { return f.wraps }
func (f *formed) LogValue() slog.Value {
	return logform.Error(f.name, f, append(f.attrs, logform.Wrapped(f.wraps))...)
}

// collected returns the points of all metrics but the durations of requests: name, value or sum, and attributes.
func collected(t *testing.T, reader sdkmetric.Reader) (all []string) {
	t.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &data))
	for _, scope := range data.ScopeMetrics {
		require.Equal(t, telemetry.Scope, scope.Scope.Name)
		for _, m := range scope.Metrics {
			switch points := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range points.DataPoints {
					all = append(all, fmt.Sprint(m.Name, " ", p.Value, " ", encode(p.Attributes)))
				}
			case metricdata.Histogram[float64]:
				for _, p := range points.DataPoints {
					all = append(all, fmt.Sprint(m.Name, " ", p.Sum, " ", encode(p.Attributes)))
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

func encode(set attribute.Set) string { return set.Encoded(attribute.DefaultEncoder()) }

func TestMetrics(t *testing.T) {
	t.Parallel()
	cluster, region := telemetry.Target{Project: "ns", Service: "hello"}, telemetry.Target{Project: "p", Region: "r", Service: "hello"}
	const place = "cloud.account.id=p,cloud.platform=gcp_cloud_run,cloud.provider=gcp,cloud.region=r"
	for name, tc := range map[string]struct {
		target telemetry.Target
		report func(*telemetry.Call)
		want   []string
	}{
		"success": {region, func(c *telemetry.Call) {
			c.Deployed(telemetry.Result{Action: "created", Ready: true, Duration: 1500 * time.Millisecond}, nil)
		}, []string{
			"cloudrun.deployment.duration 1.5 " + place + ",cloudrun.action=created",
			"cloudrun.deployments 1 " + place + ",cloudrun.action=created,deployment.status=succeeded",
		}},
		"without a wait": {cluster, func(c *telemetry.Call) { c.Deployed(telemetry.Result{Action: "updated"}, nil) },
			[]string{"cloudrun.deployments 1 cloudrun.action=updated,deployment.status=succeeded,k8s.namespace.name=ns"}},
		"failure": {telemetry.Target{}, func(c *telemetry.Call) {
			c.Deployed(telemetry.Result{Action: "created"}, &formed{name: "DeployError", attrs: []slog.Attr{slog.String("stage", "wait"), slog.String("outcome", "written")}, wraps: &formed{name: "NotReadyError"}})
		}, []string{"cloudrun.deployments 1 cloudrun.outcome=written,cloudrun.stage=wait,deployment.status=failed,error.type=NotReadyError"}},
		"a panic": {telemetry.Target{}, func(c *telemetry.Call) { c.Deployed(telemetry.Result{}, nil) },
			[]string{"cloudrun.deployments 1 deployment.status=failed,error.type=_OTHER"}},
		"retries": {cluster, func(c *telemetry.Call) {
			c.Retried("wait", errors.New("reset"))
			c.Retried("wait", &formed{name: "APIError", attrs: []slog.Attr{slog.Int("statusCode", 503)}})
		}, []string{
			"cloudrun.retries 1 cloudrun.stage=wait,error.type=503,k8s.namespace.name=ns",
			"cloudrun.retries 1 cloudrun.stage=wait,error.type=_OTHER,k8s.namespace.name=ns",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reader := sdkmetric.NewManualReader()
			_, c := telemetry.New(tracenoop.NewTracerProvider(), sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), "1").Begin(t.Context(), "deploy service", tc.target)
			require.True(t, c.Listening())
			tc.report(c)
			c.End(nil)
			require.Equal(t, tc.want, collected(t, reader))
		})
	}
}

func TestTypesOfErrors(t *testing.T) {
	t.Parallel()
	late := fmt.Errorf("no: %w", context.DeadlineExceeded)
	for want, err := range map[string]error{
		"_OTHER":                   errors.New("x"),
		"context.Canceled":         &formed{name: "DeployError", wraps: context.Canceled},
		"context.DeadlineExceeded": late,
		"TimeoutError":             &formed{name: "DeployError", wraps: errors.Join(errors.New("x"), &formed{name: "TimeoutError", wraps: late})},
		"RolloutError":             &formed{name: "DeployError", wraps: &formed{name: "RolloutError", wraps: errors.New("x")}},
		"CheckError":               &formed{name: "DeployError", wraps: &formed{name: "RolloutError", wraps: &formed{name: "CheckError"}}},
		"409":                      fmt.Errorf("x: %w", &formed{name: "DeployError", wraps: &formed{name: "APIError", attrs: []slog.Attr{slog.Int("statusCode", 409)}}}),
		"PermissionError":          &formed{name: "PermissionError", wraps: &formed{name: "APIError", attrs: []slog.Attr{slog.Int("statusCode", 403)}}},
	} {
		recorder, provider := newProvider()
		_, c := telemetry.New(provider, nil, "").Begin(t.Context(), "op", telemetry.Target{})
		c.End(err)
		require.Contains(t, recorder.Ended()[0].Attributes(), attribute.String("error.type", want))
		require.Equal(t, err.Error(), recorder.Ended()[0].Status().Description)
	}
}

func newProvider(opts ...sdktrace.TracerProviderOption) (*tracetest.SpanRecorder, trace.TracerProvider) {
	recorder := tracetest.NewSpanRecorder()
	return recorder, sdktrace.NewTracerProvider(append(opts, sdktrace.WithSpanProcessor(recorder))...)
}

// Where nobody listens, nothing is made, and the context of the caller's span is kept.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	_, unsampled := newProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	var none *telemetry.Telemetry
	for name, tel := range map[string]*telemetry.Telemetry{
		"nil": none, "no-op": telemetry.New(tracenoop.NewTracerProvider(), metricnoop.NewMeterProvider(), ""), "global": telemetry.New(nil, nil, ""),
		"not sampled": telemetry.New(unsampled, metric.MeterProvider(metricnoop.NewMeterProvider()), ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, c := tel.Begin(telemetry.WithStep(t.Context(), 5), "deploy service", telemetry.Target{Service: "hello"})
			require.False(t, c.Listening())
			require.Equal(t, []any{"deploy service", "hello", 5}, []any{c.Operation, c.Target.Service, c.Step})
			_, end := c.Stage(ctx, "wait")
			end(errors.New("x"))
			c.Event("wait", "poll", func() slog.Value { t.Error("made"); return slog.Value{} })
			c.Retried("wait", errors.New("x"))
			c.Deployed(telemetry.Result{}, nil)
			c.End(errors.New("x"))
			if name == "not sampled" {
				require.True(t, trace.SpanContextFromContext(ctx).IsValid(), "or its requests would be sampled on their own")
			}
		})
	}
}

// send sends a request through the transport of a Telemetry, and reads and closes its response.
func send(ctx context.Context, t *testing.T, tel *telemetry.Telemetry, base http.RoundTripper, url string) error {
	t.Helper()
	c := rest.Client{HTTP: &http.Client{Transport: tel.Transport(base)}}
	_, err := c.Send(ctx, rest.Request{Op: "get thing", Resource: "things/a", Method: http.MethodGet, URL: url})
	return err
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func answers(status int) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
	}
}

func TestSpansOfRequests(t *testing.T) {
	t.Parallel()
	fails := roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	hangs := roundTrip(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	for name, tc := range map[string]struct {
		base   http.RoundTripper
		url    string
		cancel bool
		want   []string
		status string
	}{
		"success": {answers(200), "https://a.example/things/a?token=secret", false, []string{"http.request.method=GET", "http.response.status_code=200",
			"server.address=a.example", "server.port=443", "url.full=https://a.example/things/a"}, "Unset"},
		"refusal": {answers(404), "http://user:secret@[::1]:8080/a%2Fb", false, []string{"error.type=404", "http.request.method=GET", "http.response.status_code=404",
			"server.address=::1", "server.port=8080", "url.full=http://[::1]:8080/a%2Fb"}, "Error"},
		"no response": {fails, "http://a/", false, []string{"error.type=*errors.errorString", "http.request.method=GET", "server.address=a", "server.port=80", "url.full=http://a/"}, "Error"},
		"given up":    {hangs, "http://a/", true, []string{"error.type=*errors.errorString", "http.request.method=GET", "server.address=a", "server.port=80", "url.full=http://a/"}, "Unset"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder, provider := newProvider()
			reader := sdkmetric.NewManualReader()
			tel := telemetry.New(provider, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), "")
			ctx, parent := t.Context(), trace.SpanFromContext(t.Context())
			if name != "success" {
				ctx, parent = provider.Tracer("t").Start(ctx, "parent")
			}
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			if tc.cancel {
				time.AfterFunc(time.Millisecond, cancel)
			}
			_ = send(ctx, t, tel, tc.base, tc.url)
			require.Len(t, recorder.Ended(), 1)
			span := recorder.Ended()[0]
			require.Equal(t, "get thing", span.Name())
			require.Equal(t, trace.SpanKindClient, span.SpanKind())
			require.Equal(t, parent.SpanContext().SpanID(), span.Parent().SpanID())
			set := attribute.NewSet(span.Attributes()...)
			require.Equal(t, strings.Join(tc.want, ","), unescape(encode(set)))
			require.Equal(t, tc.status, span.Status().Code.String())
			require.Empty(t, span.Status().Description)
			require.Len(t, collected(t, reader), 1)
			require.Contains(t, collected(t, reader)[0], "http.client.request.duration")
		})
	}
}

// unescape undoes what the encoder does.
func unescape(text string) string { return strings.NewReplacer(`\=`, "=", `\\`, `\`).Replace(text) }

type closing struct {
	http.RoundTripper
	closed bool
}

func (c *closing) CloseIdleConnections() { c.closed = true }

func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	base := &closing{RoundTripper: answers(200)}
	hc := http.Client{Transport: telemetry.New(nil, nil, "").Transport(base)}
	hc.CloseIdleConnections()
	require.True(t, base.closed)
	(&http.Client{Transport: telemetry.New(nil, nil, "").Transport(answers(200))}).CloseIdleConnections()
}

// A request that nobody listens to is sent as it is.
func BenchmarkRequestWithoutListeners(b *testing.B) {
	x := telemetry.New(nil, nil, "").Transport(answers(200))
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://a.example/things/a", nil)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = x.RoundTrip(req)
	}
}

func BenchmarkRequestWithoutTransport(b *testing.B) {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://a.example/things/a", nil)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = answers(200).RoundTrip(req)
	}
}
