// Package logbook is a Cloud Logging for the containers of Services: what they
// write becomes entries, and queries with filters select them.
package logbook

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// The logs of a Revision.
const (
	Stdout = "run.googleapis.com/stdout"
	Stderr = "run.googleapis.com/stderr"
	System = "run.googleapis.com/varlog/system"
)

// Source is the Revision that an entry is of.
type Source struct {
	Project  string // its ID
	Region   string
	Service  string
	Revision string
}

// Entry is one entry of a log.
type Entry struct {
	Source   Source
	Log      string // such as [Stderr]
	ID       string // makes entries of the same time distinct
	Severity string // empty for DEFAULT
	Text     string
	JSON     tree.Object // the payload instead of Text; nil for none
	Time     time.Time
	Received time.Time // when queries begin to see it
}

// New returns the entry of a line. As on Cloud Run, a JSON object becomes the
// payload, and its severity that of the entry.
func New(source Source, log, id, line string, at time.Time) Entry {
	e := Entry{Source: source, Log: log, ID: id, Text: line, Time: at, Received: at}
	if !strings.HasPrefix(line, "{") {
		return e
	}
	payload, err := tree.Decode([]byte(line))
	if err != nil {
		return e
	}
	e.Severity, e.Text = strings.ToUpper(tree.Text(payload, "severity")), ""
	e.JSON = tree.Without(payload, "severity")
	return e
}

// Doc returns the entry as the API shows it.
func (e Entry) Doc() tree.Object {
	doc := tree.Object{
		"insertId": e.ID, "logName": "projects/" + e.Source.Project + "/logs/" + url.PathEscape(e.Log),
		"timestamp": spell(e.Time), "receiveTimestamp": spell(e.Received),
		"labels": tree.Object{"instanceId": fmt.Sprintf("%x", e.Source.Revision)},
		"resource": tree.Object{"type": "cloud_run_revision", "labels": tree.Object{
			"project_id": e.Source.Project, "location": e.Source.Region, "service_name": e.Source.Service,
			"configuration_name": e.Source.Service, "revision_name": e.Source.Revision,
		}},
	}
	if e.Severity != "" {
		doc["severity"] = e.Severity
	}
	if e.JSON != nil {
		doc["jsonPayload"] = e.JSON
	} else {
		doc["textPayload"] = e.Text
	}
	return doc
}

func spell(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
