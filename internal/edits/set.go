package edits

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// Set is a checked collection of settings. It does not change once it is made.
type Set struct {
	layers [][]Setting          // from the weakest to the strongest, each in the order of application
	taken  []map[string]Setting // for each layer: things, and the settings that decide them
	wrong  []Setting            // those in error, which are not applied
}

// New checks the settings of a call. They come in layers, from the weakest to
// the strongest: a setting gives way if a stronger layer decides the same thing
// otherwise. Within a layer, that is a contradiction.
//
// The error is a [Problems] with everything that is wrong. The set has all
// settings that are right, even with an error.
func New(layers ...[]Setting) (*Set, error) {
	s := &Set{}
	var problems Problems
	for _, all := range layers {
		good, wrong, bad := sortOut(all)
		taken, conflicts := take(good)
		problems = append(append(problems, bad...), conflicts...)
		s.wrong = append(s.wrong, wrong...)
		for i := range s.layers {
			s.layers[i] = slices.DeleteFunc(s.layers[i], func(weak Setting) bool { return weak.contradicts(taken, weak.Scope) != nil })
		}
		s.layers = append(s.layers, good)
		s.taken = append(s.taken, taken)
	}
	for i := range s.layers {
		s.layers[i] = slices.DeleteFunc(s.layers[i], func(set Setting) bool { return s.Decides(set.Unless) })
	}
	return s, problems.orNil()
}

// sortOut puts the settings of a layer in the order of application, without
// those that are in error.
func sortOut(all []Setting) (good, wrong []Setting, problems Problems) {
	for _, s := range all {
		if err := errors.Join(s.Err, s.WholeErr); err != nil {
			wrong = append(wrong, s)
			problems = append(problems, &Problem{Option: s.Option, Reason: err.Error()})
			continue
		}
		good = append(good, s)
	}
	slices.SortStableFunc(good, order)
	return good, wrong, problems
}

// order is the order of application. The order of a caller's options does not
// show in it, except for the caller's own edits.
func order(a, b Setting) int {
	if a.Phase != b.Phase || a.Phase == PhaseCustom {
		return cmp.Compare(a.Phase, b.Phase)
	}
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), strings.Compare(a.sortKey(), b.sortKey()))
}

// take notes which setting decides what, and finds the contradictions.
func take(settings []Setting) (taken map[string]Setting, conflicts Problems) {
	taken = map[string]Setting{}
	for _, s := range settings {
		if conflict := s.contradicts(taken, s.Scope); conflict != nil {
			conflicts = append(conflicts, conflict)
			continue
		}
		for _, c := range s.Claims {
			key := spell(c.Thing, s.Scope)
			if _, ok := taken[key]; !ok {
				taken[key] = s
			}
		}
	}
	return taken, conflicts
}

// contradicts finds a setting that decides a thing otherwise than s, if s is about the scope.
func (s Setting) contradicts(taken map[string]Setting, scope string) *Problem {
	for _, c := range s.Claims {
		key := spell(c.Thing, scope)
		if other, ok := taken[key]; ok && other.value(key) != c.value() {
			return &Problem{Option: s.Option, Conflict: other.Option, Reason: "both decide " + key}
		}
	}
	return nil
}

// value is what the setting claims of a thing, which is spelled with its scope.
func (s Setting) value(key string) string {
	for _, c := range s.Claims {
		if spell(c.Thing, s.Scope) == key {
			return c.value()
		}
	}
	return ""
}

// Decides reports whether a setting decides a thing of the whole.
func (s *Set) Decides(thing string) bool {
	return slices.ContainsFunc(s.taken, func(taken map[string]Setting) bool { _, ok := taken[thing]; return ok })
}

// Decision returns the option that decides a thing of the whole, and its value.
// Of several layers the strongest one decides. ok is false if none does.
func (s *Set) Decision(thing string) (option, value string, ok bool) {
	for _, taken := range slices.Backward(s.taken) {
		if by, ok := taken[thing]; ok {
			return by.Option, by.value(thing), true
		}
	}
	return "", "", false
}

// DecidesAnywhere reports whether a setting that is in force decides a thing,
// of the whole or of any element.
func (s *Set) DecidesAnywhere(thing string) bool {
	return s.any(func(set Setting) bool { return set.claims(thing) })
}

// DecidesIn reports whether a setting that is in force decides a thing in a scope.
func (s *Set) DecidesIn(thing, scope string) bool {
	return s.any(func(set Setting) bool { return set.Scope == scope && set.claims(thing) })
}

// Failed reports whether a setting in error is about a thing of a scope, so that
// what is missing there was asked for.
func (s *Set) Failed(thing, scope string) bool {
	return slices.ContainsFunc(s.wrong, func(wrong Setting) bool { return wrong.Scope == scope && wrong.claims(thing) })
}

// Mentions reports whether a setting is about a thing, of the whole or of any
// element, whether it is in force or in error.
func (s *Set) Mentions(thing string) bool {
	return s.DecidesAnywhere(thing) || slices.ContainsFunc(s.wrong, func(wrong Setting) bool { return wrong.claims(thing) })
}

// Has reports whether the function of a setting that is in force has the type F.
func Has[F any](s *Set) bool {
	return s.any(func(set Setting) bool { _, ok := set.Do.(F); return ok })
}

func (s *Set) any(is func(Setting) bool) bool {
	return slices.ContainsFunc(s.layers, func(layer []Setting) bool { return slices.ContainsFunc(layer, is) })
}

// Configure returns a configuration as the settings have it: they start from
// the defaults. Settings that configure something else, or edit, are ignored.
func Configure[C any](s *Set, defaults C) C {
	for _, layer := range s.layers {
		for _, set := range layer {
			if do, ok := set.Do.(func(*C)); ok {
				do(&defaults)
			}
		}
	}
	return defaults
}
