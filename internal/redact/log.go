package redact

import "strings"

// Log returns a part of a log without the values of all documents, and without the
// lines of those values that have several: a log has each line as an entry of its
// own. It also hides words that are secret by their form: tokens, and URLs with a
// password.
func (m *Memory) Log(text string) string {
	if m == nil || m.reveal || text == "" {
		return text
	}
	values := m.read().values
	var lines []string
	for _, value := range values {
		if !strings.Contains(value, "\n") {
			continue
		}
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= minSecret {
				lines = append(lines, line)
			}
		}
	}
	return hideWords(hide(hide(text, values), longestFirst(lines)))
}

// hideWords hides the words of a text that are secret by their form.
func hideWords(text string) string {
	var b strings.Builder
	announced := false
	for text != "" {
		end := strings.IndexAny(text, wordEnds)
		if end < 0 {
			end = len(text)
		}
		word := text[:end]
		if word != "" {
			if announced && len(word) >= minSecret || token(word) || Form(word+" ") {
				word = Hidden
			}
			announced = strings.EqualFold(word, "bearer")
		}
		b.WriteString(word)
		if end < len(text) {
			b.WriteByte(text[end])
			end++
		}
		text = text[end:]
	}
	return b.String()
}

// wordEnds are the characters around words of a log.
const wordEnds = " \t\r\n\"'`<>(),;=&"

// token reports whether a word is a JSON Web Token, or an access token of Google or GitHub.
func token(word string) bool {
	if strings.HasPrefix(word, "eyJ") && strings.Count(word, ".") >= 2 {
		return true
	}
	for _, prefix := range []string{"ya29.", "ghp_", "gho_", "ghs_", "github_pat_", "GOCSPX-", "AIza"} {
		if strings.HasPrefix(word, prefix) && len(word) >= len(prefix)+10 {
			return true
		}
	}
	return false
}
