package apifields_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/apifields"
)

var update = flag.Bool("update", false, "write the table of fields from the newest description of the API")

// property is a field in Google's discovery document.
type property struct {
	Type, Format string
	Ref          string    `json:"$ref"`
	Items        *property // of a list
	Values       *property `json:"additionalProperties"` // of an object with arbitrary keys
}

type document struct {
	Revision string
	Schemas  map[string]struct{ Properties map[string]property }
}

func readDocument(t *testing.T, module string) (d document) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(module, "run", "v1", "run-api.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &d))
	return d
}

// spelled returns a type as the table has it, and the message in it.
func (p property) spelled() (text, message string) {
	switch {
	case p.Items != nil:
		text, message = p.Items.spelled()
		return "[]" + text, message
	case p.Values != nil:
		text, message = p.Values.spelled()
		return "{}" + text, message
	case p.Ref != "":
		return p.Ref, p.Ref
	case p.Format != "":
		return p.Type + ":" + p.Format, ""
	}
	return p.Type, ""
}

// table returns the fields of kinds, and of all messages in them.
func (d document) table(kinds ...string) (lines []string) {
	seen := map[string]bool{}
	for len(kinds) > 0 {
		message := kinds[0]
		kinds = kinds[1:]
		if seen[message] {
			continue
		}
		seen[message] = true
		fields := d.Schemas[message].Properties
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			text, inner := fields[name].spelled()
			lines = append(lines, strings.Join([]string{message, name, text}, " "))
			if inner != "" {
				kinds = append(kinds, inner)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

var kinds = []string{"Service", "Job", "Execution", "Task", "WorkerPool"}

// TestDocument compares the table with Google's description of the API in the
// module that the library requires. The table may be newer.
func TestDocument(t *testing.T) {
	t.Parallel()
	if *update {
		writeTable(t)
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	require.NoError(t, err)
	want := readDocument(t, strings.TrimSpace(string(dir))).table(kinds...)
	require.Greater(t, len(want), 200)
	table, err := os.ReadFile("run.txt")
	require.NoError(t, err)
	require.Subset(t, strings.Split(string(table), "\n"), want)
}

// writeTable writes the table from the newest description.
func writeTable(t *testing.T) {
	t.Helper()
	out, err := exec.Command("go", "mod", "download", "-json", "google.golang.org/api@latest").Output()
	require.NoError(t, err)
	var module struct{ Dir, Version string }
	require.NoError(t, json.Unmarshal(out, &module))
	d := readDocument(t, module.Dir)
	text := fmt.Sprintf("# Fields of Cloud Run's API: message, field, type. From run/v1 of google.golang.org/api %s, revision %s.\n"+
		"# Written by: go test ./internal/apifields -update\n%s\n", module.Version, d.Revision, strings.Join(d.table(kinds...), "\n"))
	require.NoError(t, os.WriteFile("run.txt", []byte(text), 0o666))
}

func TestFields(t *testing.T) {
	t.Parallel()
	require.Equal(t, "[]Container", apifields.Of("RevisionSpec")["containers"])
	require.Equal(t, "{}string", apifields.Of("ObjectMeta")["labels"])
	require.Nil(t, apifields.Of("string"))
	require.Nil(t, apifields.Of("#"))
	service := apifields.Paths("Service")
	for path, want := range map[string]string{
		"spec.template.spec.containers":                                "[]Container",
		"spec.template.spec.containers[].livenessProbe.httpGet.port":   "integer:int32",
		"spec.template.spec.containers[].securityContext.runAsNonRoot": "",
		"spec.template.spec.initContainers":                            "",
		"metadata.labels":                                              "{}string",
	} {
		require.Equal(t, want, service[path], path)
	}
	for _, kind := range kinds {
		require.NotEmpty(t, apifields.Of(kind), kind)
	}
}
