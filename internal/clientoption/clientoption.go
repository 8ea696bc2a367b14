// Package clientoption has the options of a Client that package option of
// google.golang.org/api does not have.
package clientoption

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/api/option"
	"google.golang.org/api/option/internaloption"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// Settings are what the options set.
type Settings struct {
	PlainHTTP      bool
	AttemptTimeout time.Duration
	Tracers        trace.TracerProvider // nil for the global one
	Meters         metric.MeterProvider // nil for the global one
}

// setting embeds what internaloption offers to libraries with options of their
// own. The interface cannot be implemented without it, and each public option
// changes some setting of a client that gets the same list of options.
type setting struct {
	internaloption.EmbeddableAdapter
	set func(*Settings)
}

// PlainHTTP allows http for addresses that are not loopback ones.
func PlainHTTP() option.ClientOption {
	return &setting{set: func(s *Settings) { s.PlainHTTP = true }}
}

// AttemptTimeout bounds each attempt of a request.
func AttemptTimeout(limit time.Duration) option.ClientOption {
	return &setting{set: func(s *Settings) { s.AttemptTimeout = limit }}
}

// Tracers sets the provider of tracers.
func Tracers(p trace.TracerProvider) option.ClientOption {
	return &setting{set: func(s *Settings) { s.Tracers = p }}
}

// Meters sets the provider of meters.
func Meters(p metric.MeterProvider) option.ClientOption {
	return &setting{set: func(s *Settings) { s.Meters = p }}
}

var errNil = errors.New("an option is nil")

// Of returns what options set; the last of several counts. With
// [option.WithTelemetryDisabled], the providers do nothing.
func Of(opts []option.ClientOption) (Settings, error) {
	if slices.Contains(opts, nil) {
		return Settings{}, errNil
	}
	s := Settings{AttemptTimeout: rest.DefaultTimeLimit}
	for _, o := range opts {
		if o, ok := o.(*setting); ok {
			o.set(&s)
		}
	}
	if s.AttemptTimeout <= 0 {
		return s, fmt.Errorf("WithAttemptTimeout(%v): must be more than zero", s.AttemptTimeout)
	}
	if slices.Contains(opts, option.WithTelemetryDisabled()) {
		s.Tracers, s.Meters = tracenoop.NewTracerProvider(), metricnoop.NewMeterProvider()
	}
	return s, nil
}
