package runflags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/cloudrun-go/cloudrun"
)

// kind is what a flag takes.
type kind int

const (
	takesValue  kind = iota
	takesNone        // the flag alone says all
	takesSwitch      // --x and --no-x
)

// stage is the launch stage that a feature needs.
type stage int

const (
	ga stage = iota
	beta
	alpha
)

// flag is one of gcloud's flags: all that is known of it, in one place. It
// makes options of what was given; one that is only read by another flag has
// none of the functions.
type flag struct {
	name   string
	usage  string // as pflag takes it, with the name of the value in backquotes
	takes  kind
	stage  stage
	hidden bool

	perContainer bool // it may follow --container
	container    func(given) ([]cloudrun.ContainerOption, error)
	service      func(given) ([]cloudrun.ServiceOption, error)
	deploy       func(given) ([]cloudrun.DeployOption, error)
	aside        bool // what it asks for is no change of the Service
}

// inContainer marks flags that may follow --container.
func inContainer(flags ...*flag) []*flag {
	for _, f := range flags {
		f.perContainer = true
	}
	return flags
}

// section is what was given before the first --container, or after one.
type section struct {
	container string
	values    map[string][]string // by the flag's name, in the order given
}

// parsed collects what flags are given, in their order.
type parsed struct {
	sections []*section // the first is that before any --container
	current  *section
	problems []error
}

func newParsed() *parsed {
	first := &section{values: map[string][]string{}}
	return &parsed{sections: []*section{first}, current: first}
}

// open begins the section of a container, or continues it.
func (p *parsed) open(container string) {
	for _, s := range p.sections[1:] {
		if s.container == container {
			p.current = s
			return
		}
	}
	p.current = &section{container: container, values: map[string][]string{}}
	p.sections = append(p.sections, p.current)
}

// add notes a flag that is given.
func (p *parsed) add(f *flag, raw string) {
	if p.current.container != "" && !f.perContainer {
		p.problems = append(p.problems, fmt.Errorf("unrecognized arguments: --%s: flags that are not about one container must stand before --container", f.name))
		return
	}
	p.current.values[f.name] = append(p.current.values[f.name], raw)
}

// register defines flags on a flag set.
func (p *parsed) register(fs *pflag.FlagSet, flags []*flag) {
	for _, f := range flags {
		p.define(fs, f, f.name, "yes", f.hidden)
		if f.takes == takesSwitch {
			p.define(fs, f, "no-"+f.name, "no", true)
		}
	}
}

func (p *parsed) define(fs *pflag.FlagSet, f *flag, name, means string, hidden bool) {
	fs.Var(&value{parsed: p, flag: f, name: name, means: means}, name, f.usage)
	defined := fs.Lookup(name)
	defined.Hidden = hidden
	if f.takes != takesValue {
		defined.NoOptDefVal = means
	}
}

// value is how pflag sees a flag.
type value struct {
	parsed *parsed
	flag   *flag
	name   string
	means  string // what is noted for a flag that takes no value
}

func (v *value) String() string { return "" }

func (v *value) Type() string {
	if v.flag.takes == takesValue {
		return "string"
	}
	return "bool"
}

// Set notes what was given. What is wrong with it is told by Options, all at once.
func (v *value) Set(raw string) error {
	if v.flag.takes != takesValue && raw != v.means {
		v.parsed.problems = append(v.parsed.problems, &ArgumentError{Flag: "--" + v.name, Container: v.parsed.current.container,
			Err: fmt.Errorf("ignored explicit argument '%s'", raw)})
		return nil
	}
	v.parsed.add(v.flag, raw)
	return nil
}

// given is what a flag's function sees: its own section.
type given struct {
	*section
	name            string     // the flag's own
	containers      []*section // those after a --container
	project, region string
	stage           *stage
}

func (g given) has(flag string) bool { return len(g.values[flag]) > 0 }

// text is the last value of a flag; those before it are overridden.
func (g given) text(flag string) string {
	if all := g.values[flag]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// on is the last of --x and --no-x.
func (g given) on(flag string) bool { return g.text(flag) == "yes" }

// hasContainer reports whether there is a --container of that name.
func (g given) hasContainer(name string) bool {
	return slices.ContainsFunc(g.containers, func(s *section) bool { return s.container == name })
}

// needs notes the launch stage that a value needs.
func (g given) needs(s stage) { *g.stage = max(*g.stage, s) }

// joinedList is the list that all occurrences of a flag make together.
func (g given) joinedList(flag string) ([]string, error) {
	var all []string
	for _, raw := range g.values[flag] {
		items, err := splitList(raw)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
	return all, nil
}

// uniqueList is a joinedList in which nothing may occur twice. Blanks before an item are dropped.
func (g given) uniqueList(flag string) ([]string, error) {
	all, err := g.joinedList(flag)
	for i := range all {
		all[i] = strings.TrimLeft(all[i], " \t")
		if slices.Contains(all[:i], all[i]) {
			return nil, fmt.Errorf("%q cannot be specified multiple times", all[i])
		}
	}
	return all, err
}

// joinedDict is the dict that all occurrences of a flag make together.
func (g given) joinedDict(flag string) (map[string]string, error) {
	all := map[string]string{}
	for _, raw := range g.values[flag] {
		dict, err := parseDict(raw)
		if err != nil {
			return nil, err
		}
		for _, key := range sortedKeys(dict) {
			if old, ok := all[key]; ok {
				return nil, fmt.Errorf("%q cannot be specified multiple times; received: %s, %s", key, old, dict[key])
			}
			all[key] = dict[key]
		}
	}
	return all, nil
}

// exclusive are flags of which only one may be given. Each alternative is a
// list of flags that go together, as gcloud prints it.
type exclusive []string

// check finds flags in a section that exclude each other.
func (e exclusive) check(s *section) error {
	blamed, used := "", 0
	for _, alternative := range e {
		i := slices.IndexFunc(strings.Fields(alternative), func(word string) bool { return len(s.values[strings.TrimPrefix(word, "--")]) > 0 })
		if i < 0 {
			continue
		}
		if used++; blamed == "" {
			blamed = strings.Fields(alternative)[i]
		}
	}
	if used < 2 {
		return nil
	}
	return &ArgumentError{Flag: blamed, Container: s.container, Err: fmt.Errorf("at most one of %s can be specified", strings.Join(e, " | "))}
}

func checkExclusive(groups []exclusive, sections []*section) error {
	var problems []error
	for _, s := range sections {
		for _, e := range groups {
			problems = append(problems, e.check(s))
		}
	}
	return errors.Join(problems...)
}
