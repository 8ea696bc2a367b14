package manifest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// scalar writes a string, number or boolean.
func (r *reader) scalar(n *yaml.Node, at place, t reflect.Type) {
	var err error
	switch kind := t.Kind(); {
	case isOldBool(n):
		err = ambiguous(n)
	case kind == reflect.String && isNumber(n) && slices.Contains(r.schema.Text, at.pattern):
		r.out = appendString(r.out, n.Value)
		return
	case kind == reflect.String && !is(n, tagString) && r.schema.Hidden != "" && strings.HasSuffix(at.pattern, r.schema.Hidden):
		err = fmt.Errorf("it is not a string%s", quoteAdvice(n))
	case kind == reflect.String:
		err = isString(n)
	case kind == reflect.Bool:
		err = isBool(n)
	case reflect.Int <= kind && kind <= reflect.Int64:
		err = isInt(n, t.Bits())
	default:
		err = fmt.Errorf("its type %s is not known", t)
	}
	if err != nil {
		r.problem(n, at, "%v", err)
		return
	}
	r.plain(n, at)
}

func isString(n *yaml.Node) error {
	if is(n, tagString) {
		return nil
	}
	return fmt.Errorf("it is %s, and a string is wanted%s", describe(n), quoteAdvice(n))
}

func ambiguous(n *yaml.Node) error {
	return fmt.Errorf("%s is a boolean to some readers of YAML and a string to others: write true or false, or put it in quotes", n.Value)
}

func isBool(n *yaml.Node) error {
	if is(n, tagBool) {
		return nil
	}
	return fmt.Errorf("it is %s, and true or false is wanted", describe(n))
}

func isInt(n *yaml.Node, bits int) error {
	if !is(n, tagInt) || !isNumber(n) {
		return fmt.Errorf("it is %s, and a whole number is wanted", describe(n))
	}
	if _, err := strconv.ParseInt(n.Value, 10, bits); err != nil {
		return fmt.Errorf("%s is out of range", shown(n.Value))
	}
	return nil
}

// plain writes a scalar as what it is by itself.
func (r *reader) plain(n *yaml.Node, at place) {
	switch tag := n.ShortTag(); {
	case n.Kind != yaml.ScalarNode:
		r.problem(n, at, "it is %s, which has no place here", describe(n))
	case isOldBool(n):
		r.problem(n, at, "%v", ambiguous(n))
	case tag == tagString || tag == tagTime:
		r.out = appendString(r.out, n.Value)
	case isNumber(n):
		r.out = append(r.out, n.Value...)
	case tag == tagBool && isBoolWord(n.Value):
		r.out = append(r.out, strings.ToLower(n.Value)...)
	case isNull(n):
		r.out = append(r.out, "null"...)
	default:
		r.problem(n, at, "it is %s: write it as a decimal number, as true or false, or in quotes", describe(n))
	}
}

func is(n *yaml.Node, tag string) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == tag }

func isNull(n *yaml.Node) bool {
	return is(n, tagNull) && slices.Contains([]string{"", "~", "null", "Null", "NULL"}, n.Value)
}

// isNumber reports whether a value is a number to every reader of YAML, and the same one.
func isNumber(n *yaml.Node) bool {
	return (is(n, tagInt) || is(n, tagFloat)) && json.Valid([]byte(n.Value)) && strings.TrimLeft(n.Value, "-0123456789.eE+") == ""
}

// isOldBool reports whether a value without quotes is a boolean to readers of YAML 1.1.
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

// describe puts a value in words.
func describe(n *yaml.Node) string {
	switch tag := n.ShortTag(); {
	case tag == tagMap:
		return "an object"
	case tag == tagList:
		return "a list"
	case isNull(n):
		return "empty"
	case tag == tagString:
		return fmt.Sprintf("the string %q", shown(n.Value))
	case tag == tagBool:
		return "the boolean " + shown(n.Value)
	case tag == tagInt || tag == tagFloat:
		return "the number " + shown(n.Value)
	case tag == tagTime:
		return "the date " + shown(n.Value)
	default:
		return fmt.Sprintf("a value with the tag %s", shown(tag))
	}
}

func quoteAdvice(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		return ": put it in quotes"
	}
	return ""
}
