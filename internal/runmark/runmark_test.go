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
		require.Equal(t, map[string]string{"other": "1"}, annotations)
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
