package edits

import (
	"errors"
	"slices"
)

// Target is what a set edits.
type Target interface {
	// Edit carries out one setting, by its function Do. It ignores functions of
	// a type that it does not know.
	Edit(Step) error
	// Settle is called in each layer before the caller's own edits, which are last.
	Settle()
}

// Step is the application of one setting.
type Step struct {
	Setting
	stronger []map[string]Setting // what is decided in the setting's own layer, and in stronger ones
}

// Apply carries the set out on a target, layer by layer. The error is a
// [Problems] with the errors of all edits. The caller's own edits are skipped if
// a setting is in error, because they may rely on it.
func (s *Set) Apply(t Target) error {
	var problems Problems
	for i, layer := range s.layers {
		custom := slices.IndexFunc(layer, func(set Setting) bool { return set.Phase == PhaseCustom })
		if custom < 0 {
			custom = len(layer)
		}
		problems = append(problems, run(t, layer[:custom], s.taken[i:])...)
		t.Settle()
		if len(s.wrong) > 0 {
			continue
		}
		problems = append(problems, run(t, layer[custom:], s.taken[i:])...)
	}
	return problems.orNil()
}

func run(t Target, settings []Setting, stronger []map[string]Setting) (problems Problems) {
	for _, set := range settings {
		err := t.Edit(Step{Setting: set, stronger: stronger})
		if err == nil {
			continue
		}
		problem := &Problem{}
		if !errors.As(err, &problem) {
			problem = &Problem{Option: set.Option, Reason: err.Error(), Err: err}
		}
		problems = append(problems, problem)
	}
	return problems
}

// Yields reports whether a setting of the whole must be skipped, because it
// turns out to be about an element, of which a stronger layer decides the same
// thing otherwise. If its own layer does, the error is the contradiction.
func (st Step) Yields(scope string) (bool, error) {
	for i, taken := range st.stronger {
		conflict := st.contradicts(taken, scope)
		switch {
		case conflict != nil && i == 0:
			return false, conflict
		case conflict != nil:
			return true, nil //nolint:nilerr // a stronger layer wins, so there is no contradiction
		}
	}
	return false, nil
}
