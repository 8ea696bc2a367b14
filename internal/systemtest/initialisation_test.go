package systemtest_test

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	_ "github.com/cloudrun-go/cloudrun/cloudruntest"
	_ "github.com/cloudrun-go/cloudrun/rollout"
	_ "github.com/cloudrun-go/cloudrun/runflags"
	_ "github.com/cloudrun-go/cloudrun/runprogress"
)

// TestInitialisation checks that an import costs nothing: no package of the
// library builds anything before its first use. It counts allocations, not time.
func TestInitialisation(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	trace, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", trace)
	const module = "github.com/cloudrun-go/cloudrun"
	line := regexp.MustCompile(`init (\S+) @.* clock, (\d+) bytes, (\d+) allocs`)
	var bytes, allocs int
	for _, found := range line.FindAllStringSubmatch(string(trace), -1) {
		if found[1] != module && !strings.HasPrefix(found[1], module+"/") || strings.HasSuffix(found[1], "_test") || strings.HasSuffix(found[1], "/internal/systemtest") {
			continue
		}
		b, _ := strconv.Atoi(found[2])
		n, _ := strconv.Atoi(found[3])
		t.Logf("%s: %d bytes, %d allocations", found[1], b, n)
		bytes, allocs = bytes+b, allocs+n
	}
	require.Contains(t, string(trace), "init k8s.io/", "the trace is of the whole program")
	require.LessOrEqual(t, bytes, 4_000, "of all packages together")
	require.LessOrEqual(t, allocs, 90, "of all packages together")
}
