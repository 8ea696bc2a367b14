package status

import (
	"log/slog"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/logform"
)

// Seen returns what a poll saw of a Service as a group of a log: generation,
// observedGeneration and ready. It is empty if there was no Service.
func Seen(s *servingv1.Service) slog.Value {
	if s == nil {
		return logform.Group()
	}
	ready := ""
	if c := Find(s.Status.Conditions, ConditionReady); c != nil {
		ready = string(c.Status)
	}
	return logform.Group(slog.Int64("generation", s.Generation), slog.Int64("observedGeneration", s.Status.ObservedGeneration), slog.String("ready", ready))
}
