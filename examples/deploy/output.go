package main

import (
	"encoding/json"
	"fmt"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

// progress shows the progress of a call on stderr; a nil one shows nothing.
type progress struct{ renderer *runprogress.Renderer }

func (c *command) showProgress(title string) *progress {
	if c.quiet {
		return nil
	}
	return &progress{runprogress.New(c.stderr, runprogress.WithTitle(title))}
}

// calls returns the options of a call whose progress is shown.
func (p *progress) calls() []cloudrun.CallOption {
	if p == nil {
		return nil
	}
	return []cloudrun.CallOption{cloudrun.WithProgress(p.renderer.Handle)}
}

func (p *progress) done(err error) {
	if p != nil {
		p.renderer.Done(err)
	}
}

// answer is a result as JSON.
type answer struct {
	Service  string            `json:"service"`
	Action   cloudrun.Action   `json:"action"`
	Revision string            `json:"revision,omitempty"`
	Percent  int64             `json:"percent"`
	URL      string            `json:"url,omitempty"`
	URLs     []string          `json:"urls,omitempty"`
	TagURLs  map[string]string `json:"tagUrls,omitempty"`
	Warnings []string          `json:"warnings,omitempty"`
}

// print writes the result to stdout: its URL, or all of it as JSON.
func (c *command) print(r *cloudrun.Result) error {
	switch c.format {
	case "json":
		return c.printJSON(answer{Service: r.Service.Name, Action: r.Action, Revision: r.Revision, Percent: r.Percent,
			URL: r.URL, URLs: r.URLs, TagURLs: r.TagURLs, Warnings: r.Warnings})
	case "":
		if r.URL != "" {
			fmt.Fprintln(c.stdout, r.URL)
		}
	}
	return nil
}

func (c *command) printJSON(v any) error {
	encoder := json.NewEncoder(c.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
