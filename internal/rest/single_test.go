package rest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

func TestSingleAttempt(t *testing.T) {
	t.Parallel()
	require.False(t, rest.IsSingleAttempt(t.Context()))
	require.True(t, rest.IsSingleAttempt(rest.SingleAttempt(t.Context())))
}
