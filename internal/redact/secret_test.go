package redact

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRules compares the hand-written rules with the patterns that define them.
func FuzzRules(f *testing.F) {
	const words = `(?i)secret|pass(?:word|wd|phrase)|pwd|token|credential|bearer|(?:api|access|private)[-_.]?key`
	name := regexp.MustCompile(words + `|^env$|^envFrom$|^httpHeaders$`)
	argument := regexp.MustCompile(words)
	text := regexp.MustCompile(`://[^/\s:@]*:[^/\s@]+@|PRIVATE KEY-----`)
	for _, seed := range []string{
		"", "env", "ENVFROM", "httpheaders", "environment", "db-password", "PassWD", "passphrase", "pass", "apikey", "API_KEY", "access.key", "private-key",
		"private--key", "apiapi-key", "api", "api-", "ſecret", "toKen", "privateKey", "Bearer x", "a key",
		"postgres://user:pass@host/db", "postgres://:pass@host", "postgres://user:@host", "postgres://user@host", "https://host:80/@", "x://y://u:p@h",
		"x://u:p:q@h", "x://u p:q@h", "x://u:p q@h", "x://a:b\n@h", "x:// u:p@h", "://:::@", "-----BEGIN PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----\n", "a\xffb://\xff:\xfe@",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		require.Equal(t, name.MatchString(s), Name(s), "%q as a name", s)
		require.Equal(t, argument.MatchString(s), secretArgument(s), "%q as an argument", s)
		require.Equal(t, text.MatchString(s), Form(s), "%q as a text", s)
	})
}
