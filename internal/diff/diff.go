// Package diff compares the meaning of two Services, given as the JSON text that
// a server sends or receives.
//
// It ignores differences of spelling: the order of keys, and of lists whose
// elements have names; quantities (1000m is 1); the case of booleans in
// annotations; and the spelling of JSON in annotations. It also ignores what the
// server sets on its own, and what records who wrote a Service.
package diff

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is the kind of a change.
type Kind string

// The kinds of changes.
const (
	Added   Kind = "added"
	Changed Kind = "changed"
	Removed Kind = "removed"
)

// Change is one difference. Its values are decoded by encoding/json, with numbers
// as [json.Number].
type Change struct {
	Path   Path
	Kind   Kind
	Before any // nil if added
	After  any // nil if removed
}

// Diff returns the changes from before to after, sorted by path. An empty text
// stands for a Service that does not exist. It fails if a text is not a JSON object.
func Diff(before, after []byte) ([]Change, error) {
	b, err := decode(before)
	if err != nil {
		return nil, fmt.Errorf("compare services: the previous one: %w", err)
	}
	a, err := decode(after)
	if err != nil {
		return nil, fmt.Errorf("compare services: the new one: %w", err)
	}
	var c comparison
	c.members(nil, b, a)
	slices.SortStableFunc(c.changes, func(a, b Change) int { return strings.Compare(a.Path.String(), b.Path.String()) })
	return c.changes, nil
}

func decode(text []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return map[string]any{}, nil
	}
	v, err := decodeAny(string(text))
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return meaningful(nil, object).(map[string]any), nil
}

// comparison collects changes.
type comparison struct{ changes []Change }

// add records a change, unless the values mean the same.
func (c *comparison) add(p Path, before, after any) {
	kind := Changed
	switch {
	case before == nil && after == nil:
		return
	case before == nil:
		kind = Added
	case after == nil:
		kind = Removed
	case same(p, before, after):
		return
	}
	c.changes = append(c.changes, Change{Path: p, Kind: kind, Before: before, After: after})
}

// value compares two values. An absent one is nil.
func (c *comparison) value(p Path, before, after any) {
	x, isX := before.(map[string]any)
	y, isY := after.(map[string]any)
	if (isX || before == nil) && (isY || after == nil) {
		if len(x)+len(y) > 0 || isX != isY && !structural(p.last()) {
			c.object(p, x, y)
		}
		return
	}
	items, ok := elements(p.last(), before, after)
	if !ok {
		c.add(p, before, after)
		return
	}
	for _, item := range items {
		c.value(p.Element(item.label), item.before, item.after)
	}
}

// object compares two objects. An absent one is nil. Adding or removing an empty
// object is also a change: emptyDir: {} is a kind of volume.
func (c *comparison) object(p Path, before, after map[string]any) {
	switch {
	case before == nil && len(after) == 0:
		c.add(p, nil, after)
	case after == nil && len(before) == 0:
		c.add(p, before, nil)
	default:
		c.members(p, before, after)
	}
}

func (c *comparison) members(p Path, before, after map[string]any) {
	all := maps.Clone(after)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, before)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c.value(p.Member(name), before[name], after[name])
	}
}

// structural reports whether an object of that name has no meaning while it is empty.
func structural(name string) bool {
	return slices.Contains([]string{"metadata", "annotations", "labels", "resources", "limits", "requests", "spec", "template"}, name)
}
