package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
)

// errorType returns the attribute error.type: the status code of a response, or
// else the name of the type in which the cause of an error has its form for logs.
func errorType(err error) attribute.KeyValue {
	kind := typeOf(formOf(err))
	switch {
	case kind != "" && !isPlace(kind):
	case errors.Is(err, context.Canceled):
		kind = "context.Canceled"
	case errors.Is(err, context.DeadlineExceeded):
		kind = "context.DeadlineExceeded"
	case kind == "":
		return semconv.ErrorTypeOther
	}
	return semconv.ErrorTypeKey.String(kind)
}

// formOf returns the form for logs of the first error that has one; empty if none has.
func formOf(err error) slog.Value {
	var formed interface {
		error
		slog.LogValuer
	}
	if !errors.As(err, &formed) {
		return slog.GroupValue()
	}
	return formed.LogValue()
}

// where returns the stage that failed and the outcome, if the error of a call has them.
func where(err error) (all []attribute.KeyValue) {
	for _, a := range formOf(err).Group() {
		if a.Key == "stage" || a.Key == "outcome" {
			all = append(all, attribute.String(prefix+a.Key, a.Value.String()))
		}
	}
	return all
}

// typeOf returns the type of what an error wraps if the error only says where that happened.
func typeOf(form slog.Value) (kind string) {
	for _, a := range form.Group() {
		switch a.Key {
		case "type":
			kind = a.Value.String()
		case "statusCode":
			return strconv.FormatInt(a.Value.Int64(), 10)
		case "wrapped":
			if isPlace(kind) {
				return typeOf(a.Value)
			}
		}
	}
	return kind
}

// isPlace reports whether an error of a type only says where another happened.
func isPlace(kind string) bool { return kind == "DeployError" || kind == "RolloutError" }
