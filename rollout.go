package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// DefaultRestoreTimeout bounds the return to the previous split of a [Rollout].
const DefaultRestoreTimeout = 2 * time.Minute

// defaultRolloutTag is the tag of a candidate that has none.
const defaultRolloutTag = "candidate"

// ErrTrafficChanged is matched by the error of a [Deployer.Rollout] that
// stopped because somebody else changed the traffic meanwhile. What they made
// of it is left as it is.
var ErrTrafficChanged = errors.New("somebody else changed the traffic during the rollout")

// ErrRolloutUnderWay is matched by the error of a [Deployer.Rollout] of one
// Revision while that of another one is not finished.
var ErrRolloutUnderWay = errors.New("the rollout of another revision is under way")

// Rollout says how [Deployer.Rollout] releases a Revision.
type Rollout struct {
	// Revision is the candidate. Empty means the latest that was created.
	Revision string
	// Tag is the tag that gives the candidate a URL of its own. Empty means the
	// one that it has, or else "candidate". A tag that the candidate did not have
	// before is taken from it, and put back where it was, in the end.
	Tag string
	// Steps are the shares of the traffic, in percent, that the candidate gets
	// one after the other: rising, from 0 on, up to 100. Empty means 5, 25, 100.
	Steps []int
	// Pause is how long each step, the last one too, is left alone before its check.
	Pause time.Duration
	// Check judges the candidate at each step, the last one too, after the
	// pause. An error returns the traffic to the previous split. Nil means that
	// only the pause and the readiness count. See [CheckHTTP].
	Check func(ctx context.Context, c Candidate) error
	// ToLatest sends the traffic to [Latest] in the end, so that later
	// deployments get it. That is done only if the candidate is the latest
	// Revision then; a warning says if it is not. Without it, the traffic stays
	// pinned to the candidate, unless Latest had a share before the rollout.
	ToLatest bool
	// RestoreTimeout bounds the return to the previous split; 0 means [DefaultRestoreTimeout].
	RestoreTimeout time.Duration
}

// Candidate is the Revision that is rolled out, as a check gets to know it.
type Candidate struct {
	// Service and Revision are their names.
	Service, Revision string
	// Percent is its share of the traffic.
	Percent int
	// Tag is its tag, and TagURL the URL that leads to it alone. TagURL is empty
	// if the Service's default URL is switched off.
	Tag, TagURL string
	// URL is that of the Service. It is the audience of ID tokens for TagURL as well.
	URL string
}

// RolloutResult tells what a rollout did.
type RolloutResult struct {
	// Service is the Service as it was last seen.
	Service *servingv1.Service
	// Candidate is the Revision as it was at the last step.
	Candidate Candidate
	// Before is the split before the rollout, After the one that it left.
	Before, After Split
	// Restored tells that the traffic was returned to what it was before.
	Restored bool
	// Resumed tells that an earlier call had begun, and this one went on.
	Resumed bool
	// Warnings are things to know although the call went well.
	Warnings []string
}

// Split is how traffic is divided: percentages by the name of the Revision or [Latest].
type Split map[string]int64

// String gives the split as gcloud writes it, the largest share first: hello-00001-abc=95,hello-00002-xyz=5.
func (s Split) String() string { return traffic.Describe(s.targets()) }

// Rollout releases a Revision step by step: the candidate, which must be ready,
// gets a growing share of the traffic, and after each step there is a pause and
// a check. What the candidate does not get stays divided as it was. Deploy
// the candidate with [WithNoTraffic] first.
//
// When a check, a write or a wait fails, or the context ends, or the check
// panics, the traffic returns to the split that it had before, with a time
// limit of its own. When somebody else changes the traffic during the
// rollout, it stops with [ErrTrafficChanged], and what they made stays. When
// somebody takes the tag away, the traffic returns too: the checks would be of
// another Revision.
//
// The state of the rollout is on the Service itself, in an annotation that is
// written together with the traffic: so a program that ended in the middle
// leaves nothing forgotten. Calling Rollout again for the same Revision takes
// the rollout over and goes on with the step that it had reached; a call that
// still runs then stops. [Deployer.AbortRollout] returns to the split before. A
// call that says how the traffic shall be, such as [Deployer.UpdateTraffic] or
// [Deployer.Rollback], ends a rollout, even if it changes nothing. For another
// Revision, the error matches [ErrRolloutUnderWay].
//
// In the end the candidate has all traffic: by its name, or through [Latest],
// see [Rollout.ToLatest]. If it has that from the start, nothing is done.
//
// The options say how each step is waited for; [Async] has no effect. The error
// is a [*DeployError]. Once anything was written there is a [*RolloutError] in
// it, which tells what became of the traffic, and the result is not nil.
func (d *Deployer) Rollout(ctx context.Context, name string, r Rollout, opts ...CallOption) (*RolloutResult, error) {
	c, err := d.beginCall("roll out service", name, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	c.async = false
	if err := r.check(c.client.tagService(name)); err != nil {
		return nil, c.fail(StageOptions, NotWritten, err)
	}
	o := &rollout{call: c, how: r.withDefaults(), id: string(newNonce()), result: &RolloutResult{}}
	return o.run(ctx)
}

// AbortRollout returns the traffic to the split that it had before a
// [Deployer.Rollout] that was left unfinished, or that still runs, which then
// stops. Without one it does nothing. If the traffic is no longer as the
// rollout left it, it stays as it is, and only the rollout is forgotten; a
// warning says so. It waits like [Deployer.UpdateTraffic].
func (d *Deployer) AbortRollout(ctx context.Context, name string, opts ...CallOption) (*RolloutResult, error) {
	c, err := d.beginCall("abort rollout of service", name, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	s, err := c.client.GetService(ctx, name)
	if err != nil {
		return nil, c.fail(StageRead, NotWritten, err)
	}
	o := &rollout{call: c, result: &RolloutResult{Service: s, Before: splitOf(s), After: splitOf(s)}}
	if s.Annotations[annotationRollout] == "" {
		return o.result, nil
	}
	changed, err := o.apply(ctx, o.abort)
	o.result.Restored = changed != nil && !o.overridden
	return o.result, err
}

// withDefaults fills in what is left out.
func (r Rollout) withDefaults() Rollout {
	if len(r.Steps) == 0 {
		r.Steps = []int{5, 25, 100}
	}
	if r.RestoreTimeout == 0 {
		r.RestoreTimeout = DefaultRestoreTimeout
	}
	return r
}

// check finds what is wrong with a rollout of a Service of that name, or of any if that is empty.
func (r Rollout) check(service string) error {
	var problems []error
	refuse := func(field string, value any, reason string) {
		problems = append(problems, &OptionError{Option: fmt.Sprintf("Rollout.%s %v", field, value), Reason: reason})
	}
	if r.Revision != "" {
		if err := names.Revision(r.Revision); err != nil {
			refuse("Revision", r.Revision, err.Error())
		}
	}
	if r.Tag != "" {
		if err := split.CheckTag(r.Tag, service); err != nil {
			refuse("Tag", r.Tag, err.Error())
		}
	}
	if n := len(r.Steps); n > 0 && (r.Steps[0] < 0 || r.Steps[n-1] != 100 || !rising(r.Steps)) {
		refuse("Steps", r.Steps, "they must rise from 0 at least to 100")
	}
	if r.Pause < 0 {
		refuse("Pause", r.Pause, "it must not be negative")
	}
	if r.RestoreTimeout < 0 {
		refuse("RestoreTimeout", r.RestoreTimeout, "it must not be negative")
	}
	return errors.Join(problems...)
}

func rising(steps []int) bool {
	return slices.IsSorted(steps) && len(slices.Compact(slices.Clone(steps))) == len(steps)
}
