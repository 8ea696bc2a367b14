package manifest

import (
	"fmt"
	"strings"
)

// place is the position of a value: its path for messages, and its pattern in a Schema.
type place struct {
	path, pattern string
	depth         int
}

func (p place) field(key string) place {
	return place{path: dotted(p.path, shown(key)), pattern: dotted(p.pattern, key), depth: p.depth + 1}
}

func (p place) entry(key string) place {
	return place{path: p.path + "[" + shown(key) + "]", pattern: p.pattern + "{}", depth: p.depth + 1}
}

func (p place) item(i int) place {
	return place{path: fmt.Sprintf("%s[%d]", p.path, i), pattern: p.pattern + "[]", depth: p.depth + 1}
}

func dotted(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
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
