package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"

	"github.com/spf13/pflag"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/runflags"
)

// command is one call of the program.
type command struct {
	*settings
	stage          string   // beta, alpha or empty
	args           []string // the flags and the Service or file
	flags          *pflag.FlagSet
	stdout, stderr io.Writer
	options        []option.ClientOption
	fetch          func(context.Context, io.Writer, *cloudrun.Result) error // shows the Service, if set
}

// stages returns the options of flags for the words beta and alpha.
func (c *command) stages() []runflags.Option {
	switch c.stage {
	case "beta":
		return []runflags.Option{runflags.Beta()}
	case "alpha":
		return []runflags.Option{runflags.Alpha()}
	}
	return nil
}

// parse parses the flags and returns the one argument, which only --local does without.
func (c *command) parse(what string) (string, error) {
	if err := c.flags.Parse(c.args); err != nil {
		return "", runflags.Explain(c.flags, err)
	}
	if err := c.check(); err != nil {
		return "", err
	}
	switch {
	case c.flags.NArg() == 1:
		return c.flags.Arg(0), nil
	case c.flags.NArg() > 1:
		return "", fmt.Errorf("unrecognized arguments: %v", c.flags.Args()[1:])
	case c.local:
		return "hello", nil
	}
	return "", fmt.Errorf("argument %s: must be specified", what)
}

// client returns the client of the command.
func (c *command) client(ctx context.Context) (*cloudrun.Client, error) {
	if c.region == "" {
		return nil, errors.New("you must specify a region: use --region, or set CLOUDSDK_RUN_REGION")
	}
	opts := slices.Clone(c.options)
	if c.endpoint != "" {
		opts = append(opts, option.WithEndpoint(c.endpoint))
		if isLoopback(c.endpoint) {
			opts = append(opts, option.WithoutAuthentication())
		}
	}
	return cloudrun.NewClient(ctx, c.project, c.region, opts...)
}

// isLoopback reports whether a server is on this machine. It gets no token.
func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}
