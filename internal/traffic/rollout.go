package traffic

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/runmark"
	"github.com/cloudrun-go/cloudrun/internal/split"
)

// RolloutAnnotation is the annotation of a Service that holds the state of the
// rollout under way. It is written in one request with the traffic, and removed
// by the request that ends the rollout.
const RolloutAnnotation = "cloudrun-go.github.io/rollout"

// Rollout is the recorded state of a rollout under way.
type Rollout struct {
	// RunID identifies the call that wrote the state.
	RunID string `json:"id"`
	// Revision is the candidate, and Percent the share of the current step.
	Revision string `json:"revision"`
	Percent  int64  `json:"percent"`
	// Tag is the tag of the candidate. Moved reports whether the rollout moved
	// the tag there, and TagFrom is where the tag was, empty if it was new.
	Tag     string `json:"tag"`
	Moved   bool   `json:"moved,omitempty"`
	TagFrom string `json:"tagFrom,omitempty"`
	// Previous is the split before the rollout. Latest reports whether the
	// candidate was the latest ready Revision then, so that the share of LATEST
	// was its share.
	Previous Split `json:"before"`
	Latest   bool  `json:"latest,omitempty"`
	// Release is the ID of the release, such as that of a CI run; it may be empty.
	Release string `json:"release,omitempty"`
	// Began is when the rollout began, and Since when the state was written. Both may be zero.
	Began time.Time `json:"began,omitzero"`
	Since time.Time `json:"since,omitzero"`
}

// ReadRollout returns the rollout that is recorded on a Service, or nil if there is none.
func ReadRollout(s *servingv1.Service) (*Rollout, error) {
	text := s.Annotations[RolloutAnnotation]
	if text == "" {
		return nil, nil
	}
	var r Rollout
	err := json.Unmarshal([]byte(text), &r)
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return nil, fmt.Errorf("the annotation %q of the service cannot be read: remove it, and set the traffic as it should be: %w", RolloutAnnotation, err)
	}
	return &r, nil
}

// check refuses a state that no rollout has written, because the state becomes traffic.
func (r Rollout) check() error {
	var sum int64
	for name, percent := range r.Previous {
		if percent < 1 || percent > 100 || name != split.Latest && names.Revision(name) != nil {
			return fmt.Errorf("%d %% for revision %q before", percent, name)
		}
		sum += percent
	}
	switch {
	case sum != 100:
		return fmt.Errorf("%d %% in all before", sum)
	case r.Percent < 0 || r.Percent > 100:
		return fmt.Errorf("%d %% for the candidate", r.Percent)
	case r.TagFrom != "" && r.TagFrom != split.Latest && names.Revision(r.TagFrom) != nil:
		return fmt.Errorf("a tag from revision %q", r.TagFrom)
	}
	if r.Release != "" {
		if err := runmark.Check(r.Release); err != nil {
			return fmt.Errorf("the ID of the release %w", err)
		}
	}
	return names.Revision(r.Revision)
}

// BeginRollout returns the state of a rollout that starts from the current
// traffic of a Service, at the share that the candidate has. The tag may be empty.
func BeginRollout(s *servingv1.Service, runID, revision, tag string) Rollout {
	r := Rollout{
		RunID: runID, Revision: revision, Tag: tag,
		Previous: SplitOf(s), Latest: s.Status.LatestReadyRevisionName == revision,
	}
	r.Percent = r.base()[revision]
	return r.retagged(s)
}

// ResumeRollout returns the state of a recorded rollout that another call continues.
func ResumeRollout(s *servingv1.Service, runID string, recorded *Rollout) Rollout {
	r := *recorded
	r.RunID = runID
	return r.retagged(s)
}

// retagged notes where the tag is if it is not on the candidate.
func (r Rollout) retagged(s *servingv1.Service) Rollout {
	if !r.Tagged(s) {
		r.Moved, r.TagFrom = true, taggedRevision(s, r.Tag)
	}
	return r
}

// At returns the state with another share for the candidate.
func (r Rollout) At(percent int64) Rollout {
	r.Percent = percent
	return r
}

// EndRollout removes the state of a rollout, and returns its candidate; empty if
// there was none. A call that sets the traffic removes the state even if the
// traffic stays the same, so that the rollout notices.
func EndRollout(s *servingv1.Service) (candidate string) {
	if recorded, err := ReadRollout(s); err == nil && recorded != nil {
		candidate = recorded.Revision
	}
	delete(s.Annotations, RolloutAnnotation)
	return candidate
}

// FenceRollout records a rollout that keeps the current traffic of a Service.
// The write that carries it makes every earlier conditional write fail.
func FenceRollout(s *servingv1.Service, runID, revision string) error {
	current := SplitOf(s)
	return Rollout{RunID: runID, Revision: revision, Previous: current, Percent: current[revision]}.record(s)
}

func (r Rollout) record(s *servingv1.Service) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if s.Annotations == nil {
		s.Annotations = map[string]string{}
	}
	s.Annotations[RolloutAnnotation] = string(text)
	return nil
}

// Tagged reports whether the tag is on the candidate.
func (r Rollout) Tagged(s *servingv1.Service) bool {
	return taggedRevision(s, r.Tag) == r.Revision
}

// IsNewest reports whether the candidate is both the latest created and the
// latest ready Revision of a Service, so that LATEST leads to it until the next deployment.
func (r Rollout) IsNewest(s *servingv1.Service) bool {
	return s.Status.LatestReadyRevisionName == r.Revision && s.Status.LatestCreatedRevisionName == r.Revision
}

// Needs reports whether the rollout, or the return to the previous split, needs a Revision.
func (r Rollout) Needs(revision string) bool {
	return r.Revision == revision || r.TagFrom == revision || r.Previous[revision] > 0
}

// Done reports whether the candidate had all traffic before the rollout.
func (r Rollout) Done() bool { return r.base()[r.Revision] == 100 }

// base is the previous split, with the candidate's name for LATEST if that led to it.
func (r Rollout) base() Split {
	base := maps.Clone(r.Previous)
	if r.Latest && base[split.Latest] > 0 {
		base[r.Revision] += base[split.Latest]
		delete(base, split.Latest)
	}
	return base
}

// InForce reports whether a Service has the traffic that the state describes.
func (r Rollout) InForce(s *servingv1.Service) bool {
	want, err := r.base().shift(r.Revision, r.Percent)
	return err == nil && want.Equal(SplitOf(s))
}

// Put gives a Service the traffic of the step and records the state.
func (r Rollout) Put(s *servingv1.Service) error {
	want, err := r.base().shift(r.Revision, r.Percent)
	if err != nil {
		return err
	}
	targets, err := split.Shift(Targets(s), want)
	if err != nil {
		return err
	}
	if targets, err = split.UpdateTags(targets, map[string]string{r.Tag: r.Revision}); err != nil {
		return err
	}
	Set(s, targets)
	return r.record(s)
}

// Return returns the split to go back to: the previous one. If it sent traffic
// to LATEST, and LATEST led to the candidate but no longer does, the candidate
// keeps that share by its name, and pinned is true.
func (r Rollout) Return(s *servingv1.Service) (to Split, pinned bool) {
	if r.Latest && r.Previous[split.Latest] > 0 && !r.IsNewest(s) {
		return r.base(), true
	}
	return r.Previous, false
}

// Finish ends a rollout with a split. A tag that the rollout moved is moved
// back, unless another writer has moved it since.
func (r Rollout) Finish(s *servingv1.Service, with Split) error {
	targets, err := split.Shift(Targets(s), with)
	if err != nil {
		return err
	}
	switch moved := r.Moved && r.Tagged(s); {
	case moved && r.TagFrom == "":
		targets = split.RemoveTags(targets, []string{r.Tag})
	case moved:
		targets, err = split.UpdateTags(targets, map[string]string{r.Tag: r.TagFrom})
	}
	if err != nil {
		return err
	}
	Set(s, targets)
	EndRollout(s)
	return nil
}
