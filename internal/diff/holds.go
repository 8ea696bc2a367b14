package diff

import "slices"

// Holds reports whether the current Service, now, means what an edit changed from
// before to after. It ignores other differences, such as later changes and
// additions of the server. It is false if the edit changed nothing that has a meaning.
func Holds(before, after, now []byte) bool {
	wanted, err := Diff(before, after)
	if err != nil || len(wanted) == 0 {
		return false
	}
	lacking, err := Diff(after, now)
	if err != nil {
		return false
	}
	for _, w := range wanted {
		for _, l := range lacking {
			if undoes(l, w) {
				return false
			}
		}
	}
	return true
}

// undoes reports whether a later difference undoes a change. An addition undoes a
// removal only: the server adds its defaults.
func undoes(later, change Change) bool {
	if later.Kind == Added && change.Kind != Removed {
		return false
	}
	for i := range min(len(later.Path), len(change.Path)) {
		if later.Path[i] != change.Path[i] {
			return false
		}
	}
	return true
}

// Contains reports whether a Service has all that a configuration has.
func Contains(service, configuration []byte) bool {
	lacking, err := Diff(configuration, service)
	return err == nil && !slices.ContainsFunc(lacking, func(c Change) bool { return c.Kind != Added })
}
