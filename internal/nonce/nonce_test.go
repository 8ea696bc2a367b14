package nonce_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/nonce"
)

func TestNonce(t *testing.T) {
	t.Parallel()
	seen := map[nonce.Nonce]bool{}
	for range 1000 {
		n := nonce.New()
		require.Regexp(t, "^[a-z]{10}$", n)
		require.False(t, seen[n], "twice the same")
		seen[n] = true
	}
	var labels map[string]string
	require.False(t, nonce.Nonce("").On(labels), "the empty one is on no template")
	mine, other := nonce.New(), nonce.New()
	labels = mine.Put(labels)
	require.True(t, mine.On(labels))
	require.False(t, other.On(labels))
	require.False(t, nonce.Nonce("").On(labels))
	labels = other.Put(labels)
	require.False(t, mine.On(labels))
}

func TestSyllable(t *testing.T) {
	t.Parallel()
	for range 100 {
		require.Regexp(t, "^[b-df-hj-np-tv-z][aeiou][b-df-hj-np-tv-z]$", nonce.Syllable())
	}
}
