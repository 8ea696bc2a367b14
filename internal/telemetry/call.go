package telemetry

import (
	"context"
	"log/slog"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/cloudrun-go/cloudrun/internal/logform"
)

// Call is one call of the library. It is safe for concurrent use. A nil Call
// reports nothing.
type Call struct {
	Operation string // such as "deploy service"
	Target    Target
	Step      int // of a rollout, as its percentage; 0 outside of one

	t    *Telemetry // nil if nobody listens
	span trace.Span

	mu     sync.Mutex
	stages map[string]*stage // those under way
}

// stage is the span of a stage. Spans themselves cannot be compared.
type stage struct{ span trace.Span }

// Begin begins a call. The caller ends it.
func (t *Telemetry) Begin(ctx context.Context, operation string, on Target) (context.Context, *Call) {
	c := &Call{Operation: operation, Target: on, Step: StepOf(ctx)}
	if t == nil {
		return ctx, c
	}
	ctx, c.span = t.tracer.Start(ctx, operation, trace.WithAttributes(c.attributes()...))
	if c.span.IsRecording() || t.deployments.Enabled(ctx) {
		c.t, c.stages = t, map[string]*stage{}
	}
	return ctx, c
}

// Listening reports whether anybody listens.
func (c *Call) Listening() bool { return c != nil && c.t != nil }

// attributes returns what the call is about.
func (c *Call) attributes() []attribute.KeyValue {
	all := c.Target.attributes()
	if c.Step > 0 {
		all = append(all, attribute.Int(prefix+"step", c.Step))
	}
	return all
}

// Stage begins a stage. Its requests use the context. The returned function ends it.
func (c *Call) Stage(ctx context.Context, name string) (_ context.Context, end func(error)) {
	if !c.Listening() {
		return ctx, func(error) {}
	}
	ctx, span := c.t.tracer.Start(ctx, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	begun := &stage{span}
	c.stages[name] = begun
	return ctx, func(err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.stages[name] == begun {
			delete(c.stages, name)
		}
		finish(span, err)
	}
}

// Event adds an event to the span of a stage that is under way, or else to that of
// the call. form returns its attributes as a group of a log.
func (c *Call) Event(stage, name string, form func() slog.Value) {
	if !c.Listening() || !c.span.IsRecording() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	span := c.span
	if begun := c.stages[stage]; begun != nil {
		span = begun.span
	}
	span.AddEvent(name, trace.WithAttributes(attributes(prefix, form())...))
}

// set sets attributes of the call, given as a group of a log.
func (c *Call) set(group slog.Value) {
	if c.span.IsRecording() {
		c.span.SetAttributes(attributes(prefix, group)...)
	}
}

// End ends the call.
func (c *Call) End(err error) { c.EndWith(Result{}, err) }

// EndWith ends the call, and the stages that a panic has left.
func (c *Call) EndWith(r Result, err error) {
	if !c.Listening() {
		return
	}
	if r != (Result{}) {
		c.set(logform.Group(slog.String("action", r.Action), slog.Int64("generation", r.Generation), slog.String("revision", r.Revision)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, begun := range c.stages {
		begun.span.End()
	}
	finish(c.span, err)
}

// finish ends a span. The texts of errors have no values that may be secret.
func finish(span trace.Span, err error) {
	if err != nil {
		span.SetAttributes(errorType(err))
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

type stepKey struct{}

// WithStep returns the context of a step of a rollout, which is its percentage.
func WithStep(ctx context.Context, percent int) context.Context {
	return context.WithValue(ctx, stepKey{}, percent)
}

// StepOf returns the step of a rollout that a context belongs to; 0 if to none.
func StepOf(ctx context.Context) int {
	percent, _ := ctx.Value(stepKey{}).(int)
	return percent
}
