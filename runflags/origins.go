package runflags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/joined"
)

// origin is the flag that an option was made from.
type origin struct {
	*section
	name string
}

// Explain returns the error of a call with the flags in place of the options
// that [Flags.Options] made from them, where it is about such options: the
// argument --memory rather than WithMemory. Other errors are returned unchanged.
func (f *Flags) Explain(err error) error {
	if f == nil || f.parsed == nil {
		return err
	}
	return f.origins.explain(err)
}

// origins are the flags that the options of a call were made from.
type origins struct {
	byOption map[string]origin // by the spelling of the option
	missing  map[string]string // names of flags by the names of options that may be missing
	first    *section          // precedes any --container
}

// originsOf returns no origins, for flags whose first section is given.
func originsOf(first *section, missing map[string]string) origins {
	return origins{map[string]origin{}, missing, first}
}

// add notes the flag that an option was made from.
func (o origins) add(option edits.Option, by origin) {
	for _, set := range option.Settings() {
		for _, spelled := range by.spellings(set.Option) {
			o.byOption[spelled] = by
		}
	}
}

// explain returns the error of a call with flags in place of options.
func (o origins) explain(err error) error {
	call, ok := err.(*cloudrun.DeployError) //nolint:errorlint // what wraps it would be lost
	if !ok {
		return err
	}
	explained := *call
	explained.Err = o.named(call.Err)
	return &explained
}

// named returns errors of options as errors of the flags that they were made from.
func (o origins) named(err error) error { return joined.Map(err, o.namedOne) }

func (o origins) namedOne(err error) error {
	if late, ok := err.(*cloudrun.TimeoutError); ok { //nolint:errorlint // what wraps it would be lost
		return goesOn(late)
	}
	option, ok := err.(*cloudrun.OptionError) //nolint:errorlint // errors that wrap one have more to say
	if !ok {
		return err
	}
	by, ok := o.origin(option.Option)
	if !ok {
		return err
	}
	if option.Conflict == "" {
		return by.problems(by.name, errors.New(o.inFlags(option.Reason)))
	}
	against, ok := o.origin(option.Conflict)
	switch {
	case !ok:
		return err
	case excluded(by, against):
		return nil // which is reported as such
	}
	return by.problems(by.name, errors.New("contradicts "+against.flag(against.name)+": "+option.Reason))
}

// worded is an error with another text.
type worded struct {
	text string
	err  error
}

func (w *worded) Error() string { return w.text }
func (w *worded) Unwrap() error { return w.err }

// goesOn returns the error of a wait with a command in place of the functions
// that go on waiting.
func goesOn(late *cloudrun.TimeoutError) error {
	seen, functions, ok := strings.Cut(late.Error(), "; it goes on: ")
	if !ok || !strings.HasPrefix(functions, "wait with ") {
		return late
	}
	return &worded{fmt.Sprintf("%s; it goes on: \"gcloud run services describe %s\" shows when it is ready", seen, late.Service), late}
}

// origin returns the flag of an option, or of several that were made from one.
// The name alone is an option that is missing.
func (o origins) origin(option string) (origin, bool) {
	several, _, _ := strings.Cut(option, " and ")
	for _, spelled := range []string{option, several} {
		if by, ok := o.byOption[spelled]; ok {
			return by, true
		}
	}
	name := o.missing[option]
	return origin{o.first, name}, name != ""
}

// excluded reports whether two flags cannot be given together.
func excluded(a, b origin) bool {
	return a.section == b.section && slices.ContainsFunc(groups(), func(e exclusive) bool { return e.has(a.name) && e.has(b.name) })
}

func (e exclusive) has(name string) bool {
	return slices.Contains(strings.Fields(strings.Join(e, " ")), "--"+name)
}

// spellings are how the errors of a call may spell an option of a section.
func (s *section) spellings(option string) []string {
	if s.container == "" {
		return []string{option}
	}
	return []string{edits.Spell("WithContainer", s.container) + " " + option, edits.Spell("SetContainer", s.container) + " " + option}
}

// advised are options that reasons advise to use: the name, and the argument if there is one.
var advised = pattern(`\b(WithPort|WithContainer|WithoutEnv|WithoutSecret|WithoutGPU|WithoutCommand|WithoutArgs|WithoutVolumeMount|ClearNetworkTags|WithNoTrafficIfExists)\b(\("([^"]*)"\))?`)

// inFlags returns a reason with flags in place of options.
func (o origins) inFlags(reason string) string {
	flags := map[string]string{
		"WithPort": "port", "WithContainer": "container", "WithoutEnv": "remove-env-vars", "WithoutSecret": "remove-secrets", "WithoutGPU": "gpu=0",
		"WithoutCommand": "command=", "WithoutArgs": "args=", "WithoutVolumeMount": "remove-volume-mount", "ClearNetworkTags": "clear-network-tags",
		"WithNoTrafficIfExists": "no-traffic-if-exists",
	}
	return advised().ReplaceAllStringFunc(reason, func(option string) string {
		parts := advised().FindStringSubmatch(option)
		flag := o.first.flag(flags[parts[1]])
		if parts[3] != "" {
			flag += "=" + parts[3]
		}
		return flag
	})
}
