// Package names checks the names that become part of host names and URL paths,
// where a malicious one could send the caller's credentials to a stranger.
package names

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/regions"
)

const (
	maxName = 63
	// maxServiceName is Cloud Run's own limit: a Service's name is part of the host name of its URL.
	maxServiceName = 49
)

const allowed = "lower-case letters, digits and hyphens"

// Project checks a project ID, such as my-project or example.com:my-project, or a project number.
func Project(s string) error {
	return check("project", s, isProject, maxName, allowed)
}

// Region checks a Cloud Run region, such as us-central1.
func Region(s string) error {
	err := check("region", s, isRegion, maxName, allowed+", as in us-central1")
	switch meant := regions.Meant(s); {
	case s == "":
		return errors.New("region is empty: pass one such as us-central1")
	case err != nil && meant != "":
		return fmt.Errorf("region %q is not valid: did you mean %q?", s, meant)
	}
	return err
}

// Namespace checks a Kubernetes namespace.
func Namespace(s string) error {
	return check("namespace", s, isLabel, maxName, allowed)
}

// Service checks the name of a Cloud Run Service.
func Service(s string) error {
	return check("service name", s, IsName, maxServiceName, allowed+", beginning with a letter")
}

// ClusterService checks the name of a Service on a cluster, where it may be longer.
func ClusterService(s string) error {
	return check("service name", s, IsName, maxName, allowed+", beginning with a letter")
}

// Revision checks the name of a Revision.
func Revision(s string) error {
	return check("revision name", s, IsName, maxName, allowed+", beginning with a letter")
}

// IsLoopback reports whether a host name is this machine, so that requests to it never leave it.
func IsLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func check(what, s string, valid func(string) bool, limit int, use string) error {
	switch {
	case s == "":
		return fmt.Errorf("%s is empty", what)
	case len(s) > limit:
		return fmt.Errorf("%s %.80q is too long: %d characters, at most %d are allowed", what, s, len(s), limit)
	case !valid(s):
		return fmt.Errorf("%s %q is not valid: use %s", what, s, use)
	}
	return nil
}

// IsName reports whether s is a DNS label that begins with a letter, of any length.
func IsName(s string) bool { return isLabel(s) && s[0] >= 'a' }

// isLabel reports whether s consists of lower-case letters, digits, and hyphens inside.
func isLabel(s string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && strings.Trim(s, "-") == s && s != ""
}

// isRegion reports whether s is such as us-central1: words joined by hyphens, beginning with a letter.
func isRegion(s string) bool {
	return IsName(s) && strings.Contains(s, "-") && !strings.Contains(s, "--")
}

// isProject reports whether s is such as my-project or example.com:my-project.
func isProject(s string) bool {
	domain, project, scoped := strings.Cut(s, ":")
	if !scoped {
		return isLabel(s)
	}
	for label := range strings.SplitSeq(domain, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return isLabel(project)
}
