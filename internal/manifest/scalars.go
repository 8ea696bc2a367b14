package manifest

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// scalar writes a string, number or boolean.
func (c *converter) scalar(n *yaml.Node, at place, t reflect.Type) {
	var err error
	switch kind := t.Kind(); {
	case isOldBool(n):
		err = ambiguous(n)
	case kind == reflect.String && isNumber(n) && slices.Contains(c.schema.Text, at.pattern):
		c.out = appendString(c.out, n.Value)
		return
	case kind == reflect.String:
		err = isString(n, at)
	case kind == reflect.Bool:
		err = isBool(n, at)
	case reflect.Int <= kind && kind <= reflect.Int64:
		n = unquoted(n)
		err = isInt(n, at, t.Bits())
	default:
		err = fmt.Errorf("its type %s is not supported", t)
	}
	if err != nil {
		c.problem(n, at, "%v", err)
		return
	}
	c.plain(n, at)
}

func isString(n *yaml.Node, at place) error {
	if is(n, tagString) {
		return nil
	}
	return fmt.Errorf("got %s, want a string%s", at.describe(n), quoteAdvice(n))
}

func ambiguous(n *yaml.Node) error {
	return fmt.Errorf("%s is a boolean in some versions of YAML and a string in others: write true or false, or put it in quotes", n.Value)
}

func isBool(n *yaml.Node, at place) error {
	if is(n, tagBool) {
		return nil
	}
	return fmt.Errorf("got %s, want true or false", at.describe(n))
}

// unquoted returns the number in a quoted whole number, or the node itself. It
// leaves numbers such as "010", whose base is not certain.
func unquoted(n *yaml.Node) *yaml.Node {
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if !is(n, tagString) || err != nil || strconv.FormatInt(i, 10) != n.Value {
		return n
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tagInt, Value: n.Value, Line: n.Line}
}

func isInt(n *yaml.Node, at place, bits int) error {
	if !is(n, tagInt) || !isNumber(n) {
		return fmt.Errorf("got %s, want a whole number", at.describe(n))
	}
	if _, err := strconv.ParseInt(n.Value, 10, bits); err != nil {
		return fmt.Errorf("%s is out of range", at.describe(n))
	}
	return nil
}

// plain writes a scalar by its own type.
func (c *converter) plain(n *yaml.Node, at place) {
	switch tag := n.ShortTag(); {
	case n.Kind != yaml.ScalarNode:
		c.problem(n, at, "%s is not allowed here", at.describe(n))
	case isOldBool(n):
		c.problem(n, at, "%v", ambiguous(n))
	case tag == tagString || tag == tagTime:
		c.out = appendString(c.out, n.Value)
	case isNumber(n):
		c.out = append(c.out, n.Value...)
	case tag == tagBool && isBoolWord(n.Value):
		c.out = append(c.out, strings.ToLower(n.Value)...)
	case isNull(n):
		c.out = append(c.out, "null"...)
	default:
		c.problem(n, at, "got %s: write a decimal number, true or false, or put it in quotes", at.describe(n))
	}
}
