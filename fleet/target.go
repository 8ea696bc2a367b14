package fleet

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/names"
)

// Target is one Service to deploy.
type Target struct {
	// Project is the ID or the number of the project. Empty means that of the
	// Client or of the credentials.
	Project string
	// Region is a region such as "us-central1".
	Region string
	// Service is the name of the Service.
	Service string
	// Options are those of the deployment. They take precedence over [WithDefaults].
	Options []cloudrun.DeployOption
}

// String returns the Service and where it is, such as "hello (demo, us-central1)".
func (t Target) String() string {
	if t.Project == "" {
		return fmt.Sprintf("%s (%s)", t.Service, t.Region)
	}
	return fmt.Sprintf("%s (%s, %s)", t.Service, t.Project, t.Region)
}

// place is where the target is.
func (t Target) place() location { return location{t.Project, t.Region} }

// location is a project and a region, which share a quota.
type location struct{ project, region string }

// InRegion selects the targets in some regions, for [WithWaves].
func InRegion(regions ...string) func(Target) bool {
	return func(t Target) bool { return slices.Contains(regions, t.Region) }
}

// OfService selects the targets with some names, for [WithWaves].
func OfService(services ...string) func(Target) bool {
	return func(t Target) bool { return slices.Contains(services, t.Service) }
}

// check returns all that is wrong with targets, as far as this is known before anything is sent.
func check(targets []Target) error {
	type identity struct {
		location
		service string
	}
	var problems []error
	seen := map[identity]bool{}
	for i, t := range targets {
		err := errors.Join(names.Region(t.Region), names.Service(t.Service), cloudrun.CheckOptions(t.Options...))
		if t.Project != "" {
			err = errors.Join(names.Project(t.Project), err)
		}
		if id := (identity{t.place(), t.Service}); seen[id] {
			err = errors.Join(err, errors.New("the same service is a target twice"))
		} else {
			seen[id] = true
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("target %d, %s: %w", i+1, t, err))
		}
	}
	return errors.Join(problems...)
}
