package rest

import (
	"net/http"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// Bounds of what is kept of the warnings of a server.
const (
	maxWarnings = 20
	maxWarning  = 1024
)

// warningsOf returns the texts of the headers Warning with the code 299, such as
// `299 - "unknown field \"a\""`, as a Kubernetes API server sends them.
func warningsOf(h http.Header) (all []string) {
	for _, value := range h["Warning"] {
		for len(all) < maxWarnings {
			text, rest, ok := cutWarning(value)
			if !ok {
				break
			}
			if text = safetext.Line(text, maxWarning); text != "" {
				all = append(all, text)
			}
			value = rest
		}
	}
	return all
}

// cutWarning returns the text of the first warning with the code 299, and what follows it.
func cutWarning(value string) (text, rest string, ok bool) {
	for {
		code, rest, _ := strings.Cut(strings.TrimLeft(value, " ,"), " ")
		_, rest, found := strings.Cut(rest, " ") // the agent
		rest = strings.TrimLeft(rest, " ")
		if !found || !strings.HasPrefix(rest, `"`) {
			return "", "", false
		}
		text, rest := unquote(rest[1:])
		if date, ok := strings.CutPrefix(strings.TrimLeft(rest, " "), `"`); ok {
			_, rest = unquote(date)
		}
		if code == "299" {
			return text, rest, true
		}
		value = rest
	}
}

// unquote returns the text up to a quote, without its escapes, and what follows the quote.
func unquote(s string) (text, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
