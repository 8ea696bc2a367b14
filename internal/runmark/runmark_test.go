package runmark_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/runmark"
)

func TestMark(t *testing.T) {
	t.Parallel()
	require.Zero(t, runmark.Read(nil))
	for _, m := range []runmark.Mark{{ID: "build-7"}, {ID: "a.b_c", Nonce: "abcdefghij"}} {
		require.Equal(t, m, runmark.Read(m.Put(nil)))
		annotations := m.Put(map[string]string{"other": "1"})
		require.Equal(t, m, runmark.Read(annotations))
		runmark.Remove(annotations)
		require.Zero(t, runmark.Read(annotations))
		found, ok := runmark.Find(annotations, m.ID)
		require.True(t, ok, "it is still known what the run deployed")
		require.Equal(t, m, found)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for id, ok := range map[string]bool{
		"a": true, "7": true, "build-7": true, "A.b_c-9": true, strings.Repeat("a", 63): true,
		"": false, "-a": false, "a-": false, "a/b": false, "a b": false, "ä": false, "a\n": false, strings.Repeat("a", 64): false,
	} {
		require.Equal(t, ok, runmark.Check(id) == nil, "%q", id)
	}
}

// A Service remembers several runs, but not all of them.
func TestMarksOfSeveralRuns(t *testing.T) {
	t.Parallel()
	var annotations map[string]string
	for _, id := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "1"} {
		annotations = runmark.Mark{ID: id, Nonce: "n"}.Put(annotations)
	}
	require.Equal(t, "1/n,a/n,9/n,8/n,7/n,6/n,5/n,4/n,3/n,2/n", annotations[runmark.Annotation])
	for id, known := range map[string]bool{"1": true, "2": true, "0": false, "": false, "x": false} {
		_, ok := runmark.Find(annotations, id)
		require.Equal(t, known, ok, id)
	}
	runmark.Remove(nil)
}
