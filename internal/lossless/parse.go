package lossless

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// maxDepth is the depth to which objects and arrays may nest. A Service has some
// fifteen levels.
const maxDepth = 1000

// parser checks a JSON text and builds its index in one pass.
type parser struct {
	document
	pos, depth int
}

// parse reads a text with one JSON value.
func parse(text []byte) (value, error) {
	if len(text) > math.MaxInt32 {
		return value{}, errTooLong
	}
	p := &parser{document: document{text: text, nodes: make([]node, 0, len(text)/12+1)}}
	if err := p.value(); err != nil {
		return value{}, err
	}
	if p.space(); p.pos < len(text) {
		return value{}, p.fail("text after the end of the value")
	}
	return value{doc: &p.document}, nil
}

var (
	errNoObject = errors.New("not a JSON object")
	errTooLong  = errors.New("the text is too long")
)

func parseObject(text []byte) (value, error) {
	v, err := parse(text)
	if err == nil && !v.isObject() {
		err = errNoObject
	}
	return v, err
}

func (p *parser) fail(why string) error {
	return fmt.Errorf("not valid JSON at byte %d: %s", p.pos, why)
}

// value reads a value and preceding white space.
func (p *parser) value() error {
	p.space()
	at := len(p.nodes)
	p.nodes = append(p.nodes, node{start: int32(p.pos)})
	err := p.scan()
	p.nodes[at].end, p.nodes[at].next = int32(p.pos), int32(len(p.nodes))
	return err
}

func (p *parser) scan() error {
	switch c := p.peek(); c {
	case '{':
		return p.list('}', p.member)
	case '[':
		return p.list(']', p.value)
	case '"':
		return p.string()
	case 't':
		return p.literal("true")
	case 'f':
		return p.literal("false")
	case 'n':
		return p.literal("null")
	default:
		return p.number()
	}
}

// list reads an object or an array.
func (p *parser) list(closing byte, element func() error) error {
	if p.depth == maxDepth {
		return fmt.Errorf("nested more than %d levels deep at byte %d", maxDepth, p.pos)
	}
	p.depth++
	p.pos++
	p.space()
	for more := !p.take(closing); more; {
		if err := element(); err != nil {
			return err
		}
		p.space()
		if more = p.take(','); !more && !p.take(closing) {
			return p.fail("expected a comma or the end of the list")
		}
	}
	p.depth--
	return nil
}

func (p *parser) member() error {
	if p.space(); p.peek() != '"' {
		return p.fail("expected a key")
	}
	if err := p.value(); err != nil {
		return err
	}
	if p.space(); !p.take(':') {
		return p.fail("expected a colon")
	}
	return p.value()
}

func (p *parser) string() error {
	for i := p.pos + 1; i < len(p.text); i++ {
		c := p.text[i]
		if c > '\\' || c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		p.pos = i
		switch c {
		case '"':
			p.pos++
			return nil
		case '\\':
			n := escapeLength(p.text[i:])
			if n == 0 {
				return p.fail("unknown escape in a string")
			}
			i += n - 1
		default:
			return p.fail("control character in a string")
		}
	}
	p.pos = len(p.text)
	return p.fail("a string without an end")
}

// escapeLength returns the length of the escape sequence at the start of a text; 0 if it is not valid.
func escapeLength(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	if text[1] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), text[1]) < 0 {
			return 0
		}
		return 2
	}
	const length = len(`\u0000`)
	if len(text) < length {
		return 0
	}
	for _, c := range text[2:length] {
		if bytes.IndexByte([]byte("0123456789abcdefABCDEF"), c) < 0 {
			return 0
		}
	}
	return length
}

func (p *parser) number() error {
	_ = p.take('-')
	if !p.take('0') && !p.digits() {
		return p.fail("expected a value")
	}
	if p.take('.') && !p.digits() {
		return p.fail("expected a digit after the point")
	}
	if p.take('e') || p.take('E') {
		_ = p.take('+') || p.take('-')
		if !p.digits() {
			return p.fail("expected a digit in the exponent")
		}
	}
	return nil
}

// digits reads digits, and reports whether there were any.
func (p *parser) digits() bool {
	start := p.pos
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) literal(word string) error {
	if !bytes.HasPrefix(p.text[p.pos:], []byte(word)) {
		return p.fail("expected " + word)
	}
	p.pos += len(word)
	return nil
}

// peek returns the next byte, and 0 at the end: JSON has no 0 outside of strings.
func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.pos++
	return true
}

func (p *parser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}
