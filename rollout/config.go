package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/runmark"
	"github.com/cloudrun-go/cloudrun/internal/split"
)

// DefaultRestoreTimeout is the default of [Config.RestoreTimeout].
const DefaultRestoreTimeout = 2 * time.Minute

// DefaultCheckTimeout is the default of [Config.CheckTimeout].
const DefaultCheckTimeout = 30 * time.Minute

// defaultTag is the tag of a candidate that has none.
const defaultTag = "candidate"

// Config configures [Run] and [Release]. The zero value rolls out the latest created Revision
// in steps of 5, 25 and 100 percent, without a pause or a check.
type Config struct {
	// Revision is the candidate. Empty means the latest created Revision. [Release]
	// deploys the candidate, and accepts no other.
	Revision string
	// RunID identifies a release, such as by the ID of the CI run or the commit: a
	// [Release] with the same RunID goes on with the same candidate. [Status] reports
	// it. It has the form of a label's value, as that of [cloudrun.WithRunID].
	RunID string
	// RetryRejected lets [Release] roll out a candidate again that was rejected: its
	// check failed, it was aborted, or the traffic was rolled back from it.
	RetryRejected bool
	// Tag is the tag that gives the candidate its own URL. Empty means the first
	// tag that the candidate has, or else "candidate". If the candidate did not have
	// the tag before, it loses it at the end: the tag is moved back to where it was,
	// or removed if it was new.
	Tag string
	// Steps are the percentages of the traffic that the candidate gets, one after
	// the other. They rise from 0 or more to 100. Empty means 5, 25, 100.
	Steps []int
	// Pause is the time between each step, including the last, and its check.
	Pause time.Duration
	// Check judges the candidate after the pause of each step, including the
	// last. If it returns an error, the previous split is restored. With nil, only
	// the readiness of the Service and the pause count. See [CheckHTTP].
	//
	// The check runs on a goroutine of its own. It must return when its context
	// ends. If it does not, it is abandoned a second later: the previous split is
	// restored, and the goroutine goes on until the check returns.
	Check func(ctx context.Context, c Candidate) error
	// CheckTimeout bounds each call of Check. 0 means [DefaultCheckTimeout].
	CheckTimeout time.Duration
	// ToLatest sends the traffic to [cloudrun.Latest] at the end, so that later
	// deployments get it. If the candidate is not the latest Revision then, the
	// traffic stays pinned to it and the result has a warning. Without ToLatest the
	// traffic is pinned to the candidate, unless Latest had a share before the rollout.
	ToLatest bool
	// RestoreTimeout bounds the return to the previous split and the end of a
	// successful rollout, which do not depend on the caller's context. 0 means
	// [DefaultRestoreTimeout].
	RestoreTimeout time.Duration
}

// Candidate is the Revision that is rolled out, as a check sees it.
type Candidate struct {
	// Service and Revision are the names of both.
	Service  string `json:"service"`
	Revision string `json:"revision"`
	// Percent is the candidate's share of the traffic.
	Percent int `json:"percent"`
	// Tag is the candidate's tag, and TagURL the URL that leads to the candidate
	// alone. TagURL is empty if the default URL of the Service is disabled.
	Tag    string `json:"tag,omitempty"`
	TagURL string `json:"tagUrl,omitempty"`
	// URL is the URL of the Service. It is the audience of ID tokens, for TagURL too.
	URL string `json:"url,omitempty"`
}

// withDefaults returns the configuration with the defaults of what is not set.
func (c Config) withDefaults() Config {
	if len(c.Steps) == 0 {
		c.Steps = []int{5, 25, 100}
	}
	c.RestoreTimeout = cmp.Or(c.RestoreTimeout, DefaultRestoreTimeout)
	c.CheckTimeout = cmp.Or(c.CheckTimeout, DefaultCheckTimeout)
	return c
}

// validate reports all that is wrong with the configuration. The host limits the
// length of the tag.
func (c Config) validate(host split.Host) error {
	var problems []error
	refuse := func(field string, value any, reason string) {
		problems = append(problems, &cloudrun.OptionError{Option: fmt.Sprintf("Config.%s %v", field, value), Reason: reason})
	}
	if c.Revision != "" {
		if err := names.Revision(c.Revision); err != nil {
			refuse("Revision", c.Revision, err.Error())
		}
	}
	if c.RunID != "" {
		if err := runmark.Check(c.RunID); err != nil {
			refuse("RunID", strconv.Quote(c.RunID), err.Error())
		}
	}
	if c.Tag != "" {
		if err := split.CheckTag(c.Tag, host); err != nil {
			refuse("Tag", c.Tag, err.Error())
		}
	}
	if n := len(c.Steps); n > 0 && (c.Steps[0] < 0 || c.Steps[n-1] != 100 || !rising(c.Steps)) {
		refuse("Steps", c.Steps, "steps must rise from 0 or more to 100")
	}
	notNegative := func(field string, d time.Duration) {
		if d < 0 {
			refuse(field, d, "must not be negative")
		}
	}
	notNegative("Pause", c.Pause)
	notNegative("CheckTimeout", c.CheckTimeout)
	notNegative("RestoreTimeout", c.RestoreTimeout)
	return errors.Join(problems...)
}

func rising(steps []int) bool {
	return slices.IsSorted(steps) && len(slices.Compact(slices.Clone(steps))) == len(steps)
}

// stepFrom returns the first step of at least a percentage, or 0 if there is none.
func (c Config) stepFrom(percent int64) int64 {
	for _, step := range c.Steps {
		if int64(step) >= percent {
			return int64(step)
		}
	}
	return 0
}
