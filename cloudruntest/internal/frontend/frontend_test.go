package frontend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/frontend"
)

func TestPagesEscapeThePath(t *testing.T) {
	t.Parallel()
	const path, escaped = `/<script>"&`, `/&lt;script&gt;&quot;&amp;`
	for _, page := range []string{frontend.NotFound(path), frontend.Forbidden(path)} {
		require.Contains(t, page, "<code>"+escaped+"</code>")
		require.NotContains(t, page, path)
	}
}

func TestErrorPage(t *testing.T) {
	t.Parallel()
	page := frontend.Error("403 Forbidden", "no")
	require.Contains(t, page, "<title>403 Forbidden</title>")
	require.Contains(t, page, "<h1>Error: Forbidden</h1>")
	require.Contains(t, page, "<h2>no</h2>")
}
