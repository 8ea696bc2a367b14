package pages_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// elsewhere are the commands of the README that this test does not run, and why.
var elsewhere = map[string]string{
	"git clone https://github.com/cloudrun-go/cloudrun && cd cloudrun": "needs the network",
	"go get github.com/cloudrun-go/cloudrun":                           "needs the network",
	"go test ./...":                                                    ".ci/run runs it",
	"go run ./examples/emulator -- gcloud run deploy hello --image=img --labels=cloudruntest-outcome=secret-denied": "needs gcloud; TestGcloudDeploys runs it",
}

// TestCommandsOfTheReadme runs the commands of the README that need neither the
// network nor an account. A command of another kind has to be entered above.
func TestCommandsOfTheReadme(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("links the examples")
	}
	readme := allPages(t)["README.md"]
	commands := strings.Split(strings.Join(readme.Blocks("sh"), "\n"), "\n")
	for _, span := range readme.Spans() {
		if strings.HasPrefix(span, "go run ") {
			commands = append(commands, span)
		}
	}
	bin := t.TempDir()
	out, err := exec.Command("go", "build", "-C", root, "-o", bin, "./examples/...").CombinedOutput()
	require.NoError(t, err, string(out))
	ran := 0
	for _, command := range commands {
		command = strings.ReplaceAll(command, "COMMAND", "true") // one of the reader's
		example := exampleRun.FindStringSubmatch(command)
		switch {
		case command == "" || elsewhere[command] != "" || strings.Contains(command, "--project"):
		case example == nil:
			t.Errorf("the README has a command that is not tested: %s", command)
		default:
			ran++
			runExample(t, filepath.Join(bin, example[1]), strings.Fields(example[2])...)
		}
	}
	require.NotZero(t, ran)
}

var exampleRun = regexp.MustCompile(`^go run \./examples/(\w+)(| .*)$`)

func runExample(t *testing.T, program string, args ...string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", cmd, out)
}
