package manifest

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 returns a text in UTF-8. It also reads UTF-16, which Windows writes, and
// drops a byte order mark.
func toUTF8(text []byte) ([]byte, *Problem) {
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe, 0, 0}) || bytes.HasPrefix(text, []byte{0, 0, 0xfe, 0xff}):
		return nil, &Problem{Reason: "the text is UTF-32: save it as UTF-8"}
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}):
		return fromUTF16(text[2:], binary.LittleEndian)
	case bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return fromUTF16(text[2:], binary.BigEndian)
	case len(text) > 1 && text[0] != 0 && text[1] == 0: // every manifest begins with ASCII
		return fromUTF16(text, binary.LittleEndian)
	case len(text) > 1 && text[0] == 0 && text[1] != 0:
		return fromUTF16(text, binary.BigEndian)
	case !utf8.Valid(text):
		return nil, &Problem{Line: lineOfInvalid(text), Reason: "not valid UTF-8: save the text as UTF-8"}
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil
}

func fromUTF16(text []byte, order binary.ByteOrder) ([]byte, *Problem) {
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = order.Uint16(text[2*i:])
	}
	runes := utf16.Decode(units)
	if len(text)%2 != 0 || !slices.Equal(utf16.Encode(runes), units) { // a lone surrogate was replaced
		return nil, &Problem{Reason: "not valid UTF-16: save the text as UTF-8"}
	}
	return []byte(string(runes)), nil
}

func lineOfInvalid(text []byte) int {
	valid := len(text) - len(bytes.TrimLeftFunc(text, func(r rune) bool { return r != utf8.RuneError }))
	return 1 + bytes.Count(text[:valid], []byte("\n"))
}
