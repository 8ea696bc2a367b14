package manifest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	tagString = "!!str"
	tagInt    = "!!int"
	tagFloat  = "!!float"
	tagBool   = "!!bool"
	tagNull   = "!!null"
	tagTime   = "!!timestamp"
	tagMerge  = "!!merge"
	tagMap    = "!!map"
	tagList   = "!!seq"
)

// target returns the target of an alias, or the node itself.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// member returns a value of an object; nil if it is absent.
func member(object *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(object.Content); i += 2 {
		if object.Content[i].Value == key {
			return target(object.Content[i+1])
		}
	}
	return nil
}

func is(n *yaml.Node, tag string) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == tag }

func isNull(n *yaml.Node) bool {
	return is(n, tagNull) && slices.Contains([]string{"", "~", "null", "Null", "NULL"}, n.Value)
}

// isNumber reports whether a value is the same number in all versions of YAML.
func isNumber(n *yaml.Node) bool {
	return (is(n, tagInt) || is(n, tagFloat)) && json.Valid([]byte(n.Value)) && strings.TrimLeft(n.Value, "-0123456789.eE+") == ""
}

// isOldBool reports whether a value without quotes is a boolean in YAML 1.1.
func isOldBool(n *yaml.Node) bool {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return is(n, tagString) && n.Style&(quoted|yaml.TaggedStyle) == 0 && isOldBoolWord(n.Value)
}

func isOldBoolWord(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off":
		return s == strings.ToLower(s) || s == strings.ToUpper(s) || s[1:] == strings.ToLower(s[1:])
	}
	return false
}

func isBoolWord(s string) bool {
	return slices.Contains([]string{"true", "True", "TRUE", "false", "False", "FALSE"}, s)
}

// describe returns a description of a value, without the value if it may be secret.
func (p place) describe(n *yaml.Node) string {
	kind, value := kindOf(n)
	if value == "" || p.hides(n.Value) {
		return kind
	}
	return "the " + strings.TrimPrefix(kind, "a ") + " " + value
}

// kindOf returns the kind of a value in words, and the value if it has one that can be shown.
func kindOf(n *yaml.Node) (kind, value string) {
	switch tag := n.ShortTag(); {
	case tag == tagMap:
		return "an object", ""
	case tag == tagList:
		return "a list", ""
	case isNull(n):
		return "an empty value", ""
	case tag == tagString:
		return "a string", fmt.Sprintf("%q", shown(n.Value))
	case tag == tagBool:
		return "a boolean", shown(n.Value)
	case tag == tagInt || tag == tagFloat:
		return "a number", shown(n.Value)
	case tag == tagTime:
		return "a date", shown(n.Value)
	default:
		if strings.HasPrefix(tag, "!!") {
			return "a value with the tag " + shown(tag), ""
		}
		return "a value with a tag of its own", "" // the tag may be a secret that begins with !
	}
}

func quoteAdvice(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		return ": put it in quotes"
	}
	return ""
}
