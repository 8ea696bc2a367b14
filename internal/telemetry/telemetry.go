// Package telemetry reports calls of the library to OpenTelemetry: a [Call] is a
// span with a span for each of its stages and requests, and is counted by metrics.
//
// Where nobody listens, a Call does nothing.
package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/semconv/v1.41.0/httpconv"
	"go.opentelemetry.io/otel/trace"
)

// Scope is the name of the instrumentation scope.
const Scope = "github.com/cloudrun-go/cloudrun"

// Telemetry makes the spans and the metrics. A nil Telemetry makes none.
type Telemetry struct {
	tracer      trace.Tracer
	deployments metric.Int64Counter
	ready       metric.Float64Histogram
	retries     metric.Int64Counter
	requests    httpconv.ClientRequestDuration
}

// New returns a Telemetry of two providers. A provider that is nil is the global
// one. The version is that of this library; it may be empty.
func New(tracers trace.TracerProvider, meters metric.MeterProvider, version string) *Telemetry {
	if tracers == nil {
		tracers = otel.GetTracerProvider()
	}
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	meter := meters.Meter(Scope, metric.WithInstrumentationVersion(version), metric.WithSchemaURL(semconv.SchemaURL))
	t := &Telemetry{tracer: tracers.Tracer(Scope, trace.WithInstrumentationVersion(version), trace.WithSchemaURL(semconv.SchemaURL))}
	// The errors are of instruments with invalid names, and these are valid.
	t.deployments, _ = meter.Int64Counter("cloudrun.deployments", metric.WithUnit("{deployment}"),
		metric.WithDescription("Deployments that ended, by status."))
	t.ready, _ = meter.Float64Histogram("cloudrun.deployment.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from the call until the Service was ready."), metric.WithExplicitBucketBoundaries(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800))
	t.retries, _ = meter.Int64Counter("cloudrun.retries", metric.WithUnit("{retry}"), metric.WithDescription("Requests that failed and were repeated."))
	t.requests, _ = httpconv.NewClientRequestDuration(meter)
	return t
}

// Spans returns a Telemetry that makes spans and no metrics.
func Spans(tracers trace.TracerProvider, version string) *Telemetry {
	return New(tracers, noop.NewMeterProvider(), version)
}

// Target is the Service that a call is about.
type Target struct {
	Project, Region string // on a cluster, Project is the namespace and Region is empty
	Service         string
}

// place returns the attributes of where the target is.
func (t Target) place() []attribute.KeyValue {
	switch {
	case t.Project == "":
		return nil
	case t.Region == "":
		return []attribute.KeyValue{semconv.K8SNamespaceName(t.Project)}
	}
	return []attribute.KeyValue{semconv.CloudProviderGCP, semconv.CloudPlatformGCPCloudRun, semconv.CloudAccountID(t.Project), semconv.CloudRegion(t.Region)}
}

// attributes returns all attributes of the target.
func (t Target) attributes() []attribute.KeyValue {
	all := append(t.place(), semconv.FaaSName(t.Service))
	if t.Project != "" && t.Region != "" {
		all = append(all, semconv.CloudResourceID("//run.googleapis.com/projects/"+t.Project+"/locations/"+t.Region+"/services/"+t.Service))
	}
	return all
}

// prefix begins the names of attributes that the semantic conventions do not have.
const prefix = "cloudrun."

// attributes returns a group of a log as attributes. Those in a group of it have the
// name of the group before theirs.
func attributes(prefix string, group slog.Value) []attribute.KeyValue {
	var all []attribute.KeyValue
	for _, a := range group.Group() {
		switch a.Value.Kind() {
		case slog.KindGroup:
			all = append(all, attributes(prefix+a.Key+".", a.Value)...)
		case slog.KindInt64:
			all = append(all, attribute.Int64(prefix+a.Key, a.Value.Int64()))
		case slog.KindDuration:
			all = append(all, attribute.Float64(prefix+a.Key, a.Value.Duration().Seconds()))
		default:
			if text := a.Value.String(); text != "" {
				all = append(all, attribute.String(prefix+a.Key, text))
			}
		}
	}
	return all
}

// Result is what a call did. It is empty if the call did nothing.
type Result struct {
	Action     string // "created", "updated" or "unchanged"
	Generation int64
	Revision   string
	Ready      bool // the call waited until a change was ready
	Duration   time.Duration
}

// errPanicked is the error of a deployment that ended with neither a result nor an error.
var errPanicked = errors.New("the call panicked")

// Deployed counts a deployment and ends the call.
func (c *Call) Deployed(r Result, err error) {
	if err == nil && r == (Result{}) {
		err = errPanicked
	}
	if c.Listening() {
		c.count(r, err)
	}
	c.EndWith(r, err)
}

// count counts a deployment.
func (c *Call) count(r Result, err error) {
	place := c.Target.place()
	if err != nil {
		all := append(place, semconv.DeploymentStatusFailed, errorType(err))
		c.t.deployments.Add(c.ctx(), 1, metric.WithAttributes(append(all, where(err)...)...))
		return
	}
	all := append(place, attribute.String(prefix+"action", r.Action))
	if r.Ready {
		c.t.ready.Record(c.ctx(), r.Duration.Seconds(), metric.WithAttributes(all...))
	}
	c.t.deployments.Add(c.ctx(), 1, metric.WithAttributes(append(all, semconv.DeploymentStatusSucceeded)...))
}

// Retried counts a request of a stage that failed and is repeated.
func (c *Call) Retried(stage string, err error) {
	if c.Listening() {
		c.t.retries.Add(c.ctx(), 1, metric.WithAttributes(append(c.Target.place(), attribute.String(prefix+"stage", stage), errorType(err))...))
	}
}

// ctx returns the context of metrics, which exemplars need.
func (c *Call) ctx() context.Context { return trace.ContextWithSpan(context.Background(), c.span) }
