package manifest

import (
	"fmt"
	"strings"
)

// place is the position of a value: its path for messages, and its pattern in a Schema.
type place struct {
	path, pattern string
	depth         int
	secrets       *Schema // what may be secret; nil if nothing is
	hidden        bool    // the value may be secret
}

func (p place) field(key string) place {
	return p.inner(key, dotted(p.path, shownKey(key)), dotted(p.pattern, key))
}

func (p place) entry(key string) place {
	return p.inner(key, p.path+"["+shownKey(key)+"]", p.pattern+"{}")
}

func (p place) item(i int) place {
	return p.inner("", fmt.Sprintf("%s[%d]", p.path, i), p.pattern+"[]")
}

func (p place) inner(key, path, pattern string) place {
	hidden := p.hidden || p.secrets != nil && p.secrets.Hides != nil && p.secrets.Hides(key)
	return place{path: path, pattern: pattern, depth: p.depth + 1, secrets: p.secrets, hidden: hidden}
}

// hides reports whether messages do not show a value.
func (p place) hides(value string) bool {
	return p.hidden || p.secrets != nil && p.secrets.HidesText != nil && p.secrets.HidesText(value)
}

func dotted(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// shownKey is shown for a key, which may be NAME=VALUE by mistake.
func shownKey(key string) string {
	if name, _, both := strings.Cut(key, "="); both {
		key = name + "=…"
	}
	return shown(key)
}

// shown makes a text of the manifest safe for a message: short, and on one line.
func shown(s string) string {
	const limit = 80
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	quoted := fmt.Sprintf("%q", s)
	if strings.Contains(quoted, `\`) {
		return quoted
	}
	return s
}
