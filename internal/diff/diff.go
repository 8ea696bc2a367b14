// Package diff tells what is different in meaning between two Services, each
// given as the JSON text that a server sends or gets.
//
// What is spelled otherwise but means the same is no difference: the order of
// keys and of lists whose elements have names, quantities (1000m is 1), the
// case of booleans in annotations, JSON in annotations that hold JSON. What the
// server decides alone, and what says who wrote a Service and not what it is,
// is left out.
package diff

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind tells how something is different.
type Kind string

// The kinds of changes.
const (
	Added   Kind = "added"
	Changed Kind = "changed"
	Removed Kind = "removed"
)

// Change is one difference. Its values are as encoding/json decodes them, with
// numbers as [json.Number].
type Change struct {
	Path   Path
	Kind   Kind
	Before any // nil if added
	After  any // nil if removed
}

// Diff tells what makes after different from before, sorted by path. An empty
// text is that of a Service which does not exist. It fails on what is no JSON object.
func Diff(before, after []byte) ([]Change, error) {
	b, err := decode(before)
	if err != nil {
		return nil, fmt.Errorf("compare services: the one before: %w", err)
	}
	a, err := decode(after)
	if err != nil {
		return nil, fmt.Errorf("compare services: the one after: %w", err)
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
		return nil, errors.New("it is not a JSON object")
	}
	return meaningful(nil, object).(map[string]any), nil
}

// comparison gathers changes.
type comparison struct{ changes []Change }

// add notes a change, unless the values mean the same.
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

// value compares what may be there on one side only: nil where it is not.
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

// object compares objects, nil where there is none. One that comes or goes
// without anything in it is a change as well: emptyDir: {} is a kind of volume.
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

// structural reports whether an object of that name means nothing while it is empty.
func structural(name string) bool {
	return slices.Contains([]string{"metadata", "annotations", "labels", "resources", "limits", "requests", "spec", "template"}, name)
}
