package similar_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/similar"
)

func TestName(t *testing.T) {
	t.Parallel()
	known := []string{"env", "image", "args", "ports", "livenessProbe"}
	for name, want := range map[string]string{
		"evn": "env", "Image": "image", "imag": "image", "port": "ports", "livenessprob": "livenessProbe", "liveProbe": "", "tty": "", "": "",
		strings.Repeat("x", 100): "",
	} {
		require.Equal(t, want, similar.Name(name, known), name)
	}
}
