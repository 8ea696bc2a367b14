package runflags

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/internal/manifest"
	"github.com/cloudrun-go/cloudrun/internal/similar"
)

// The keys of a list of targets that are no flags.
const (
	keyDefaults = "defaults"
	keyServices = "services"
	keyService  = "service"
	keyProject  = "project"
	keyRegions  = "regions"
)

// maxTargets bounds a list of targets, in bytes and in targets.
const (
	maxTargetsText = 4 << 20
	maxTargets     = 10_000
)

// ParseTargets reads a list of targets for package fleet from YAML. The settings of a
// Service are gcloud's flags without their dashes; lists and dicts may be written
// as those of YAML:
//
//	defaults:
//	  project: my-project
//	  regions: [us-central1, europe-west1]
//	  allow-unauthenticated: true
//	services:
//	  - service: api
//	    image: us-docker.pkg.dev/my-project/app/api:v7
//	    set-env-vars: {MODE: production, REPLICAS: 3}
//	  - service: worker
//	    regions: [us-central1]
//	    image: us-docker.pkg.dev/my-project/app/worker:v7
//	    no-cpu-throttling: true
//
// There is a target for each Service in each of its regions. A setting of a Service
// replaces the default of the same name. Several containers take a manifest instead.
//
// The error joins one for every problem, with its line. It shows no values.
func ParseTargets(text []byte) ([]fleet.Target, error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	l := targetList{flags: map[string]*flag{}}
	for _, f := range table() {
		l.flags[f.name] = f
	}
	if root.Kind == yaml.MappingNode {
		l.read(root)
	} else {
		l.refuse(root, "it is not a mapping with the keys defaults and services")
	}
	if err := errors.Join(l.problems...); err != nil {
		return nil, err
	}
	return l.targets, nil
}

// parseYAML returns the one document of a text.
func parseYAML(text []byte) (*yaml.Node, error) {
	if len(text) > maxTargetsText {
		return nil, fmt.Errorf("the list of targets is larger than %d MiB", maxTargetsText>>20)
	}
	if line := manifest.OwnTag(text); line != 0 {
		return nil, fmt.Errorf("line %d: the value has a tag, because it begins with !: put it in quotes", line)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("the list of targets is not valid YAML%s", yamlProblem(err))
	}
	if len(document.Content) == 0 {
		return nil, errors.New("the list of targets is empty")
	}
	return document.Content[0], nil
}

// targetList is a list of targets that is being read.
type targetList struct {
	flags    map[string]*flag
	targets  []fleet.Target
	problems []error
}

func (l *targetList) refuse(at *yaml.Node, format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf("line %d: %s", at.Line, fmt.Sprintf(format, args...)))
}

// targetEntry is the settings of a Service, or the defaults.
type targetEntry struct {
	at               *yaml.Node
	service, project string
	regions          []string
	values           map[string]string // of the flags, as after their =
}

func (l *targetList) read(root *yaml.Node) {
	defaults := targetEntry{at: root}
	var services *yaml.Node
	l.each(root, func(key, value *yaml.Node) {
		switch key.Value {
		case keyDefaults:
			defaults = l.entry(value, defaults)
			if defaults.service != "" {
				l.refuse(value, "the defaults are for all services: remove the key %q", keyService)
			}
		case keyServices:
			services = value
		default:
			l.refuse(key, "unknown key %.40q: use %s or %s", key.Value, keyDefaults, keyServices)
		}
	})
	if services == nil || services.Kind != yaml.SequenceNode {
		l.refuse(root, "the key %q must have a list", keyServices)
		return
	}
	for _, s := range services.Content {
		l.add(l.entry(s, defaults))
	}
}

// each calls do for each key of a mapping and its value.
func (l *targetList) each(mapping *yaml.Node, do func(key, value *yaml.Node)) {
	if mapping.Kind != yaml.MappingNode {
		l.refuse(mapping, "it is not a mapping")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || value.Kind == yaml.AliasNode:
			l.refuse(key, "anchors and keys that are no words are not supported: use the defaults")
		case seen[key.Value]:
			l.refuse(key, "the key %.40q occurs twice", key.Value)
		default:
			do(key, value)
		}
		seen[key.Value] = true
	}
}

// entry reads the settings of a Service, which replace the defaults.
func (l *targetList) entry(mapping *yaml.Node, defaults targetEntry) targetEntry {
	e := defaults
	e.at, e.values = mapping, maps.Clone(defaults.values)
	if e.values == nil {
		e.values = map[string]string{}
	}
	l.each(mapping, func(key, value *yaml.Node) {
		switch key.Value {
		case keyService, keyProject:
			text, ok := scalar(value)
			if !ok {
				l.refuse(value, "the value of %q must be a word", key.Value)
			}
			if key.Value == keyService {
				e.service = text
			} else {
				e.project = text
			}
		case keyRegions:
			var ok bool
			if e.regions, ok = scalars(value); !ok {
				l.refuse(value, "the value of %q must be a list of regions", keyRegions)
			}
		default:
			l.setting(e.values, key, value)
		}
	})
	return e
}

// setting reads the value of a flag.
func (l *targetList) setting(values map[string]string, key, value *yaml.Node) {
	name, f, negated := l.find(key.Value)
	switch {
	case f == nil:
		l.refuse(key, "%s", l.unknown(key.Value))
		return
	case f.opens:
		l.refuse(key, "several containers are not supported here: use a manifest")
		return
	}
	if f.takes == takesValue {
		text, err := flagText(value)
		if err != nil {
			l.refuse(value, "%s: %v", key.Value, err)
		}
		values[name] = text
		return
	}
	on, ok := map[string]bool{"true": true, "false": false}[value.Value]
	switch {
	case value.Kind != yaml.ScalarNode || !ok:
		l.refuse(value, "%s: must be true or false", key.Value)
	case f.takes == takesNone && !on:
		delete(values, name)
	case on != negated:
		values[name] = "yes"
	default:
		values[name] = "no"
	}
}

// find returns the flag of a key, and whether the key negates it.
func (l *targetList) find(key string) (name string, f *flag, negated bool) {
	if f := l.flags[key]; f != nil {
		return key, f, false
	}
	if len(key) > len("no-") && key[:3] == "no-" {
		if f := l.flags[key[3:]]; f != nil && f.takes == takesSwitch {
			return key[3:], f, true
		}
	}
	return "", nil, false
}

func (l *targetList) unknown(key string) string {
	known := append(slices.Collect(maps.Keys(l.flags)), keyService, keyProject, keyRegions)
	slices.Sort(known)
	if near := similar.Name(key, known); near != "" {
		return fmt.Sprintf("unknown key %.40q: did you mean %q?", key, near)
	}
	return fmt.Sprintf("unknown key %.40q: use %s, %s, %s or a flag of gcloud run deploy", key, keyService, keyProject, keyRegions)
}

// add adds the targets of a Service.
func (l *targetList) add(e targetEntry) {
	switch {
	case e.service == "":
		l.refuse(e.at, "the key %q is missing", keyService)
	case len(e.regions) == 0:
		l.refuse(e.at, "service %.40q has no regions: set the key %q", e.service, keyRegions)
	case len(l.targets)+len(e.regions) > maxTargets:
		l.refuse(e.at, "there are more than %d targets", maxTargets)
		return
	}
	for i, region := range e.regions {
		p := newParsed("")
		for _, f := range table() {
			if value, ok := e.values[f.name]; ok {
				p.add(f, value)
			}
		}
		options, err := (&Flags{parsed: p, table: table()}).Options(e.project, region)
		if err != nil && !errors.Is(err, ErrNoChange) && i == 0 {
			l.refuse(e.at, "service %.40q: %v", e.service, err)
		}
		l.targets = append(l.targets, fleet.Target{Project: e.project, Region: region, Service: e.service, Options: options})
	}
}
