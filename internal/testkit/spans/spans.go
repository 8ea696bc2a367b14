// Package spans shows the spans of OpenTelemetry that a test made as a tree.
package spans

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// Recorder keeps spans.
type Recorder struct {
	recorder *tracetest.SpanRecorder
	provider *sdktrace.TracerProvider
}

// NewRecorder returns a Recorder, which needs no end.
func NewRecorder() *Recorder {
	r := tracetest.NewSpanRecorder()
	return &Recorder{r, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r))}
}

// Provider returns the provider of the spans that are kept.
func (r *Recorder) Provider() trace.TracerProvider { return r.provider }

// Open returns the names of the spans that have begun and not ended.
func (r *Recorder) Open() (names []string) {
	for _, s := range r.recorder.Started() {
		if s.EndTime().IsZero() {
			names = append(names, s.Name())
		}
	}
	return names
}

// Tree returns the spans that have ended: each with its duration, rounded because of
// jitter, and with its attributes and events below it.
func (r *Recorder) Tree(round time.Duration) string {
	below := map[trace.SpanID][]sdktrace.ReadOnlySpan{}
	for _, s := range r.recorder.Started() { // in the order in which they began
		if !s.EndTime().IsZero() {
			below[s.Parent().SpanID()] = append(below[s.Parent().SpanID()], s)
		}
	}
	t := tree{below: below, round: round}
	for _, s := range below[trace.SpanID{}] {
		t.write(s, 0)
	}
	return t.String()
}

type tree struct {
	strings.Builder
	below map[trace.SpanID][]sdktrace.ReadOnlySpan
	round time.Duration
}

func (t *tree) write(s sdktrace.ReadOnlySpan, depth int) {
	indent := strings.Repeat("  ", depth)
	fmt.Fprintf(t, "%s%s%s%s\n", indent, s.Name(), t.duration(s), status(s))
	if all := attributes(s.Attributes()); len(all) > 0 {
		fmt.Fprintf(t, "%s    %s\n", indent, strings.Join(all, ", "))
	}
	for _, e := range s.Events() {
		fmt.Fprintf(t, "%s  * %s: %s\n", indent, e.Name, strings.Join(attributes(e.Attributes), ", "))
	}
	children := t.below[s.SpanContext().SpanID()]
	slices.SortStableFunc(children, compare)
	for _, child := range children {
		t.write(child, depth+1)
	}
}

// compare puts the stage that runs beside others last.
func compare(a, b sdktrace.ReadOnlySpan) int {
	beside := func(s sdktrace.ReadOnlySpan) int {
		if s.Name() == "publish" {
			return 1
		}
		return 0
	}
	return cmp.Compare(beside(a), beside(b))
}

func (t *tree) duration(s sdktrace.ReadOnlySpan) string {
	if d := s.EndTime().Sub(s.StartTime()).Round(t.round); d > 0 {
		return " " + d.String()
	}
	return ""
}

func status(s sdktrace.ReadOnlySpan) string {
	if s.Status().Code != codes.Error {
		return ""
	}
	return strings.TrimSuffix(" FAILED: "+random(s.Status().Description), ": ")
}

func attributes(all []attribute.KeyValue) []string {
	texts := make([]string, len(all))
	for i, a := range all {
		texts[i] = string(a.Key) + "=" + random(a.Value.String())
	}
	slices.Sort(texts)
	return texts
}

// random returns a text without what is random: IDs of operations and delays.
func random(text string) string {
	text = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`).ReplaceAllString(text, "ID")
	return regexp.MustCompile(`\d+\.\d+`).ReplaceAllString(text, "N")
}
