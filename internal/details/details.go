// Package details reads the details of Google's error responses that people act
// on: the fields and the quotas at fault, how long to wait, and links to help.
//
// It reads each detail by itself, by its members. Package apierror of gax-go drops
// all details of a response that has a member or a kind of detail that it does not know.
package details

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

const (
	maxText  = 4096 // of text from a server
	maxField = 200
)

// Violation is a field of a request, or a subject such as a project, and what is wrong with it.
type Violation struct {
	Field       string
	Description string
}

// Link is a page that the server refers to.
type Link struct {
	Description string
	URL         string
}

// Details are what the details of an error response say. Its texts are safe to print.
type Details struct {
	Fields     []Violation   // of google.rpc.BadRequest
	Conditions []Violation   // of google.rpc.QuotaFailure and google.rpc.PreconditionFailure
	Links      []Link        // of google.rpc.Help
	RetryDelay time.Duration // of google.rpc.RetryInfo; may be negative or too long
}

// detail has the members of the details that are read. All names are distinct.
type detail struct {
	FieldViolations []struct {
		Field       string `json:"field"`
		Description string `json:"description"`
	} `json:"fieldViolations"`
	Violations []struct {
		Subject     string `json:"subject"`
		Description string `json:"description"`
	} `json:"violations"`
	Links []struct {
		Description string `json:"description"`
		URL         string `json:"url"`
	} `json:"links"`
	RetryDelay string `json:"retryDelay"`
}

// Read reads details, and ignores those that have another form.
func Read(raw []json.RawMessage) (d Details) {
	for _, one := range raw {
		var read detail
		if json.Unmarshal(one, &read) == nil {
			d.add(read)
		}
	}
	return d
}

func (d *Details) add(read detail) {
	for _, v := range read.FieldViolations {
		d.Fields = append(d.Fields, Violation{safetext.Line(v.Field, maxField), safetext.Line(v.Description, maxText)})
	}
	for _, v := range read.Violations {
		d.Conditions = append(d.Conditions, Violation{safetext.Line(v.Subject, maxField), safetext.Line(v.Description, maxText)})
	}
	for _, l := range read.Links {
		if strings.HasPrefix(l.URL, "https://") {
			d.Links = append(d.Links, Link{safetext.Line(l.Description, maxField), safetext.Line(l.URL, maxText)})
		}
	}
	if delay, err := time.ParseDuration(read.RetryDelay); err == nil {
		d.RetryDelay = max(d.RetryDelay, delay)
	}
}
