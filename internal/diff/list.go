package diff

import (
	"maps"
	"strconv"
)

// listKey returns the member that identifies the elements of a list, or byPlace if
// their position does.
func listKey(list string) (key string, byPlace bool) {
	switch list {
	case "containers", "initContainers", "volumes", "env", "httpHeaders", "templates":
		return "name", false
	case "volumeMounts":
		return "mountPath", false
	case "items":
		return "path", false
	case "ports":
		return "", true
	}
	return "", false
}

// elements pairs the elements of two lists: by key, and those without one by
// position. It reports false for lists that can only be compared as a whole.
func elements(list string, before, after any) ([]pairing, bool) {
	if list == "traffic" {
		return trafficPairs(before, after)
	}
	key, byPlace := listKey(list)
	if key == "" && !byPlace {
		return nil, false
	}
	x, ok := indexList(key, before)
	if !ok {
		return nil, false
	}
	y, ok := indexList(key, after)
	if !ok {
		return nil, false
	}
	var all []pairing
	for i := range max(len(x.elements), len(y.elements)) {
		all = append(all, pairsAt(i, x, y)...)
	}
	return all, true
}

// pairsAt returns the pairings of the elements at a position of both lists that
// no earlier position has returned.
func pairsAt(i int, x, y *keyed) (all []pairing) {
	b, a := x.at(i), y.at(i)
	_, bGoesOn := y.byKey[x.keyAt(i)]
	_, aWasThere := x.byKey[y.keyAt(i)]
	if bGoesOn {
		all = append(all, pairing{x.keyAt(i), without(b, x.key), without(y.byKey[x.keyAt(i)], x.key)})
		b = nil
	}
	if aWasThere {
		a = nil
	}
	unnamed := b != nil && x.keyAt(i) == "" || a != nil && y.keyAt(i) == ""
	switch {
	case a != nil && b != nil && unnamed: // an element without a key may have got one
		return append(all, pairing{label(i, x.keyAt(i)+y.keyAt(i)), b, a})
	case b != nil:
		all = append(all, pairing{label: label(i, x.keyAt(i)), before: without(b, x.key)})
	}
	if a != nil {
		all = append(all, pairing{label: label(i, y.keyAt(i)), after: without(a, y.key)})
	}
	return all
}

func label(place int, key string) string {
	if key == "" {
		return strconv.Itoa(place)
	}
	return key
}

// without returns an element without its key, which is in the path.
func without(element any, key string) any {
	object, ok := element.(map[string]any)
	if !ok || key == "" {
		return element
	}
	rest := maps.Clone(object)
	delete(rest, key)
	return rest
}

// keyed is a list and an index of its elements by key.
type keyed struct {
	key      string
	elements []any
	byKey    map[string]any
}

// indexList reports false if the key does not identify the elements.
func indexList(key string, list any) (*keyed, bool) {
	elements, ok := list.([]any)
	if !ok && list != nil {
		return nil, false
	}
	k := &keyed{key: key, elements: elements, byKey: map[string]any{}}
	for i, element := range elements {
		object, ok := element.(map[string]any)
		if !ok {
			return nil, false
		}
		if _, isText := object[key].(string); !isText && key != "" && object[key] != nil {
			return nil, false
		}
		if _, twice := k.byKey[k.keyAt(i)]; twice {
			return nil, false
		}
		if k.keyAt(i) != "" {
			k.byKey[k.keyAt(i)] = element
		}
	}
	return k, true
}

func (k *keyed) at(i int) any {
	if i < len(k.elements) {
		return k.elements[i]
	}
	return nil
}

func (k *keyed) keyAt(i int) string {
	object, _ := k.at(i).(map[string]any)
	key, _ := object[k.key].(string)
	if k.key == "" {
		return ""
	}
	return key
}
