package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Grant is one role of one member, perhaps under a condition.
type Grant struct {
	binding key
	member  string
}

// Grants is all that a policy grants. Policies are compared by their grants,
// because the order and the grouping of bindings and members have no meaning.
type Grants map[Grant]bool

// GrantsOf returns the grants of a policy.
func GrantsOf(raw []byte) (Grants, error) {
	_, bindings, err := parse(raw)
	if err != nil {
		return nil, err
	}
	all := Grants{}
	for i, b := range bindings {
		var members []string
		if len(b["members"]) > 0 {
			if err := json.Unmarshal(b["members"], &members); err != nil {
				return nil, fmt.Errorf("%w: bindings[%d].members: %w", ErrNoPolicy, i, err)
			}
		}
		for _, m := range members {
			all[Grant{keyOf(b), Fold(m)}] = true
		}
	}
	return all, nil
}

// Equal reports whether two policies grant the same.
func (g Grants) Equal(other Grants) bool { return maps.Equal(g, other) }

// Hold reports whether a policy has everything that a change from one policy to
// another adds, and nothing that it removes.
func (g Grants) Hold(from, to Grants) bool {
	for grant := range to {
		if !from[grant] && !g[grant] {
			return false
		}
	}
	for grant := range from {
		if !to[grant] && g[grant] {
			return false
		}
	}
	return true
}

// Touched returns the members whom an organization policy may forbid, sorted:
// those of the grants that a change adds, or of all grants if it adds none.
func Touched(from, to Grants) []string {
	members := map[string]bool{}
	for grant := range to {
		if !from[grant] {
			members[grant.member] = true
		}
	}
	if len(members) == 0 {
		for grant := range to {
			members[grant.member] = true
		}
	}
	return slices.Sorted(maps.Keys(members))
}
