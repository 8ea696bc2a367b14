package manifest

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// list writes a list, or a single element as a list of one.
func (c *converter) list(n *yaml.Node, at place, t reflect.Type) {
	items := n.Content
	if c.isElement(n, at, t) {
		items = []*yaml.Node{n}
	} else if !c.is(n, at, yaml.SequenceNode, tagList, "a list") {
		return
	}
	c.out = append(c.out, '[')
	for i, item := range items {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.value(item, at.item(i), t)
	}
	c.out = append(c.out, ']')
}

// isElement reports whether a value stands where a list of such values is wanted:
// an object with a field of the elements, or a word. gcloud also accepts them. A
// string with blanks is not a word: it may be meant as several elements.
func (c *converter) isElement(n *yaml.Node, at place, t reflect.Type) bool {
	if t == nil {
		return false
	}
	switch t = element(t); {
	case t.Kind() == reflect.String:
		return is(n, tagString) && !isOldBool(n) && n.Value != "" && !strings.ContainsAny(n.Value, " \t\r\n")
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode && n.ShortTag() == tagMap:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if _, known := c.schema.field(t, at.item(0), n.Content[i].Value); known {
				return true
			}
		}
	}
	return false
}
