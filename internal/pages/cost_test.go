package pages_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// cost is what a program links that imports a package.
type cost struct{ packages, modules, kubernetes int }

// TestCosts checks that docs/cost.md has a row for each package that other
// modules can import, and that its counts are true. The number of packages
// differs a little between versions of Go.
func TestCosts(t *testing.T) {
	t.Parallel()
	rows := map[string]cost{}
	for _, cells := range allPages(t)["docs/cost.md"].Rows() {
		require.Len(t, cells, 5)
		kubernetes, _, _ := strings.Cut(strings.Replace(cells[4], "none", "0", 1), " ")
		rows[strings.Trim(cells[0], "`")] = cost{number(t, cells[1]), number(t, cells[2]), number(t, kubernetes)}
	}
	public := publicPackages(t)
	require.Len(t, rows, len(public))
	for _, path := range public {
		name := path[strings.LastIndex(path, "/")+1:]
		require.Contains(t, rows, name)
		row, actual := rows[name], costOf(t, path)
		require.InEpsilon(t, actual.packages, row.packages, 0.03, "packages of %s", name)
		row.packages = actual.packages
		require.Equal(t, actual, row, name)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// publicPackages returns the paths of the packages that other modules can import.
func publicPackages(t *testing.T) (public []string) {
	t.Helper()
	for _, line := range golist(t, "-f", "{{.Name}} {{.ImportPath}}", "./...") {
		name, path, _ := strings.Cut(line, " ")
		if name != "main" && !strings.Contains(path+"/", "/internal/") {
			public = append(public, path)
		}
	}
	return public
}

func costOf(t *testing.T, path string) (c cost) {
	t.Helper()
	modules := map[string]bool{}
	for _, line := range golist(t, "-deps", "-f", "{{.ImportPath}} {{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", path) {
		imported, module, _ := strings.Cut(line, " ")
		c.packages++
		if module != "" {
			modules[module] = true
		}
		if strings.HasPrefix(imported, "k8s.io") || strings.HasPrefix(imported, "knative.dev") {
			c.kubernetes++
		}
	}
	c.modules = len(modules)
	return c
}

func golist(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1")
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}
