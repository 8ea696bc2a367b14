package manifest

import "go.yaml.in/yaml/v3"

// pair is a key of an object and its value.
type pair struct {
	key         string
	name, value *yaml.Node
}

// pairs returns the keys and values of an object, including those merged from others (<<).
func (c *converter) pairs(n *yaml.Node, at place) []pair {
	var all []pair
	var merged []*yaml.Node
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if name.ShortTag() == tagMerge {
			merged = append(merged, value)
			continue
		}
		key, ok := c.key(name, at)
		if line, twice := lines[key]; ok && twice {
			c.problem(name, at.field(key), "duplicate key, first in line %d", line)
		} else if ok {
			lines[key] = name.Line
			all = append(all, pair{key, name, value})
		}
	}
	for _, m := range merged {
		all = c.merge(all, lines, m, at)
	}
	return all
}

// merge adds the pairs of an object, or of each object in a list, whose keys are
// new. lines has the keys of all.
func (c *converter) merge(all []pair, lines map[string]int, from *yaml.Node, at place) []pair {
	at.depth++
	from, ok := c.enter(from, at)
	switch {
	case !ok:
	case from.Kind == yaml.SequenceNode:
		for _, one := range from.Content {
			all = c.merge(all, lines, one, at)
		}
	case from.Kind == yaml.MappingNode:
		for _, p := range c.pairs(from, at) {
			if _, known := lines[p.key]; !known {
				lines[p.key] = p.name.Line
				all = append(all, p)
			}
		}
	default:
		c.problem(from, at, "<< merges objects, got %s", at.describe(from))
	}
	return all
}

// key returns the key of an object, which must be a string without doubt.
func (c *converter) key(n *yaml.Node, at place) (string, bool) {
	n, ok := c.enter(n, at)
	if !ok {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != tagString {
		c.problem(n, at, "has a key that is %s, want a string%s", at.describe(n), quoteAdvice(n))
		return "", false
	}
	if isOldBool(n) {
		c.problem(n, at, "the key %s is a boolean in some versions of YAML: put it in quotes", n.Value)
		return "", false
	}
	return n.Value, true
}
