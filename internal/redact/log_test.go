package redact_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/redact"
)

func TestLog(t *testing.T) {
	t.Parallel()
	known := redact.NewMemory("hello")
	known.Learn([]byte(`{"spec": {"template": {"spec": {"containers": [{"env": [{"name": "A", "value": "hunter2"},
		{"name": "KEY", "value": "-----BEGIN-----\nMIIEvQIBADAN\nshort\n-----END-----\n"}]}]}}}}`))
	jwt := "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"
	for in, want := range map[string]string{
		"":                                        "",
		"panic: no database":                      "panic: no database",
		"login with hunter2 failed":               "login with (hidden) failed",
		"-----BEGIN-----\nMIIEvQIBADAN\nshort":    "(hidden)\n(hidden)\nshort",
		"  MIIEvQIBADAN":                          "  (hidden)",
		"key=" + strings.Repeat("ya29.a", 5):      "key=(hidden)",
		"Authorization: Bearer abcdefgh":          "Authorization: Bearer (hidden)",
		"the bearer of news":                      "the bearer of news",
		`{"token":"` + jwt + `"}`:                 `{"token":"(hidden)"}`,
		"dial postgres://u:pass@db/x?y=1: no":     "dial (hidden)?y=1: no",
		"dial postgres://u@db/x failed":           "dial postgres://u@db/x failed",
		"GET https://example.com/a?b=c":           "GET https://example.com/a?b=c",
		"\tat com.example.Main(Main.java:1)\n\n ": "\tat com.example.Main(Main.java:1)\n\n ",
	} {
		got := known.Log(in)
		if strings.Contains(in, "postgres://u:") {
			require.NotContains(t, got, "pass")
			continue
		}
		require.Equal(t, want, got)
	}
	require.Equal(t, "Bearer abcdefgh", (*redact.Memory)(nil).Log("Bearer abcdefgh"))
	require.Equal(t, jwt, redact.Revealing().Log(jwt))
}
