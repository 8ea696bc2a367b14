// Package quantity bounds the text of Kubernetes quantities. Decoding or encoding
// a very long one, or one with a huge exponent, takes minutes.
package quantity

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Bounds of a quantity. No real one is longer.
const (
	maxLength   = 40
	maxExponent = 3 // digits
)

// ErrTooLong is the error of a quantity that takes too long to decode.
var ErrTooLong = errors.New("a quantity is too long")

// Check returns [ErrTooLong] for the text of a quantity that takes too long to decode.
func Check(text string) error {
	if len(text) > maxLength {
		return ErrTooLong
	}
	_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if len(strings.TrimLeft(exponent, "+-")) > maxExponent {
		return ErrTooLong
	}
	return nil
}

// CheckJSON returns [ErrTooLong] if a Kubernetes object has a quantity that takes
// too long to decode, wherever it is and whatever else is wrong with the object.
func CheckJSON(object []byte) error {
	if !suspicious(object) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	s := &scanner{decoder: d}
	for s.err == nil {
		s.value("", "")
	}
	if errors.Is(s.err, ErrTooLong) {
		return ErrTooLong
	}
	return nil // it cannot be decoded, or it has ended
}

// scanner reads JSON token by token.
type scanner struct {
	decoder *json.Decoder
	err     error // of the JSON, or ErrTooLong
}

func (s *scanner) token() json.Token {
	if s.err != nil {
		return nil
	}
	var t json.Token
	t, s.err = s.decoder.Token()
	return t
}

// value reads the value of a key, in the object that is the value of parent.
func (s *scanner) value(parent, key string) {
	switch t := s.token().(type) {
	case json.Delim:
		for s.err == nil && s.decoder.More() {
			if t == '[' {
				s.value(parent, key)
				continue
			}
			name, _ := s.token().(string)
			s.value(key, name)
		}
		s.token()
	case string:
		s.scalar(parent, key, t)
	case json.Number:
		s.scalar(parent, key, t.String())
	}
}

func (s *scanner) scalar(parent, key, text string) {
	if s.err == nil && holds(parent, key) {
		s.err = Check(text)
	}
}

// holds reports whether a key of the object that is the value of parent holds a
// quantity. Decoding ignores case, so this does, too.
func holds(parent, key string) bool {
	if in(parent, "limits", "requests", "overhead", "capacity", "allocatedResources") {
		return true
	}
	return in(key, "divisor", "sizeLimit") && !in(parent, "annotations", "labels")
}

func in(key string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(key, name) })
}

// suspicious reports whether a text has a token that could be a quantity with too
// many digits, in itself or in its exponent, or an escape that could be a part of one.
// IDs and digests are not: they have letters that no quantity has.
func suspicious(text []byte) bool {
	var t token
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch kinds[b] {
		case other:
			if i = tokenEnd(text, i); i < 0 {
				return true
			}
			t = token{}
		case delimiter:
			if t.long {
				return true
			}
			t = token{}
		case digit:
			if t.digits++; t.digits > maxLength/2 || t.exponent && t.digits > maxExponent {
				t.long = true
			}
		case letter:
			t.digits, t.exponent = 0, b == 'e' || b == 'E'
		case sign:
			t.digits = 0
		case backslash:
			if isEscapedNumber(text[i+1:]) {
				return true
			}
		}
	}
	return t.long
}

// tokenEnd returns where a token ends that is not a quantity; -1 if an escape in it
// could be a part of one.
func tokenEnd(text []byte, i int) int {
	for ; i < len(text); i++ {
		switch kinds[text[i]] {
		case delimiter:
			return i
		case backslash:
			if isEscapedNumber(text[i+1:]) {
				return -1
			}
		}
	}
	return i
}

// token is a string, a number or a part of them.
type token struct {
	digits   int  // in a row
	exponent bool // they follow an e
	long     bool // there were too many
}

// kind is what a byte means in a quantity.
type kind uint8

const (
	other kind = iota // not in a quantity
	delimiter
	digit
	letter
	sign
	backslash
)

// kinds has the kind of each byte.
var kinds = [256]kind{
	'"': delimiter, ',': delimiter, ':': delimiter, '[': delimiter, ']': delimiter, '{': delimiter, '}': delimiter,
	' ': delimiter, '\t': delimiter, '\r': delimiter, '\n': delimiter,
	'0': digit, '1': digit, '2': digit, '3': digit, '4': digit, '5': digit, '6': digit, '7': digit, '8': digit, '9': digit,
	'.': letter, 'e': letter, 'E': letter, 'i': letter, 'n': letter, 'u': letter, 'm': letter,
	'k': letter, 'K': letter, 'M': letter, 'G': letter, 'T': letter, 'P': letter,
	'+': sign, '-': sign, '\\': backslash,
}

// isEscapedNumber reports whether an escape begins that stands for a digit, a sign, a point or an e.
func isEscapedNumber(escape []byte) bool {
	if len(escape) < 5 || escape[0] != 'u' || escape[1] != '0' || escape[2] != '0' {
		return false
	}
	switch high, low := escape[3], escape[4]; high {
	case '3':
		return low >= '0' && low <= '9'
	case '4', '6':
		return low == '5'
	case '2':
		return strings.ContainsRune("bBdDeE", rune(low))
	}
	return false
}
