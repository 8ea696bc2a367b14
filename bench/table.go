package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// table has a column for each peer, or for those that are named.
type table struct {
	title   string
	rows    []row
	columns []string
}

type row struct {
	label string
	cells []string
}

var titles = map[string]string{"raw": "raw net/http", "runv1": "run/v1", "apiv2": "run/apiv2 (REST)", "typed": "loop on the Knative types", "ours": "**this library**", "gcloud": "gcloud run deploy"}

// String returns the table as Markdown.
func (t table) String() string {
	var b strings.Builder
	columns := t.columns
	if columns == nil {
		columns = names
	}
	fmt.Fprintf(&b, "| %s |", t.title)
	for _, name := range columns {
		fmt.Fprintf(&b, " %s |", titles[name])
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s | %s |\n", r.label, strings.Join(r.cells, " | "))
	}
	return b.String()
}

// The markers of the page, between which the tables are.
const (
	begin = "<!-- the tables begin -->\n"
	end   = "<!-- the tables end -->\n"
)

// write replaces the tables of a page.
func write(page string, tables []table) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(begin))
	_, after, ended := bytes.Cut(rest, []byte(end))
	if !found || !ended {
		return fmt.Errorf("%s has no markers %q and %q", page, begin, end)
	}
	var out bytes.Buffer
	out.Write(before)
	out.WriteString(begin + "Measured on " + machine() + "\n\n")
	for _, t := range tables {
		out.WriteString(t.String() + "\n")
	}
	out.WriteString(end)
	out.Write(after)
	return os.WriteFile(page, out.Bytes(), 0o644)
}

func machine() string {
	cpu := "a CPU of unknown model"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(info), "model name\t: "); ok {
			cpu, _, _ = strings.Cut(rest, "\n")
		}
	}
	versions := "unknown versions"
	if out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "google.golang.org/api", "cloud.google.com/go/run", "knative.dev/serving").Output(); err == nil {
		versions = strings.Join(strings.Split(strings.TrimSpace(string(out)), "\n"), ", ")
	}
	return fmt.Sprintf("%s/%s, %d × %s, %s; peers: %s.", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cpu, runtime.Version(), versions)
}
