package logbook

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// filter reports whether it selects an entry; nil selects all.
type filter func(doc tree.Object) bool

func (f filter) selects(doc tree.Object) bool { return f == nil || f(doc) }

// maxFilter is the limit of Cloud Logging.
const maxFilter = 20_000

type parser struct {
	rest  string
	token *regexp.Regexp // matches a quoted string, an operator or a parenthesis, or a word
}

func newParser(text string) *parser {
	return &parser{rest: text, token: regexp.MustCompile(`^\s*(?:("(?:[^"\\]|\\.)*")|(>=|<=|!=|=~|!~|[=<>:()])|([^\s=<>:()!"]+))`)}
}

// parseFilter reads comparisons that AND, OR, NOT and parentheses combine. Without
// an operator between them, AND is meant. OR binds more tightly.
func parseFilter(text string) (filter, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > maxFilter {
		return nil, fmt.Errorf("it is longer than %d characters", maxFilter)
	}
	p := newParser(text)
	f, err := p.all()
	if err == nil && strings.TrimSpace(p.rest) != "" {
		err = fmt.Errorf("syntax error at %.40q", p.rest)
	}
	return f, err
}

// next returns the next token without consuming it, and the rest after it.
func (p *parser) next() (text string, quoted bool, rest string) {
	m := p.token.FindStringSubmatch(p.rest)
	if m == nil {
		return "", false, p.rest
	}
	rest = p.rest[len(m[0]):]
	if m[1] != "" {
		return unquote(m[1]), true, rest
	}
	return m[2] + m[3], false, rest
}

// accept consumes the next token if it is the given one.
func (p *parser) accept(want string) bool {
	text, quoted, rest := p.next()
	if quoted || text != want {
		return false
	}
	p.rest = rest
	return true
}

func (p *parser) all() (filter, error) {
	var parts []filter
	for {
		f, err := p.any()
		if err != nil {
			return nil, err
		}
		parts = append(parts, f)
		if p.accept("AND") {
			continue
		}
		if text, quoted, _ := p.next(); text == "" && !quoted || !quoted && text == ")" {
			return func(doc tree.Object) bool {
				return !slices.ContainsFunc(parts, func(f filter) bool { return !f(doc) })
			}, nil
		}
	}
}

func (p *parser) any() (filter, error) {
	var parts []filter
	for {
		f, err := p.one()
		if err != nil {
			return nil, err
		}
		parts = append(parts, f)
		if !p.accept("OR") {
			return func(doc tree.Object) bool {
				return slices.ContainsFunc(parts, func(f filter) bool { return f(doc) })
			}, nil
		}
	}
}

func (p *parser) one() (filter, error) {
	switch {
	case p.accept("NOT"):
		f, err := p.one()
		return func(doc tree.Object) bool { return !f(doc) }, err
	case p.accept("("):
		f, err := p.all()
		if err == nil && !p.accept(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return f, err
	}
	return p.comparison()
}

func (p *parser) comparison() (filter, error) {
	field, _, rest := p.next()
	p.rest = rest
	op, quoted, rest := p.next()
	if quoted || !slices.Contains([]string{"=", "!=", ">=", "<=", ">", "<", ":", "=~", "!~"}, op) {
		return nil, fmt.Errorf("syntax error at %.40q", p.rest)
	}
	p.rest = rest
	value, quoted, rest := p.next()
	if value == "" && !quoted || !quoted && strings.ContainsAny(value, "=<>:()") {
		return nil, fmt.Errorf("syntax error at %.40q", p.rest)
	}
	p.rest = rest
	return compare(field, op, value)
}

// compare returns the filter of one comparison.
func compare(field, op, value string) (filter, error) {
	path := strings.Split(field, ".")
	switch op {
	case "=~", "!~":
		re, err := regexp.Compile(value)
		return func(doc tree.Object) bool { return re.MatchString(textAt(doc, path)) == (op == "=~") }, err
	case ":":
		return func(doc tree.Object) bool {
			return strings.Contains(strings.ToLower(textAt(doc, path)), strings.ToLower(value))
		}, nil
	}
	order := strings.Compare
	switch field {
	case "severity":
		if severity(value) < 0 {
			return nil, fmt.Errorf("%q is not a severity", value)
		}
		order = func(a, b string) int { return severity(a) - severity(b) }
	case "timestamp", "receiveTimestamp":
		at, err := time.Parse(time.RFC3339Nano, value)
		if err != nil {
			return nil, fmt.Errorf("%q is not a time", value)
		}
		order = func(a, _ string) int {
			t, _ := time.Parse(time.RFC3339Nano, a)
			return t.Compare(at)
		}
	}
	return func(doc tree.Object) bool { return holds(op, order(textAt(doc, path), value)) }, nil
}

func holds(op string, order int) bool {
	switch op {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order < 0
}

func textAt(doc tree.Object, path []string) string {
	last := len(path) - 1
	return tree.Text(tree.At(doc, path[:last]...), path[last])
}

// severity returns the rank of a severity; negative if there is no such one.
func severity(name string) int {
	if name == "" {
		return 0
	}
	return slices.Index([]string{"DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}, strings.ToUpper(name))
}

// unquote returns the text between quotes. A backslash makes the next character literal.
func unquote(quoted string) string {
	var b strings.Builder
	escaped := false
	for _, r := range quoted[1 : len(quoted)-1] {
		if escaped = !escaped && r == '\\'; !escaped {
			b.WriteRune(r)
		}
	}
	return b.String()
}
