package pages_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/pages"
)

var update = flag.Bool("update", false, "write the table of flags")

// TestNamesOfCalls checks that the last column of the tables of the pages about
// other tools names only what the root package exports. A method
// of a Deployer may be named without its type.
func TestNamesOfCalls(t *testing.T) {
	t.Parallel()
	exported, found := exportedNames(t)[""], 0
	for _, p := range allPages(t) {
		if !strings.HasPrefix(p.Path, "docs/coming-from-") && p.Path != "docs/support.md" {
			continue
		}
		for _, row := range p.Rows() {
			for _, name := range goName.FindAllStringSubmatch(row[len(row)-1], -1) {
				require.True(t, exported[name[1]] || strings.HasSuffix(name[1], "X") || testName.MatchString(name[1]) || exported["Deployer."+name[1]], "%s: %s", p.Path, name[1])
				found++
			}
		}
	}
	require.NotZero(t, found)
}

var goName = regexp.MustCompile("`([A-Z]\\w*(?:\\.[A-Z]\\w*)?)(?:\\([^`]*\\))?`")

// TestPackageDocHasEveryOption checks that the documentation of the root package
// links every option.
func TestPackageDocHasEveryOption(t *testing.T) {
	t.Parallel()
	option := regexp.MustCompile(`(?m)^func ([A-Z]\w*)\(.*\) \w+Option \{`)
	doc, err := os.ReadFile(filepath.Join(root, "doc.go"))
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	require.NoError(t, err)
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range option.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasSuffix(file, "_test.go") {
				require.Contains(t, string(doc), "["+m[1]+"]")
				found++
			}
		}
	}
	require.Greater(t, found, 100)
}

// TestFlags compares the table of flags in docs/coming-from-gcloud.md with docs/options.md.
func TestFlags(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- flags begin -->\n", "<!-- flags end -->\n"
	path := filepath.Join(root, "docs", "coming-from-gcloud.md")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	got, after, found := strings.Cut(rest, end)
	require.True(t, found)
	want := flags(allPages(t)["docs/options.md"])
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+begin+want+end+after), 0o644))
		return
	}
	require.Equal(t, want, got)
}

// flags returns the options by their flags, as a table.
func flags(options pages.Page) string {
	var rows []string
	for _, row := range options.Rows() {
		if strings.Contains(row[1], "`--") && !strings.HasPrefix(row[1], "none") {
			rows = append(rows, "| "+row[1]+" | "+row[0]+" |\n")
		}
	}
	slices.SortFunc(rows, func(a, b string) int { return strings.Compare(bare(a), bare(b)) })
	return "\n| Flag | Option |\n|---|---|\n" + strings.Join(rows, "") + "\n"
}

// bare returns a row without what does not matter for its place.
func bare(row string) string { return strings.NewReplacer("[no-]", "", "-", "").Replace(row) }
