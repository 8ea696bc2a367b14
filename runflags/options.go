package runflags

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/similar"
)

// Option configures [Register], [RegisterTraffic] and [RegisterMember].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

// config is how flags are registered.
type config struct {
	stage    stage // the launch stage to declare in any case
	prefix   string
	only     []string // the flags to define; all if it is nil
	problems []error
}

// Beta declares the launch stage BETA in any case, as "gcloud beta" does.
func Beta() Option { return option(func(c *config) { c.stage = max(c.stage, beta) }) }

// Alpha declares the launch stage ALPHA in any case, as "gcloud alpha" does.
func Alpha() Option { return option(func(c *config) { c.stage = max(c.stage, alpha) }) }

// Only defines some of the flags, such as Only("image", "set-env-vars",
// "container"). A switch comes with its negation. Several Only add up.
func Only(flags ...string) Option {
	flags = slices.Clone(flags)
	return option(func(c *config) { c.only = append(append([]string{}, c.only...), flags...) })
}

// Prefix puts text before the name of every flag: Prefix("run-") defines
// --run-port and --no-run-cpu-boost. Programs use it whose own flags have the same names.
func Prefix(prefix string) Option { return option(func(c *config) { c.prefix = prefix }) }

func configOf(opts []Option) config {
	var c config
	for _, o := range opts {
		if o == nil {
			c.problems = append(c.problems, errors.New("an option of the flags is nil"))
			continue
		}
		o.apply(&c)
	}
	return c
}

// choose returns the flags to define, and errors about those that do not exist.
func (c config) choose(all []*flag) ([]*flag, []error) {
	if c.only == nil {
		return all, nil
	}
	var problems []error
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.name
	}
	for _, name := range c.only {
		if !slices.Contains(names, name) {
			problems = append(problems, unknownChoice(name, names))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(f *flag) bool { return !slices.Contains(c.only, f.name) }), problems
}

func unknownChoice(name string, names []string) error {
	if near := similar.Name(name, names); near != "" {
		return fmt.Errorf("runflags.Only: there is no flag %q: did you mean %q?", name, near)
	}
	return fmt.Errorf("runflags.Only: there is no flag %q", name)
}

// option returns the option that declares a stage other than ga.
func (s stage) option() cloudrun.LaunchStageOption {
	return cloudrun.WithLaunchStage([]string{beta: "BETA", alpha: "ALPHA"}[s])
}
