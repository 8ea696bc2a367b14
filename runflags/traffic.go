package runflags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// ErrNoTraffic is returned when the flags change nothing about the traffic.
var ErrNoTraffic = errors.New("no traffic configuration change requested")

// TrafficFlags are the flags of "gcloud run services update-traffic" on a flag set.
type TrafficFlags struct {
	parsed  *parsed
	table   []*flag
	stage   stage
	origins origins // of the options that were made last
}

// RegisterTraffic defines the flags on a flag set, like [Register].
// With [Beta] or [Alpha], the change also declares that launch stage.
func RegisterTraffic(fs *pflag.FlagSet, opts ...Option) *TrafficFlags {
	c := configOf(opts)
	chosen, problems := c.choose(trafficFlags())
	f := &TrafficFlags{parsed: newParsed(c.prefix, append(c.problems, problems...)...), table: chosen, stage: c.stage}
	f.parsed.register(fs, chosen)
	return f
}

func trafficFlags() []*flag {
	return group("Traffic flags", []*flag{
		{name: "to-latest", takes: takesNone, usage: "send all traffic to the latest revision, now and in future"},
		{name: "to-revisions", metavar: "[REVISION=PERCENTAGE,...]", usage: "percentages of the traffic by revision; LATEST is the latest ready one"},
		{name: "to-tags", metavar: "[TAG=PERCENTAGE,...]", usage: "percentages of the traffic by tag"},
		{name: "set-tags", metavar: "[TAG=REVISION,...]", usage: "revisions (or LATEST) by tag, replacing all tags"},
		{name: "update-tags", metavar: "[TAG=REVISION,...]", usage: "revisions (or LATEST) by tag, to add or change"},
		{name: "remove-tags", metavar: "[TAG,...]", usage: "tags to remove"},
		{name: "clear-tags", takes: takesNone, usage: "remove all tags"},
	})
}

// Options returns the options for the flags that were given. The error joins one
// for every problem, or is [ErrNoTraffic].
func (f *TrafficFlags) Options() ([]cloudrun.TrafficOption, error) {
	if f == nil || f.parsed == nil {
		return nil, errNotRegistered
	}
	g := given{section: f.parsed.sections[0]}
	problems := append(slices.Clone(f.parsed.problems), checkExclusive([]exclusive{
		{"--to-latest", "--to-revisions", "--to-tags"},
		{"--clear-tags", "--set-tags", "--remove-tags --update-tags"},
	}, f.parsed.sections))
	var opts []cloudrun.TrafficOption
	for _, part := range []func(given) ([]cloudrun.TrafficOption, error){splitTraffic, setTags, changeTags} {
		made, err := part(g)
		opts, problems = append(opts, made...), append(problems, err)
	}
	f.origins = trafficOrigins(g, opts)
	if err := errors.Join(append(problems, f.origins.named(wrong(opts)))...); err != nil {
		return nil, err
	}
	if len(opts) == 0 {
		return nil, f.parsed.suggest(ErrNoTraffic, f.table, "to-latest", "to-revisions", "to-tags", "update-tags")
	}
	if f.stage > ga {
		opts = append(opts, f.stage.option())
	}
	return opts, nil
}

// Explain returns the error of a call with flags in place of options, like [Flags.Explain].
func (f *TrafficFlags) Explain(err error) error {
	if f == nil || f.parsed == nil {
		return err
	}
	return f.origins.explain(err)
}

// trafficOrigins returns the flags that options were made from. What the Service
// has decides only about --to-tags, for which the call as a whole is at fault.
func trafficOrigins(g given, opts []cloudrun.TrafficOption) origins {
	o := originsOf(g.section, map[string]string{"UpdateTraffic": "to-tags"})
	if !g.has("to-tags") {
		o.missing = nil
	}
	flags := map[string]string{
		"ToLatest": "to-latest", "ToRevision": "to-revisions", "ToTag": "to-tags",
		"SetTags": "set-tags", "WithTagOn": "update-tags", "WithoutTag": "remove-tags", "ClearTags": "clear-tags",
	}
	for _, option := range opts {
		name, _, _ := strings.Cut(option.Settings()[0].Option, "(")
		o.add(option, origin{g.section, flags[name]})
	}
	return o
}

// wrong returns what is wrong with options, as far as this is known without a Service.
func wrong(opts []cloudrun.TrafficOption) error {
	var problems edits.Problems
	if _, err := edits.New(edits.Of(opts)); !errors.As(err, &problems) {
		return err
	}
	all := make([]error, len(problems))
	for i, p := range problems {
		all[i] = &cloudrun.OptionError{Option: p.Option, Conflict: p.Conflict, Reason: p.Reason}
	}
	return errors.Join(all...)
}

func splitTraffic(g given) ([]cloudrun.TrafficOption, error) {
	revisions, err := percentages(g, "to-revisions", cloudrun.ToRevision)
	tags, tagsErr := percentages(g, "to-tags", cloudrun.ToTag)
	opts := append(revisions, tags...)
	if g.has("to-latest") {
		opts = append(opts, cloudrun.ToLatest())
	}
	return opts, errors.Join(err, tagsErr)
}

// percentages parses a dict of percentages.
func percentages(g given, name string, option func(string, int) cloudrun.TrafficOption) ([]cloudrun.TrafficOption, error) {
	dict, err := g.joinedDict(name)
	if err != nil {
		return nil, g.problems(name, err)
	}
	var opts []cloudrun.TrafficOption
	for _, key := range sortedKeys(dict) {
		percent, err := parseInt(dict[key])
		switch {
		case err != nil:
			err = fmt.Errorf("traffic percentage value %s is not an integer", dict[key])
		case percent < 0 || percent > 100:
			err = fmt.Errorf("traffic percentage value %d is not between 0 and 100", percent)
		}
		if err != nil {
			return nil, g.problems(name, err)
		}
		opts = append(opts, option(key, percent))
	}
	return opts, nil
}

func setTags(g given) ([]cloudrun.TrafficOption, error) {
	tags, err := g.joinedDict("set-tags")
	switch {
	case err != nil:
		return nil, g.problems("set-tags", err)
	case g.has("clear-tags"):
		return []cloudrun.TrafficOption{cloudrun.ClearTags()}, nil
	case len(tags) > 0:
		return []cloudrun.TrafficOption{cloudrun.SetTags(tags)}, nil
	}
	return nil, nil
}

// changeTags removes tags, except those that the same command sets: gcloud removes first.
func changeTags(g given) ([]cloudrun.TrafficOption, error) {
	updated, err := g.joinedDict("update-tags")
	if err != nil {
		return nil, g.problems("update-tags", err)
	}
	removed, err := g.uniqueList("remove-tags")
	if err != nil {
		return nil, g.problems("remove-tags", err)
	}
	removed = slices.DeleteFunc(removed, func(tag string) bool { _, ok := updated[tag]; return ok })
	var opts []cloudrun.TrafficOption
	if len(removed) > 0 {
		opts = append(opts, cloudrun.WithoutTag(removed...))
	}
	for _, tag := range sortedKeys(updated) {
		opts = append(opts, cloudrun.WithTagOn(tag, updated[tag]))
	}
	return opts, nil
}
