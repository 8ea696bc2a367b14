// Package safetext makes the text of servers safe for terminals and logs.
package safetext

import (
	"strings"
	"unicode"
)

// MaxMessage is the length to which [Message] cuts, in bytes.
const MaxMessage = 4096

// Message returns the message of a server on one line, cut to [MaxMessage]; see [Line].
func Message(s string) string { return Line(s, MaxMessage) }

// Line returns a text on one line, without control characters or characters that
// change the direction of writing, and cut to limit bytes.
func Line(s string, limit int) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
