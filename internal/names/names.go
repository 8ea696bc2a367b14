// Package names checks the names that end up in host names and URL paths,
// where a wrong one could send a caller's credentials to a stranger.
package names

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

const (
	label   = `[a-z0-9](?:[a-z0-9-]*[a-z0-9])?`
	maxName = 63
	// maxServiceName is Cloud Run's own limit: a Service's name is part of the host name of its URL.
	maxServiceName = 49
)

var (
	labelRE   = regexp.MustCompile(`^` + label + `$`)
	serviceRE = regexp.MustCompile(`^[a-z](?:[a-z0-9-]*[a-z0-9])?$`)
	regionRE  = regexp.MustCompile(`^[a-z][a-z0-9]*(?:-[a-z0-9]+)+$`)
	projectRE = regexp.MustCompile(`^(?:` + label + `(?:\.` + label + `)*:)?` + label + `$`)
)

// Project checks a project ID, such as my-project or example.com:my-project, or a project number.
func Project(s string) error {
	return check("project", s, projectRE, maxName, "lower-case letters, digits and hyphens")
}

// Region checks a Cloud Run region, such as us-central1.
func Region(s string) error {
	return check("region", s, regionRE, maxName, "lower-case letters, digits and hyphens, as in us-central1")
}

// Namespace checks a Kubernetes namespace.
func Namespace(s string) error {
	return check("namespace", s, labelRE, maxName, "lower-case letters, digits and hyphens")
}

// Service checks the name of a Cloud Run Service.
func Service(s string) error {
	return check("service name", s, serviceRE, maxServiceName, "lower-case letters, digits and hyphens, beginning with a letter")
}

// ClusterService checks the name of a Service on a cluster, where it may be a little longer.
func ClusterService(s string) error {
	return check("service name", s, serviceRE, maxName, "lower-case letters, digits and hyphens, beginning with a letter")
}

// Revision checks the name of a Revision.
func Revision(s string) error {
	return check("revision name", s, serviceRE, maxName, "lower-case letters, digits and hyphens, beginning with a letter")
}

// IsLoopback reports whether a host name means this machine, so that what is sent to it stays there.
func IsLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func check(what, s string, re *regexp.Regexp, limit int, allowed string) error {
	switch {
	case s == "":
		return fmt.Errorf("%s is empty", what)
	case len(s) > limit:
		return fmt.Errorf("%s %.80q is too long: %d characters, at most %d are allowed", what, s, len(s), limit)
	case !re.MatchString(s):
		return fmt.Errorf("%s %q is not valid: use %s", what, s, allowed)
	}
	return nil
}
