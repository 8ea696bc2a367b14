package history_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/history"
)

// written returns the annotation of a history.
func written(h history.History) string { return h.Put(nil)[history.Annotation] }

func read(text string) history.History {
	return history.Read(map[string]string{history.Annotation: text})
}

// The spelling must not change: other versions of this library read it.
func TestReadAndPut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "",
		"c=rejected,b=served,a=withdrawn":      "c=rejected,b=served,a=withdrawn",
		"a=served,a=rejected":                  "a=served",
		"a=other,b=served,-=served,=,c,\n,=x,": "b=served",
	} {
		require.Equal(t, want, written(read(text)), text)
	}
	annotations := map[string]string{"other": "1"}
	require.Equal(t, annotations, history.History(nil).Put(annotations))
	require.Equal(t, map[string]string{"other": "1", history.Annotation: "a=served"}, read("a=served").Put(annotations))
}

func TestWith(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		was       string
		fate      history.Fate
		revisions []string
		want      string
	}{
		{"", history.Served, []string{"b", "a"}, "b=served,a=served"},
		{"b=rejected,a=served", history.Served, []string{"b"}, "b=served,a=served"},
		{"b=served,a=served", history.Rejected, []string{"a", "a"}, "a=rejected,b=served"},
		{"a=served", history.Withdrawn, nil, "a=served"},
	} {
		require.Equal(t, tc.want, written(read(tc.was).With(tc.fate, tc.revisions...)))
	}
}

func TestFates(t *testing.T) {
	t.Parallel()
	h := read("d=served,c=rejected,x=withdrawn,b=served,a=served")
	require.Equal(t, history.Rejected, h.Fate("c"))
	require.Empty(t, h.Fate("e"))
	for revision, want := range map[string]bool{"c": true, "x": true, "b": false, "e": false} {
		require.Equal(t, want, h.Unreleased(revision), revision)
	}
	for revision, want := range map[string]int{"d": 1, "c": 0, "x": 0, "b": 4, "a": 5, "e": 0} {
		require.Equal(t, want, h.Rank(revision), revision)
	}
}

// A history does not grow without end, whoever writes it.
func TestBounds(t *testing.T) {
	t.Parallel()
	var h history.History
	text := ""
	for i := range 50 {
		h = h.With(history.Served, fmt.Sprintf("r-%d", i))
		text += fmt.Sprintf("r-%d=served,", i)
	}
	require.Len(t, h, 20)
	require.Equal(t, "r-49", h[0].Revision)
	require.Len(t, read(text), 20)
}
