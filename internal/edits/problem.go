package edits

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with the options of a call.
type Problem struct {
	// Option is the option at fault, as the program wrote it.
	Option string
	// Conflict is the option that it contradicts; empty if it is wrong by itself.
	Conflict string
	// Reason describes what is wrong.
	Reason string
	// Err is the error of the edit that failed; nil if no edit did.
	Err error
}

// Error names the option or options and the reason.
func (p *Problem) Error() string {
	if p.Conflict != "" {
		return fmt.Sprintf("%s contradicts %s: %s", p.Option, p.Conflict, p.Reason)
	}
	return fmt.Sprintf("%s: %s", p.Option, p.Reason)
}

// Unwrap returns the error of the edit.
func (p *Problem) Unwrap() error { return p.Err }

// Problems are all the problems of a call.
type Problems []*Problem

// Error has one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each problem.
func (ps Problems) Unwrap() []error {
	all := make([]error, len(ps))
	for i, p := range ps {
		all[i] = p
	}
	return all
}

func (ps Problems) orNil() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
