package nonce_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

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
	var template servingv1.RevisionTemplateSpec
	require.False(t, nonce.Nonce("").On(&template), "the empty one is on no template")
	mine, other := nonce.New(), nonce.New()
	mine.Put(&template)
	require.True(t, mine.On(&template))
	require.False(t, other.On(&template))
	require.False(t, nonce.Nonce("").On(&template))
	other.Put(&template)
	require.False(t, mine.On(&template))
}

func TestSyllable(t *testing.T) {
	t.Parallel()
	for range 100 {
		require.Regexp(t, "^[b-df-hj-np-tv-z][aeiou][b-df-hj-np-tv-z]$", nonce.Syllable())
	}
}
