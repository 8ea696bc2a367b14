package lossless

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// same reports whether two values mean the same.
func same(a, b value) bool {
	return bytes.Equal(a.text(), b.text()) || bytes.Equal(appendCanonical(nil, a), appendCanonical(nil, b))
}

// appendCanonical appends a text that is the same for values that mean the same,
// and only for them. It is not always JSON.
func appendCanonical(out []byte, v value) []byte {
	switch v.kind() {
	case '{':
		return appendCanonicalObject(out, v)
	case '[':
		out = append(out, '[')
		for _, item := range v.items() {
			out = append(appendCanonical(out, item), ',')
		}
		return append(out, ']')
	case '"':
		return appendCanonicalString(out, v.decoded())
	case 't', 'f', 'n':
		return append(out, v.text()...)
	default:
		return appendCanonicalNumber(out, v.text())
	}
}

// appendCanonicalObject keeps both values of a duplicate key: which one counts
// depends on the reader.
func appendCanonicalObject(out []byte, v value) []byte {
	members := v.members()
	slices.SortStableFunc(members, func(a, b member) int { return strings.Compare(a.key, b.key) })
	out = append(out, '{')
	for _, m := range members {
		out = append(appendCanonicalString(out, m.key), ':')
		out = append(appendCanonical(out, m.value), ',')
	}
	return append(out, '}')
}

// appendCanonicalString writes the length first, so that no escapes are needed.
func appendCanonicalString(out []byte, s string) []byte {
	out = strconv.AppendInt(append(out, '"'), int64(len(s)), 10)
	return append(append(out, ':'), s...)
}

// appendCanonicalNumber writes the significant digits and a power of ten.
func appendCanonicalNumber(out, text []byte) []byte {
	mantissa, power := text, "0"
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		mantissa, power = text[:e], string(text[e+1:])
	}
	digits, negative := bytes.CutPrefix(mantissa, []byte("-"))
	whole, fraction, _ := bytes.Cut(digits, []byte("."))
	digits = bytes.TrimLeft(slices.Concat(whole, fraction), "0")
	significant := bytes.TrimRight(digits, "0")
	if len(significant) == 0 {
		return append(out, '0')
	}
	exponent, err := strconv.ParseInt(power, 10, 32)
	if err != nil { // absurdly large: equals only the same spelling
		return append(out, text...)
	}
	exponent += int64(len(digits) - len(significant) - len(fraction))
	if negative {
		out = append(out, '-')
	}
	out = append(append(out, significant...), 'e')
	return strconv.AppendInt(out, exponent, 10)
}
