package rollout

import (
	"cmp"
	"fmt"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/history"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// maxText bounds text of the server in messages.
const maxText = 4096

// edits are the edits of one rollout. Each is a function of the Service and of
// what was written before. It may run several times for one write.
type edits struct {
	cfg     Config // with the Revision and all defaults
	runID   string // of this call
	resumed string // the run ID of the rollout that this call continues, or empty
	now     time.Time
	release bool // a candidate that was rejected is refused
}

// step is a step of a rollout, as last written or about to be.
type step struct {
	state   traffic.Rollout
	resumed bool     // it continues the rollout of an earlier call
	notes   []string // warnings about how the rollout began

	base       traffic.Split // the split that the first step was composed for; nil if it was not yet
	generation int64         // of that Service
}

// replacedBy reports whether the first step may have been in effect before a
// Service came to what it is now. The first write since would have been the step's.
func (l step) replacedBy(s *servingv1.Service) bool { return s.Generation > l.generation+1 }

// overriddenBy reports whether another writer has moved the traffic since the
// first step was composed, perhaps after it was in effect. They may have moved it
// to where it was before: then only the tag of the step is left.
func (l step) overriddenBy(s *servingv1.Service) bool {
	if l.base == nil || !l.replacedBy(s) {
		return false
	}
	return !l.base.Equal(traffic.SplitOf(s)) || l.state.Moved && l.state.Tagged(s)
}

// unclearIn reports whether the first step may have been in effect before a
// Service came to what it is now, and would have left no trace: the candidate had
// the tag already.
func (l step) unclearIn(s *servingv1.Service) bool {
	return l.base != nil && l.replacedBy(s) && !l.state.Moved
}

// ending is the end of a rollout, as last written or about to be.
type ending struct {
	split traffic.Split // the split that the rollout ends with
	notes []string      // warnings about it

	overridden bool // another writer changed the traffic, which is kept
	fenced     bool // a first write may still arrive, and was kept from taking effect
	replaced   bool // the first write may have taken effect, and have been replaced since
}

// owns reports whether a state was written by this call, or by the one that it continues.
func (e edits) owns(recorded *traffic.Rollout) bool {
	return recorded.RunID == e.runID || e.resumed != "" && recorded.RunID == e.resumed
}

// start is the edit of the first step, which is the one that an earlier call
// reached, or the first that does not reduce the candidate's share. The last
// step is the one that an earlier attempt of the same write made.
func (e edits) start(s *servingv1.Service, last step) (step, error) {
	recorded, err := traffic.ReadRollout(s)
	if err != nil {
		return step{}, err
	}
	switch {
	case recorded != nil && recorded.RunID == e.runID && recorded.InForce(s):
		return last, nil // a proxy repeated the write and returned the second response
	case recorded != nil && recorded.RunID == e.runID, recorded == nil && e.resumed != "", last.overriddenBy(s):
		return step{}, errTrafficChanged // perhaps the lost first write was replaced
	case recorded == nil && last.unclearIn(s):
		return step{}, errPerhapsChanged
	case recorded != nil && recorded.InForce(s) && recorded.Revision != e.cfg.Revision:
		return step{}, errUnderWay(recorded)
	case e.release && !e.cfg.RetryRejected && history.Read(s.Annotations).Fate(e.cfg.Revision) == history.Rejected:
		return step{}, conflict(errRejected(e.cfg.Revision))
	}
	next := step{state: traffic.BeginRollout(s, e.runID, e.cfg.Revision, e.tag(s))}
	next.state.Began = e.now
	if recorded != nil && recorded.InForce(s) {
		next = step{state: traffic.ResumeRollout(s, e.runID, recorded), resumed: true}
	} else if recorded != nil {
		next.notes = []string{fmt.Sprintf("the unfinished rollout of %s was discarded, because the traffic was changed since", safetext.Line(recorded.Revision, maxText))}
	}
	next.state = next.state.At(e.cfg.stepFrom(next.state.Percent))
	next.state.Since, next.state.Release = e.now, cmp.Or(e.cfg.RunID, next.state.Release)
	next.base, next.generation = traffic.SplitOf(s), s.Generation
	return next, next.state.Put(s)
}

// tag returns the tag of the candidate during the rollout.
func (e edits) tag(s *servingv1.Service) string {
	if e.cfg.Tag != "" {
		return e.cfg.Tag
	}
	if tag := traffic.TagOf(s, e.cfg.Revision); tag != "" {
		return tag
	}
	return defaultTag
}

// next is the edit of a later step.
func (e edits) next(s *servingv1.Service, last step, percent int64) (step, error) {
	recorded, err := e.current(s)
	if err != nil {
		return step{}, err
	}
	if !recorded.Tagged(s) {
		return step{}, conflict(fmt.Errorf("another writer moved tag %q away from %s, so the checks would be of another revision", recorded.Tag, recorded.Revision))
	}
	last.state = last.state.At(percent)
	last.state.Since = e.now
	return last, last.state.Put(s)
}

// current returns the recorded state if it is this rollout's and in force.
func (e edits) current(s *servingv1.Service) (*traffic.Rollout, error) {
	recorded, err := traffic.ReadRollout(s)
	switch {
	case err != nil:
		return nil, err
	case recorded == nil || !e.owns(recorded) || !recorded.InForce(s):
		return nil, errTrafficChanged
	}
	return recorded, nil
}

// finish is the edit that ends a successful rollout: the candidate keeps all
// traffic, by its name or as LATEST. The last ending is the one that an earlier
// attempt of the same write made, or nil.
func (e edits) finish(s *servingv1.Service, last *ending) (*ending, error) {
	recorded, err := e.current(s)
	switch {
	case err != nil && last != nil && endedWith(s, last.split):
		return last, nil // a proxy repeated the write and returned the second response
	case err != nil:
		return nil, err
	}
	end := &ending{split: traffic.Split{recorded.Revision: 100}}
	follow := e.cfg.ToLatest || recorded.Previous[cloudrun.Latest] > 0
	switch {
	case follow && recorded.IsNewest(s) && s.Status.ObservedGeneration == s.Generation:
		end.split = traffic.Split{cloudrun.Latest: 100}
	case follow:
		end.notes = []string{fmt.Sprintf("the traffic stays pinned to %s, because that is not the latest revision", recorded.Revision)}
	}
	recorded.RecordSuccess(s)
	return end, recorded.Finish(s, end.split)
}

// endedWith reports whether the rollout of a Service has ended with a split.
func endedWith(s *servingv1.Service, with traffic.Split) bool {
	return s.Annotations[traffic.RolloutAnnotation] == "" && with.Equal(traffic.SplitOf(s))
}

// restore is the edit that returns to the split before the rollout. If another
// writer has changed the traffic, it is kept and only the state is removed.
//
// If the first write is not confirmed, it may still arrive. The edit then writes
// a state that makes it fail, and is to be applied again.
func (e edits) restore(s *servingv1.Service, last step, confirmed bool, fate history.Fate) (ending, error) {
	recorded, err := traffic.ReadRollout(s)
	own := err == nil && recorded != nil && e.owns(recorded)
	switch {
	case err != nil:
		return ending{}, err
	case !own && !confirmed && !last.overriddenBy(s) && (recorded == nil || !recorded.InForce(s)):
		return ending{fenced: true, replaced: last.replacedBy(s)}, traffic.FenceRollout(s, e.runID, e.cfg.Revision)
	case !own && endedWith(s, last.state.Previous):
		return ending{}, nil
	case !own:
		return ending{}, errTrafficChanged
	}
	return goBack(s, recorded, fate)
}

// goBack ends a recorded rollout with the split before it, and records the fate of
// the candidate, unless another writer has changed the traffic.
func goBack(s *servingv1.Service, recorded *traffic.Rollout, fate history.Fate) (ending, error) {
	if !recorded.InForce(s) {
		traffic.EndRollout(s)
		return ending{overridden: true}, nil
	}
	recorded.RecordReturn(s, fate)
	to, pinned := recorded.Return(s)
	back := ending{split: to}
	if pinned {
		back.notes = []string{fmt.Sprintf("the previous share of %s goes to %s by name, because that is no longer the latest revision", cloudrun.Latest, recorded.Revision)}
	}
	return back, recorded.Finish(s, to)
}
