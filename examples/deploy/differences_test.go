package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// listedDifferences are the recorded cases that the documentation lists as different.
func listedDifferences(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/differences-from-gcloud.md")
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(text), "\n## Recorded commands\n")
	require.True(t, ok, "there is a section about the recorded commands")
	listed := map[string]bool{}
	for line := range strings.Lines(section) {
		first, _, ok := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		if !ok {
			continue
		}
		for _, name := range quoted.FindAllStringSubmatch(first, -1) {
			require.False(t, listed[name[1]], "%s is listed twice", name[1])
			listed[name[1]] = true
		}
	}
	return listed
}
