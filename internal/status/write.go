package status

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// LastModifier returns who wrote a Service last; empty if the server does not say.
func LastModifier(s *servingv1.Service) string { return s.Annotations[configuration.LastModifier] }

// Write is a write to a Service, as seen when the Service is read again later.
type Write struct {
	// Service is the response to the write.
	Service *servingv1.Service
	// Generation is the one that the write made.
	Generation int64
	// Nonce is the one that the write put on the template;
	// empty if the write made no Revision.
	Nonce nonce.Nonce
}

// Made returns the nonce of the Revision that the write made; empty if there is
// none, or no write.
func (w *Write) Made() nonce.Nonce {
	if w == nil {
		return ""
	}
	return w.Nonce
}

// ReadLag is how long reads may miss a write that has been answered.
const ReadLag = 5 * time.Second

// IsStale reports whether s, read some time after the write, is a stale read of
// a deleted Service with the same name, from before the write. Creation times
// are in seconds, so one of the same second counts as stale only until
// reads show the write.
func (w *Write) IsStale(s *servingv1.Service, after time.Duration) bool {
	switch {
	case !w.IsOther(s) || w.Service.CreationTimestamp.Before(&s.CreationTimestamp):
		return false
	case s.CreationTimestamp.Before(&w.Service.CreationTimestamp):
		return true
	}
	return after < ReadLag
}

// IsOther reports whether s only has the name in common with the Service that was written.
func (w *Write) IsOther(s *servingv1.Service) bool {
	return w.Service.UID != "" && s.UID != "" && s.UID != w.Service.UID
}

// Overtaken reports whether s is another Service, or has another configuration
// than the one that was written. What counts as the configuration depends on
// the goal: others may change the traffic while a new Revision becomes ready.
func (w *Write) Overtaken(s *servingv1.Service, g Goal) bool {
	switch {
	case w.IsOther(s):
		return true
	case s.Generation <= w.Generation:
		return false
	case g == GoalRouted:
		return !traffic.Same(w.Service.Spec.Traffic, s.Spec.Traffic)
	}
	return w.Nonce == "" || !w.Nonce.On(s.Spec.Template.Labels) ||
		!equality.Semantic.DeepEqual(w.Service.Spec.Template, s.Spec.Template)
}
