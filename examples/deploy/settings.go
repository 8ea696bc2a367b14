package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/pflag"
)

// settings are the flags common to all commands.
type settings struct {
	project, region, endpoint, format string
	quiet, local, dryRun              bool
	ifChanged, preflight              bool
}

func registerSettings(fs *pflag.FlagSet) *settings {
	s := &settings{}
	fs.StringVar(&s.project, "project", firstOf("CLOUDSDK_CORE_PROJECT", "GOOGLE_CLOUD_PROJECT"), "`ID` of the project; by default that of the default credentials")
	fs.StringVar(&s.region, "region", firstOf("CLOUDSDK_RUN_REGION", "GOOGLE_CLOUD_REGION"), "`REGION` of Cloud Run, such as us-central1")
	fs.StringVar(&s.endpoint, "endpoint", "", "`URL` of a server to use instead of Cloud Run; without credentials if it is on this machine (default: the variable CLOUDRUN_ENDPOINT)")
	fs.StringVar(&s.format, "format", "", "`FORMAT` of what goes to stdout: json for the whole result, none for nothing; by default the URL")
	fs.BoolVarP(&s.quiet, "quiet", "q", false, "show no progress")
	fs.String("verbosity", "", "ignored, for compatibility with gcloud")
	_ = fs.MarkHidden("verbosity") // it is defined
	return s
}

// registerLocal defines the flag of commands that also work without Cloud Run.
func (s *settings) registerLocal(fs *pflag.FlagSet) {
	fs.BoolVar(&s.local, "local", false, "deploy to an embedded control plane; the default image is gcr.io/cloudrun/hello")
}

// registerDryRun defines the flag of commands that can show their changes in advance.
func (s *settings) registerDryRun(fs *pflag.FlagSet) {
	fs.BoolVar(&s.dryRun, "dry-run", false, "show what would change without changing it")
}

// registerConditions defines the flags of a deployment that may write nothing.
func (s *settings) registerConditions(fs *pflag.FlagSet) {
	fs.BoolVar(&s.ifChanged, "if-changed", false, "skip the deployment if nothing would change")
	fs.BoolVar(&s.preflight, "preflight", false, "check all permissions first; nothing is written if one is missing")
}

// firstOf returns the value of the first variable that is set.
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
	if s.preflight && s.dryRun {
		return errors.New("at most one of --dry-run | --preflight can be specified")
	}
	if !s.local && s.endpoint == "" {
		s.endpoint = os.Getenv("CLOUDRUN_ENDPOINT") // of examples/emulator
	}
	if s.local && s.endpoint != "" {
		return errors.New("at most one of --local | --endpoint can be specified")
	}
	return nil
}
