package control

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/logbook"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// ListLog answers Cloud Logging's entries:list.
func (p *Plane) ListLog(c Call) (tree.Object, *apierror.Error) {
	body, err := tree.Decode(c.Body)
	if err != nil {
		return nil, apierror.Invalid("Invalid JSON payload received: %v", err)
	}
	projects := tree.Texts(body, "resourceNames")
	if len(projects) == 0 {
		return nil, apierror.Invalid("resource_names is required")
	}
	query, err := logbook.NewQuery(body)
	if err != nil {
		return nil, apierror.Invalid("%v", err)
	}
	var entries []logbook.Entry
	for _, name := range projects {
		id, ok := strings.CutPrefix(name, "projects/")
		if !ok || strings.Contains(id, "/") {
			return nil, apierror.Invalid("%q is not a supported resource name", name)
		}
		project, found := p.Store.Projects.Get(id)
		if err := p.Permissions.Check("logging.logEntries.list", name); err != nil {
			return nil, err
		}
		if !found {
			return nil, apierror.Forbidden("logging.logEntries.list", name)
		}
		entries = append(entries, p.entries(c, project)...)
	}
	return query.Page(entries, c.Now), nil
}

// entries returns the entries of a project: what containers wrote, and what
// Revisions wrote that have failed.
func (p *Plane) entries(c Call, project *store.Project) []logbook.Entry {
	entries := slices.Collect(p.Store.Logs.All())
	entries = slices.DeleteFunc(entries, func(e logbook.Entry) bool { return e.Source.Project != project.Name() })
	for sv := range p.Store.Services.In(project, "", c.Now) {
		for _, r := range sv.Revisions {
			if r.Failed(c.Now) {
				entries = append(entries, lastWords(sv, r)...)
			}
		}
	}
	return entries
}

// lastWords returns what a Revision that failed has in its log.
func lastWords(sv *store.Service, r *store.Revision) []logbook.Entry {
	var entries []logbook.Entry
	add := func(log, severity string, lines []string) {
		for _, line := range lines {
			e := logbook.New(sv.LogSource(r), log, fmt.Sprintf("%s-%06d", r.Name, len(entries)), line, r.Fate.At)
			e.Received = e.Time.Add(r.Fate.Failure.LogDelay)
			if severity != "" {
				e.Severity = severity
			}
			entries = append(entries, e)
		}
	}
	add(logbook.Stderr, "", r.Fate.Failure.Log)
	add(logbook.System, "ERROR", r.Fate.Failure.SystemLog)
	return entries
}
