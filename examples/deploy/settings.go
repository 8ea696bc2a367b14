package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/pflag"
)

// settings are the flags that all commands have.
type settings struct {
	project, region, endpoint, format string
	quiet, local, dryRun              bool
}

func registerSettings(fs *pflag.FlagSet) *settings {
	s := &settings{}
	fs.StringVar(&s.project, "project", firstOf("CLOUDSDK_CORE_PROJECT", "GOOGLE_CLOUD_PROJECT"), "`ID` of the project; that of the default credentials without it")
	fs.StringVar(&s.region, "region", firstOf("CLOUDSDK_RUN_REGION", "GOOGLE_CLOUD_REGION"), "`region` of Cloud Run, such as us-central1")
	fs.StringVar(&s.endpoint, "endpoint", "", "`URL` of a server to use in place of Cloud Run; without credentials if it is on this machine")
	fs.StringVar(&s.format, "format", "", "`json` writes the result to stdout as JSON, none writes nothing")
	fs.BoolVarP(&s.quiet, "quiet", "q", false, "show no progress")
	fs.String("verbosity", "", "taken for gcloud's sake")
	_ = fs.MarkHidden("verbosity") // it is there
	return s
}

// registerLocal defines the flag of commands that can do without Cloud Run.
func (s *settings) registerLocal(fs *pflag.FlagSet) {
	fs.BoolVar(&s.local, "local", false, "deploy to an embedded control plane, gcr.io/cloudrun/hello if no image is given")
}

// registerDryRun defines the flag of commands that can show what they would do.
func (s *settings) registerDryRun(fs *pflag.FlagSet) {
	fs.BoolVar(&s.dryRun, "dry-run", false, "show what would change, and change nothing")
}

// firstOf is the value of the first variable that is set.
func firstOf(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

func (s *settings) check() error {
	if !slices.Contains([]string{"", "json", "none"}, s.format) {
		return fmt.Errorf("argument --format: invalid choice: '%s': use json or none", s.format)
	}
	if s.local && s.endpoint != "" {
		return errors.New("at most one of --local | --endpoint can be specified")
	}
	return nil
}
