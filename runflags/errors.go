package runflags

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/cloudrun-go/cloudrun/internal/logform"
	"github.com/cloudrun-go/cloudrun/internal/similar"
)

// ErrNoChange is returned when the flags change nothing about the Service,
// together with the options of the other flags, such as --async. A CLI that has
// other ways to change the Service may ignore the error and use these options.
var ErrNoChange = errors.New("no configuration change requested")

// suggest adds to an error the flags to use instead: those of the names that are
// defined, as they are spelled.
func (p *parsed) suggest(err error, table []*flag, names ...string) error {
	var known []string
	for _, name := range names {
		if slices.ContainsFunc(table, func(f *flag) bool { return f.name == name }) {
			known = append(known, p.current.flag(name))
		}
	}
	if len(known) == 0 {
		return err
	}
	return fmt.Errorf("%w: use %s or another flag", err, strings.Join(known, ", "))
}

// ArgumentError is returned when a flag cannot be used.
type ArgumentError struct {
	// Flag is the flag with its dashes, such as "--memory".
	Flag string
	// Container is the name given by the preceding --container; empty if there is none.
	Container string
	// Err is the problem.
	Err error
}

// Error returns the flag, its container if there is one, and the problem.
func (e *ArgumentError) Error() string {
	if e.Container != "" {
		return fmt.Sprintf("argument %s of container %s: %v", e.Flag, e.Container, e.Err)
	}
	return fmt.Sprintf("argument %s: %v", e.Flag, e.Err)
}

// Unwrap returns the problem.
func (e *ArgumentError) Unwrap() error { return e.Err }

// LogValue returns the error as a group: type, error, flag, container and wrapped.
func (e *ArgumentError) LogValue() slog.Value {
	return logform.Error("ArgumentError", e, slog.String("flag", e.Flag), slog.String("container", e.Container), logform.Wrapped(e.Err))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *ArgumentError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// problems reports what is wrong with the value of a flag.
func (s *section) problems(flag string, err error) error {
	if err == nil {
		return nil
	}
	return &ArgumentError{Flag: s.flag(flag), Container: s.container, Err: err}
}

// Explain returns an error of [pflag.FlagSet.Parse] in gcloud's words. For an
// unknown flag it suggests a similar one. Other errors are returned unchanged.
func Explain(fs *pflag.FlagSet, err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		return unrecognized(fs, unknown)
	case errors.As(err, &missing):
		return &ArgumentError{Flag: "--" + missing.GetSpecifiedName(), Err: errors.New("expected one argument")}
	}
	return err
}

func unrecognized(fs *pflag.FlagSet, e *pflag.NotExistError) error {
	if e.GetSpecifiedShortnames() != "" {
		return fmt.Errorf("unrecognized arguments: -%s", e.GetSpecifiedName()) // what follows may be a value
	}
	var known []string
	fs.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if near := similar.Name(e.GetSpecifiedName(), known); near != "" {
		return fmt.Errorf("unrecognized arguments: --%s (did you mean '--%s'?)", e.GetSpecifiedName(), near)
	}
	return fmt.Errorf("unrecognized arguments: --%s", e.GetSpecifiedName())
}
