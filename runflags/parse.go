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

// kind is the kind of value that a flag takes.
type kind int

const (
	takesValue  kind = iota
	takesNone        // no value
	takesSwitch      // --x and --no-x
)

// stage is the launch stage that a feature requires.
type stage int

const (
	ga stage = iota
	beta
	alpha
)

// flag defines one of gcloud's flags. Its functions make options from what was
// given; a flag that only another flag reads has none.
type flag struct {
	name    string
	usage   string
	metavar string // the form of the value; by default the name in capitals
	group   string // the title of its group
	takes   kind
	stage   stage
	hidden  bool
	opens   bool // it is --container

	perContainer bool // may follow --container
	container    func(given) ([]cloudrun.ContainerOption, error)
	workload     func(given) ([]cloudrun.WorkloadOption, error)
	service      func(given) ([]cloudrun.ServiceOption, error)
	deploy       func(given) ([]cloudrun.DeployOption, error)
	aside        bool // does not change the Service
}

// inContainer marks flags as ones that may follow --container.
func inContainer(flags ...*flag) []*flag {
	for _, f := range flags {
		f.perContainer = true
	}
	return flags
}

// section holds the flags given before the first --container, or after one.
type section struct {
	container string
	prefix    string
	values    map[string][]string // by flag name, in the order given
}

// flag returns a flag as the user writes it.
func (s *section) flag(name string) string { return "--" + s.prefix + name }

// parsed collects the flags that are given, in order.
type parsed struct {
	sections []*section // the first precedes any --container
	current  *section
	problems []error
}

var errNotRegistered = errors.New("the flags are not registered: use Register, RegisterTraffic or RegisterMember")

func newParsed(prefix string, problems ...error) *parsed {
	first := &section{prefix: prefix, values: map[string][]string{}}
	return &parsed{sections: []*section{first}, current: first, problems: problems}
}

// open starts or continues the section of a container.
func (p *parsed) open(container string) {
	for _, s := range p.sections[1:] {
		if s.container == container {
			p.current = s
			return
		}
	}
	p.current = &section{container: container, prefix: p.current.prefix, values: map[string][]string{}}
	p.sections = append(p.sections, p.current)
}

// add records a flag that was given.
func (p *parsed) add(f *flag, raw string) {
	if p.current.container != "" && !f.perContainer {
		p.problems = append(p.problems, fmt.Errorf("unrecognized arguments: %s: flags that are not about one container must precede %s", p.current.flag(f.name), p.current.flag("container")))
		return
	}
	p.current.values[f.name] = append(p.current.values[f.name], raw)
}

// register defines flags on a flag set.
func (p *parsed) register(fs *pflag.FlagSet, flags []*flag) {
	if fs == nil {
		p.problems = append(p.problems, errors.New("the flag set is nil"))
		return
	}
	for _, f := range flags {
		p.define(fs, f, p.current.prefix+f.name, "yes", f.hidden)
		if f.takes == takesSwitch {
			p.define(fs, f, "no-"+p.current.prefix+f.name, "no", true)
		}
	}
}

func (p *parsed) define(fs *pflag.FlagSet, f *flag, name, means string, hidden bool) {
	if fs.Lookup(name) != nil {
		p.problems = append(p.problems, fmt.Errorf("the program has a flag --%s of its own: use runflags.Prefix, or runflags.Only without it", name))
		return
	}
	fs.Var(&value{parsed: p, flag: f, name: name, means: means}, name, f.usage)
	defined := fs.Lookup(name)
	defined.Hidden = hidden
	defined.Annotations = map[string][]string{GroupAnnotation: {f.group}}
	if f.takes == takesSwitch {
		defined.Annotations[negatable] = []string{"true"}
	}
	if f.takes != takesValue {
		defined.NoOptDefVal = means
	}
}

// value implements pflag.Value.
type value struct {
	parsed *parsed
	flag   *flag
	name   string
	means  string // the value recorded for a flag without one
}

func (v *value) String() string { return "" }

// Type returns the form of the value, as the help of pflag shows it.
func (v *value) Type() string {
	switch {
	case v.flag.takes != takesValue:
		return "bool"
	case v.flag.metavar != "":
		return v.flag.metavar
	}
	return strings.ToUpper(strings.ReplaceAll(v.flag.name, "-", "_"))
}

// Set records what was given. Options reports all problems at once.
func (v *value) Set(raw string) error {
	if v.flag.opens {
		if raw == "" {
			return errors.New("the name is empty")
		}
		v.parsed.open(raw)
		return nil
	}
	if v.flag.takes != takesValue && raw != v.means {
		v.parsed.problems = append(v.parsed.problems, &ArgumentError{Flag: "--" + v.name, Container: v.parsed.current.container,
			Err: fmt.Errorf("ignored explicit argument '%s'", raw)})
		return nil
	}
	v.parsed.add(v.flag, raw)
	return nil
}

// given is the input of a flag's functions: its own section.
type given struct {
	*section
	name            string     // the flag's own
	containers      []*section // those that follow a --container
	project, region string
	stage           *stage
}

func (g given) has(flag string) bool { return len(g.values[flag]) > 0 }

// text returns the last value of a flag, which overrides earlier ones.
func (g given) text(flag string) string {
	if all := g.values[flag]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// on reports whether the last of --x and --no-x was --x.
func (g given) on(flag string) bool { return g.text(flag) == "yes" }

// hasContainer reports whether there is a --container of that name.
func (g given) hasContainer(name string) bool {
	return slices.ContainsFunc(g.containers, func(s *section) bool { return s.container == name })
}

// needs records the launch stage that a value requires.
func (g given) needs(s stage) { *g.stage = max(*g.stage, s) }

// joinedList returns the list that all occurrences of a flag form together.
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

// uniqueList returns a joinedList without duplicates, which are an error. Blanks before an item are dropped.
func (g given) uniqueList(flag string) ([]string, error) {
	all, err := g.joinedList(flag)
	for i := range all {
		all[i] = strings.TrimLeft(all[i], " \t")
		if slices.Contains(all[:i], all[i]) {
			return nil, fmt.Errorf("%q cannot be specified multiple times", edits.Variable(all[i]))
		}
	}
	return all, err
}

// joinedDict returns the dict that all occurrences of a flag form together.
func (g given) joinedDict(flag string) (map[string]string, error) {
	all := map[string]string{}
	for _, raw := range g.values[flag] {
		dict, err := parseDict(raw)
		if err != nil {
			return nil, err
		}
		for _, key := range sortedKeys(dict) {
			if _, ok := all[key]; ok {
				return nil, fmt.Errorf("%q cannot be specified multiple times", key)
			}
			all[key] = dict[key]
		}
	}
	return all, nil
}

// exclusive lists alternatives of which only one may be given. Each is a list of
// flags that go together, as gcloud prints it.
type exclusive []string

// check reports flags in a section that exclude each other.
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
	all := strings.ReplaceAll(strings.Join(e, " | "), "--", s.flag(""))
	return s.problems(strings.TrimPrefix(blamed, "--"), fmt.Errorf("at most one of %s can be specified", all))
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
