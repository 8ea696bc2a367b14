package fleet

import (
	"errors"
	"slices"

	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/runmark"
)

// DefaultConcurrency is the default of [WithConcurrency].
const DefaultConcurrency = 64

// Option configures [Deploy] and [Plan]. A nil Option is an error.
type Option interface{ apply(c *config) }

// setting is an option that sets something.
type setting func(*config)

func (s setting) apply(c *config) { s(c) }

// config is what the options of a call set.
type config struct {
	client        *cloudrun.Client // nil to make one
	clientOptions []option.ClientOption
	defaults      []cloudrun.DeployOption
	runID         string
	concurrency   int
	waves         []func(Target) bool
	stopAfter     int // 0 for never
	rollback      bool
	handlers      []func(Event)
	problems      []error
}

// newConfig returns the configuration that options make, and all that is wrong with it.
func newConfig(opts []Option) (config, error) {
	c := config{runID: "run-" + string(nonce.New()), concurrency: DefaultConcurrency, stopAfter: -1}
	for _, o := range opts {
		if o == nil {
			c.refuse("fleet.Option", "an option is nil")
			continue
		}
		o.apply(&c)
	}
	if c.stopAfter < 0 {
		c.stopAfter = min(len(c.waves), 1)
		if c.rollback {
			c.stopAfter = 1
		}
	}
	if err := cloudrun.CheckOptions(c.defaults...); err != nil {
		c.problems = append(c.problems, err)
	}
	return c, errors.Join(c.problems...)
}

func (c *config) refuse(option, reason string) {
	c.problems = append(c.problems, &cloudrun.OptionError{Option: option, Reason: reason})
}

// WithClient makes the Clients of all targets from one: they share its credentials
// and connections. Without it, Deploy makes one; see [WithClientOptions].
func WithClient(client *cloudrun.Client) Option {
	return setting(func(c *config) {
		if c.client = client; client == nil {
			c.refuse("fleet.WithClient", "the client is nil")
		}
	})
}

// WithClientOptions sets the options with which the Client is made, such as its
// credentials.
func WithClientOptions(opts ...option.ClientOption) Option {
	return setting(func(c *config) { c.clientOptions = append(c.clientOptions, opts...) })
}

// WithDefaults sets options for all targets. Those of a target take precedence.
func WithDefaults(opts ...cloudrun.DeployOption) Option {
	return setting(func(c *config) { c.defaults = append(c.defaults, opts...) })
}

// WithRunID sets the ID of the run, such as a commit or the number of a build. A
// call with the ID of an earlier one goes on with it: what that has deployed is not
// deployed again, only waited for, and what failed is tried once more. See
// [cloudrun.WithRunID]. The default is a random ID, which the [Report] has.
//
// An ID belongs to one set of targets and options. Give another version another ID.
func WithRunID(id string) Option {
	return setting(func(c *config) {
		if err := runmark.Check(id); err != nil {
			c.refuse("fleet.WithRunID", err.Error())
		}
		c.runID = id
	})
}

// WithConcurrency sets how many targets of one project and region are under way
// at a time; the default is [DefaultConcurrency]. Most of the time a target waits
// until its Revision is ready, so a large number is no burden: requests have a
// limit of their own.
func WithConcurrency(n int) Option {
	return setting(func(c *config) {
		if n < 1 {
			c.refuse("fleet.WithConcurrency", "must be at least 1")
		}
		c.concurrency = n
	})
}

// WithWaves sets the order of the targets: first those that the first function
// selects, then of the others those that the second one selects, and so on. The rest comes
// last. A wave begins when the one before it has ended and [WithStopAfter] allows it.
// [InRegion] and [OfService] return such functions.
func WithWaves(first ...func(Target) bool) Option {
	return setting(func(c *config) {
		if slices.ContainsFunc(first, func(f func(Target) bool) bool { return f == nil }) {
			c.refuse("fleet.WithWaves", "a function is nil")
		}
		c.waves = slices.Clone(first)
	})
}

// WithStopAfter sets after how many failures no other target is begun. Those under
// way are ended; the rest is skipped. 0 means never. The default is 1 with
// [WithWaves] or [WithRollback], and otherwise 0.
func WithStopAfter(failures int) Option {
	return setting(func(c *config) {
		if failures < 0 {
			c.refuse("fleet.WithStopAfter", "must not be negative")
		}
		c.stopAfter = failures
	})
}

// WithRollback makes the traffic of a wave in which the run stops go back to what
// served before: of all its targets, also those that succeeded. A new Service stays,
// because nothing served before. Earlier waves stay, and so does a wave that the end
// of the context interrupts. The traffic is pinned then: the
// next deployment gets it with [cloudrun.ToLatest].
func WithRollback() Option { return setting(func(c *config) { c.rollback = true }) }

// WithProgress calls handle for every [Event]: one call at a time, and never after
// Deploy has returned. handle should be quick, because the work waits for it.
func WithProgress(handle func(Event)) Option {
	return setting(func(c *config) {
		if handle == nil {
			c.refuse("fleet.WithProgress", "the function is nil")
			return
		}
		c.handlers = append(c.handlers, handle)
	})
}
