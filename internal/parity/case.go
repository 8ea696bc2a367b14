// Package parity replays the server of recorded gcloud commands and compares the
// requests of two clients by their meaning. It is for tests.
package parity

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Case is one recorded gcloud command: the state of the server, the requests of
// gcloud and the result.
type Case struct {
	Name      string            `json:"name"`
	Command   []string          `json:"command"` // argv after gcloud
	Before    Object            `json:"before"`  // the Service before the command, if any
	Revisions []Object          `json:"revisions"`
	IAM       Object            `json:"iam"`
	Server    Behavior          `json:"server"`
	Files     map[string]string `json:"files"` // in the working directory of the command, by name
	Requests  []Request         `json:"requests"`
	Exit      int               `json:"exit"`
	Stderr    string            `json:"stderr"`
	Note      string            `json:"note"`
}

// Object is a JSON object.
type Object = map[string]any

// Behavior is how a server responds.
type Behavior struct {
	Mode            string           `json:"mode"` // when a Service becomes ready; empty means at once
	Fail            map[string]*Fail `json:"fail"` // by kind of request: write, get, delete, getIamPolicy, …
	ExtraConditions []any            `json:"extra_conditions"`
}

// Fail is an error response.
type Fail struct {
	Status int  `json:"status"`
	Body   any  `json:"body"`
	Times  *int `json:"times"` // nil means always
}

// Request is one request of a client.
type Request struct {
	Method string            `json:"method"`
	Host   string            `json:"host"`
	Path   string            `json:"path"`
	Query  map[string]string `json:"query"`
	Body   any               `json:"body"`
}

// Area returns the subject of a case: the first word of its name.
func (c *Case) Area() string {
	area, _, _ := strings.Cut(c.Name, ".")
	return area
}

// Load returns the cases of a directory, ordered by file name.
func Load(dir string) ([]*Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	cases := make([]*Case, 0, len(files))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		c := &Case{}
		if err := json.Unmarshal(text, c); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// The project and the region of all cases.
const (
	Project = "demo"
	Number  = "123456789012"
	Region  = "us-central1"
)
