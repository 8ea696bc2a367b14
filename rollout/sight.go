package rollout

import (
	"errors"
	"fmt"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// errRecreated is the error of an edit of a Service that was deleted since the
// call began, and created again.
var errRecreated = fmt.Errorf("%w: the service was deleted and created again", ErrTrafficChanged)

// errStale is the error of an edit of a Service that is older than the call has seen it.
var errStale = &once.StepError{Step: once.StepRead, Err: once.ReadAgain(errors.New("the service was read in an older state than before"))}

// sight is a Service as a call saw or wrote it last.
type sight struct {
	service *servingv1.Service
	state   string // the recorded rollout, as JSON
	at      time.Time
}

func see(s *servingv1.Service) sight {
	return sight{service: s, state: s.Annotations[traffic.RolloutAnnotation], at: time.Now()}
}

// check returns an error if the Service that was read later cannot be edited,
// because it is another one, or because the read is stale.
func (v sight) check(s *servingv1.Service) error {
	seen, after := status.Write{Service: v.service}, time.Since(v.at)
	switch {
	case seen.IsStale(s, after):
		return errStale
	case seen.IsOther(s):
		return conflict(errRecreated)
	case s.Generation < v.service.Generation:
		return errStale
	case s.Generation == v.service.Generation && s.Annotations[traffic.RolloutAnnotation] != v.state && after < status.ReadLag:
		return errStale // on a cluster, a write of the state alone makes no generation
	}
	return nil
}

// then returns the sight of a Service after a write that recorded a state.
func (v sight) then(s *servingv1.Service, state string) sight {
	seen := status.Write{Service: v.service}
	if seen.IsOther(s) {
		s = v.service
	}
	return sight{service: s, state: state, at: time.Now()}
}
