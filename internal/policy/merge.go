package policy

import (
	"encoding/json"
	"maps"
	"slices"
)

// mergeBindings returns the wanted bindings, each with the fields of the existing
// binding that it continues. Bindings without members are dropped.
func mergeBindings(have, want []object) []object {
	existing, wanted := byKey(have), byKey(want)
	merged := slices.Clone(want)
	for k, indexes := range wanted {
		for w, h := range continued(pick(have, existing[k]), pick(want, indexes)) {
			b := maps.Clone(have[existing[k][h]])
			b["members"] = want[indexes[w]]["members"]
			merged[indexes[w]] = b
		}
	}
	return slices.DeleteFunc(merged, func(b object) bool { return !hasMembers(b) })
}

// byKey returns the positions of the bindings of each role and condition.
func byKey(bindings []object) map[key][]int {
	all := map[key][]int{}
	for i, b := range bindings {
		k := keyOf(b)
		all[k] = append(all[k], i)
	}
	return all
}

func pick(bindings []object, indexes []int) []members {
	var all []members
	for _, i := range indexes {
		all = append(all, membersOf(bindings[i]))
	}
	return all
}

// maxPairs bounds how many bindings of one role and condition are compared with each other.
const maxPairs = 10_000

// continued returns which binding each of the wanted ones continues, of those
// of one role and condition: the one with the same members or else the one with
// the most of them. If they share none, the order decides.
func continued(have, want []members) map[int]int {
	m := matching{of: map[int]int{}, taken: map[int]bool{}}
	m.equal(have, want)
	if len(have)*len(want) <= maxPairs {
		m.similar(have, want)
	}
	free := 0
	for w := range want {
		for m.taken[free] {
			free++
		}
		if _, done := m.of[w]; !done && free < len(have) {
			m.add(w, free)
		}
	}
	return m.of
}

// matching is which binding continues which.
type matching struct {
	of    map[int]int // by the index of the wanted binding
	taken map[int]bool
}

func (m matching) add(w, h int) { m.of[w], m.taken[h] = h, true }

// equal matches the bindings that have the same members.
func (m matching) equal(have, want []members) {
	same := map[string][]int{}
	for h, b := range have {
		same[b.text()] = append(same[b.text()], h)
	}
	for w, b := range want {
		if twins := same[b.text()]; len(twins) > 0 {
			m.add(w, twins[0])
			same[b.text()] = twins[1:]
		}
	}
}

// similar matches the bindings that share members, those that share most first.
func (m matching) similar(have, want []members) {
	type pair struct{ w, h, shared int }
	var pairs []pair
	for w := range want {
		for h := range have {
			if _, done := m.of[w]; done || m.taken[h] {
				continue
			}
			if n := want[w].shared(have[h]); n > 0 {
				pairs = append(pairs, pair{w, h, n})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return b.shared - a.shared })
	for _, p := range pairs {
		if _, done := m.of[p.w]; !done && !m.taken[p.h] {
			m.add(p.w, p.h)
		}
	}
}

// members is a set of members, without those that differ only in their spelling.
type members map[string]bool

func membersOf(binding object) members {
	var texts []string
	_ = json.Unmarshal(binding["members"], &texts) // a list of another type has no members that could be compared
	all := members{}
	for _, text := range texts {
		all[Fold(text)] = true
	}
	return all
}

// text is the same for equal sets.
func (m members) text() string {
	encoded, _ := json.Marshal(slices.Sorted(maps.Keys(m)))
	return string(encoded)
}

// shared counts the members that two sets have in common.
func (m members) shared(other members) int {
	n := 0
	for text := range m {
		if other[text] {
			n++
		}
	}
	return n
}
