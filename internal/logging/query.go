// Package logging reads the logs of Revisions from Cloud Logging: its queries, its
// entries as lines that are safe to print, and reads that failures share.
package logging

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Path is the path of a query, below the host.
const Path = "/v2/entries:list"

// Permission is the permission to read logs, and Role the role that has it.
const (
	Permission = "logging.logEntries.list"
	Role       = "roles/logging.viewer"
)

// MaxPage is how many entries a page may have.
const MaxPage = 1000

// Query selects entries of Revisions.
type Query struct {
	Project string
	Region  string
	Service string // empty for all
	// Revisions are those to select; empty for all.
	Revisions []string
	// Since is the time of the oldest entry; zero for no limit.
	Since time.Time
	// Newest puts the newest entries first.
	Newest   bool
	PageSize int
	Token    string // of a later page
}

// Body returns the query as JSON.
func (q Query) Body() []byte {
	order := "timestamp asc"
	if q.Newest {
		order = "timestamp desc"
	}
	body, _ := json.Marshal(struct { // strings and numbers always have an encoding
		ResourceNames []string `json:"resourceNames"`
		Filter        string   `json:"filter"`
		OrderBy       string   `json:"orderBy"`
		PageSize      int      `json:"pageSize"`
		PageToken     string   `json:"pageToken,omitempty"`
	}{[]string{"projects/" + q.Project}, q.filter(), order, min(q.PageSize, MaxPage), q.Token})
	return body
}

func (q Query) filter() string {
	all := []string{`resource.type="cloud_run_revision"`, "resource.labels.location=" + quote(q.Region)}
	if q.Service != "" {
		all = append(all, "resource.labels.service_name="+quote(q.Service))
	}
	var revisions []string
	for _, name := range slices.Compact(slices.Sorted(slices.Values(q.Revisions))) {
		revisions = append(revisions, "resource.labels.revision_name="+quote(name))
	}
	switch {
	case len(revisions) == 1:
		all = append(all, revisions[0])
	case len(revisions) > 1:
		all = append(all, "("+strings.Join(revisions, " OR ")+")")
	}
	if !q.Since.IsZero() {
		all = append(all, fmt.Sprintf("timestamp>=%q", q.Since.UTC().Format(time.RFC3339Nano)))
	}
	return strings.Join(all, " AND ")
}

// quote returns a text as a string of a filter, which it cannot leave.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
