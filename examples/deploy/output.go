package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/examples/internal/cli"
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

// print shows the result: on stdout its URL, or all of it as JSON, and for people
// on stderr what serves where. If both are the same terminal, the URL is shown once.
func (c *command) print(r *cloudrun.Result) error {
	if c.format == "json" {
		return c.printJSON(r)
	}
	if !c.quiet {
		runprogress.WriteResult(c.stderr, r)
	}
	shown := !c.quiet && isTerminal(c.stdout) && isTerminal(c.stderr)
	if c.format == "" && r.URL != "" && !shown {
		fmt.Fprintln(c.stdout, r.URL)
	}
	return nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (c *command) printJSON(v any) error {
	encoder := json.NewEncoder(c.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// report writes an error for people.
func report(stderr io.Writer, err error) {
	var h *hinted
	if !errors.As(err, &h) {
		runprogress.WriteError(stderr, err)
		return
	}
	runprogress.WriteError(stderr, h.error)
	fmt.Fprintln(stderr, h.hint)
}

// hinted is an error with what to do next.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// hint adds to the error of an interrupted wait how to go on.
func (c *command) hint(err error) error {
	var failed *cloudrun.DeployError
	if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) || failed.Outcome == cloudrun.NotWritten {
		return err
	}
	if c.local {
		return cli.Stopped(err, cli.Local)
	}
	hint := fmt.Sprintf("Look at it: gcloud run services describe %s --project=%s --region=%s", failed.Service, c.project, c.region)
	if c.flags.Lookup("if-changed") != nil {
		hint += "\nGo on waiting: run the same command with --if-changed"
	}
	return &hinted{err, hint}
}
