package manifest_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/manifest"
)

// TestYAMLKeepsStrings checks that every string, key or value, is read as it was written.
func TestYAMLKeepsStrings(t *testing.T) {
	t.Parallel()
	pieces := []string{
		" ", "\n", "\n\n", "\t", "\r", "\r\n", ":", ": ", "#", " #", "-", "- ", "?", "'", `"`, `\`, "|", ">", "%", "@", "`", "!", "&", "*", "{", "}", "[", "]",
		",", "<<", "=", "~", "null", "yes", "N", "on", "true", "0", "0x1", "1:30", "1e3", ".inf", "2025-01-01", "---", "...", "a", "word word", "é", "😀",
		"\u0000", "\u001b", "\u007f", "\u0085", "\u00a0", "\u2028", "\ufeff", "\ufffd", "\uffff", strings.Repeat("long ", 40),
	}
	random := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		var b strings.Builder
		for range 1 + random.IntN(4) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	for range 3_000 {
		want := map[string]any{text(): text(), "list": []any{text(), map[string]any{text(): text()}}}
		object, err := json.Marshal(want)
		require.NoError(t, err)
		yaml, err := manifest.YAML(object)
		require.NoError(t, err)
		read, problems := manifest.Parse(yaml, manifest.Schema{}, true)
		require.Empty(t, problems, "%q", yaml)
		var got map[string]any
		require.NoError(t, json.Unmarshal(read, &got))
		require.Equal(t, want, got, "%s", yaml)
	}
}

func TestYAMLRejectsInvalidJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "a: b", "{} {}", strings.Repeat("[", 200) + strings.Repeat("]", 200)} {
		_, err := manifest.YAML([]byte(text))
		require.Error(t, err, text)
	}
}
