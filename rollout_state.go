package cloudrun

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// annotationRollout holds the state of a rollout under way. It is written in
// one request with the traffic, and goes with the rollout's end.
const annotationRollout = "cloudrun-go.github.io/rollout"

// rolloutState is what a Service tells of a rollout under way.
type rolloutState struct {
	// ID tells the call that wrote it last from others.
	ID string `json:"id"`
	// Revision is the candidate, Percent the share that it was given.
	Revision string `json:"revision"`
	Percent  int64  `json:"percent"`
	// Tag is the candidate's. Moved tells that the rollout put it there, and
	// TagFrom where it was before, which is empty if it was nowhere.
	Tag     string `json:"tag"`
	Moved   bool   `json:"moved,omitempty"`
	TagFrom string `json:"tagFrom,omitempty"`
	// Before is the split before the rollout. Latest tells that the candidate
	// was the latest ready Revision then, so that LATEST's share is its own.
	Before Split `json:"before"`
	Latest bool  `json:"latest,omitempty"`
}

// recordedRollout reads the state of a rollout from a Service; nil if there is none.
func recordedRollout(s *servingv1.Service) (*rolloutState, error) {
	text := s.Annotations[annotationRollout]
	if text == "" {
		return nil, nil
	}
	var r rolloutState
	err := json.Unmarshal([]byte(text), &r)
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return nil, fmt.Errorf("the annotation %q of the service cannot be read: remove it, and set the traffic as it shall be: %w", annotationRollout, err)
	}
	return &r, nil
}

// check refuses a state that no rollout has written: it would become traffic.
func (r *rolloutState) check() error {
	var sum int64
	for name, percent := range r.Before {
		if percent < 1 || percent > 100 || name != Latest && names.Revision(name) != nil {
			return fmt.Errorf("%d %% for revision %q before", percent, name)
		}
		sum += percent
	}
	switch {
	case sum != 100:
		return fmt.Errorf("%d %% in all before", sum)
	case r.Percent < 0 || r.Percent > 100:
		return fmt.Errorf("%d %% for the candidate", r.Percent)
	case r.TagFrom != "" && r.TagFrom != Latest && names.Revision(r.TagFrom) != nil:
		return fmt.Errorf("a tag from revision %q", r.TagFrom)
	}
	return names.Revision(r.Revision)
}

// beginRollout is the state of a rollout that begins on a Service as it is.
func beginRollout(s *servingv1.Service, revision, tag string) rolloutState {
	r := rolloutState{Revision: revision, Tag: tag, Before: splitOf(s), Latest: s.Status.LatestReadyRevisionName == revision}
	r.takeTag(s)
	return r
}

// endRollout forgets a rollout under way, because the call at hand says how the
// traffic shall be. Whoever runs it finds that, even if the traffic stays as it is.
func endRollout(s *servingv1.Service) { delete(s.Annotations, annotationRollout) }

// fence writes a state to a Service that changes nothing of its traffic.
func fence(s *servingv1.Service, id, revision string) error {
	r := rolloutState{ID: id, Revision: revision, Before: splitOf(s), Percent: splitOf(s)[revision]}
	return writeAnnotation(&s.ObjectMeta, annotationRollout, r, false)
}

// takeTag notes where the tag is, if that is not on the candidate already.
func (r *rolloutState) takeTag(s *servingv1.Service) {
	if r.tagged(s) {
		return
	}
	r.Moved = true
	r.TagFrom, _ = tagTarget(s, r.Tag)
}

// tagged reports whether the tag is on the candidate.
func (r *rolloutState) tagged(s *servingv1.Service) bool {
	on, _ := tagTarget(s, r.Tag)
	return on == r.Revision
}

// isNewest reports whether LATEST means the candidate, and will as long as nobody deploys.
func (r *rolloutState) isNewest(s *servingv1.Service) bool {
	return s.Status.LatestReadyRevisionName == r.Revision && s.Status.LatestCreatedRevisionName == r.Revision
}

// needs reports whether the rollout, or the return from it, takes a Revision.
func (r *rolloutState) needs(revision string) bool {
	return r.Revision == revision || r.TagFrom == revision || r.Before[revision] > 0
}

// base is the split before the rollout with Revisions in the place of LATEST where that was the candidate.
func (r *rolloutState) base() Split {
	base := maps.Clone(r.Before)
	if r.Latest && base[Latest] > 0 {
		base[r.Revision] += base[Latest]
		delete(base, Latest)
	}
	return base
}

// at is the split with that share for the candidate, and the rest divided as before.
func (r *rolloutState) at(percent int64) (Split, error) {
	targets, err := split.Shift(splitTargetsOf(r.base().targets()), map[string]int64{r.Revision: percent})
	if err != nil {
		return nil, err
	}
	return splitOfTargets(targets), nil
}

// inForce reports whether the traffic of a Service is divided as the state says.
func (r *rolloutState) inForce(s *servingv1.Service) bool {
	want, err := r.at(r.Percent)
	return err == nil && maps.Equal(want, splitOf(s))
}

// put gives a Service the traffic of a step, and the state beside it.
func (r *rolloutState) put(s *servingv1.Service) error {
	want, err := r.at(r.Percent)
	if err != nil {
		return err
	}
	targets, err := split.Shift(splitTargets(s), want)
	if err != nil {
		return err
	}
	if targets, err = split.UpdateTags(targets, map[string]string{r.Tag: r.Revision}); err != nil {
		return err
	}
	setTraffic(s, targets)
	return writeAnnotation(&s.ObjectMeta, annotationRollout, r, false)
}

// takeBack ends a rollout with a split; the tag goes where it was before, if
// nobody has put it elsewhere since.
func (r *rolloutState) takeBack(s *servingv1.Service, to Split) error {
	targets, err := split.Shift(splitTargets(s), to)
	if err != nil {
		return err
	}
	switch moved := r.Moved && r.tagged(s); {
	case moved && r.TagFrom == "":
		targets = split.RemoveTags(targets, []string{r.Tag})
	case moved:
		targets, err = split.UpdateTags(targets, map[string]string{r.Tag: r.TagFrom})
	}
	if err != nil {
		return err
	}
	setTraffic(s, targets)
	endRollout(s)
	return nil
}

// splitOf is how a Service says that its traffic be divided.
func splitOf(s *servingv1.Service) Split {
	if len(s.Spec.Traffic) == 0 {
		return Split{Latest: 100}
	}
	return splitOfTargets(splitTargets(s))
}

func splitOfTargets(targets []split.Target) Split {
	shares := Split{}
	for _, t := range targets {
		key := t.Revision
		if t.Latest {
			key = Latest
		}
		if t.Percent > 0 {
			shares[key] += t.Percent
		}
	}
	return shares
}

// targets are the split as the API has it.
func (s Split) targets() []servingv1.TrafficTarget {
	var all []servingv1.TrafficTarget
	for _, name := range slices.Sorted(maps.Keys(s)) {
		percent := s[name]
		target := servingv1.TrafficTarget{RevisionName: name, Percent: &percent}
		if name == Latest {
			target = traffic.LatestTarget(percent)
		}
		all = append(all, target)
	}
	return all
}

func splitTargetsOf(targets []servingv1.TrafficTarget) []split.Target {
	return splitTargets(&servingv1.Service{Spec: servingv1.ServiceSpec{RouteSpec: servingv1.RouteSpec{Traffic: targets}}})
}

// tagTarget is the Revision that a tag is on, or [Latest].
func tagTarget(s *servingv1.Service, tag string) (string, bool) {
	for _, t := range s.Spec.Traffic {
		if t.Tag != tag || tag == "" {
			continue
		}
		if traffic.IsLatest(t) {
			return Latest, true
		}
		return t.RevisionName, true
	}
	return "", false
}

// tagOf is the first tag that a Revision has.
func tagOf(s *servingv1.Service, revision string) string {
	for _, t := range s.Spec.Traffic {
		if t.Tag != "" && t.RevisionName == revision {
			return t.Tag
		}
	}
	return ""
}
