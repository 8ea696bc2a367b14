package rollout

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"cloud.google.com/go/auth/credentials/idtoken"
	"cloud.google.com/go/auth/oauth2adapt"
	"golang.org/x/oauth2"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// IDTokens is a function for [HTTPProbes.Tokens] that uses the default
// credentials. They must be those of a service account, or impersonate one. The
// service account needs the role roles/run.invoker.
func IDTokens(_ context.Context, audience string) (oauth2.TokenSource, error) {
	credentials, err := idtoken.NewCredentials(&idtoken.Options{Audience: audience})
	if err != nil {
		return nil, fmt.Errorf("ID token for %s: %w", safetext.Line(audience, maxText), err)
	}
	return oauth2adapt.TokenSourceFromTokenProvider(credentials), nil
}

// cloudRunHosts are the hosts of Cloud Run.
const cloudRunHosts = "*.run.app"

// checkTokenTarget returns an error if a URL must not get a token. The URL comes
// from the server.
func (p HTTPProbes) checkTokenTarget(target *url.URL) error {
	for _, pattern := range p.AllowedHosts {
		if name := strings.TrimPrefix(pattern, "*."); name == "" || strings.ContainsAny(name, "*/:@ ") {
			return &cloudrun.OptionError{Option: fmt.Sprintf("HTTPProbes.AllowedHosts %q", pattern), Reason: "must be the name of a host, or *. and such a name"}
		}
	}
	host := strings.ToLower(strings.TrimSuffix(target.Hostname(), "."))
	matches := func(pattern string) bool { return matchesHost(pattern, host) }
	switch {
	case names.IsLoopback(host):
		return nil
	case target.Scheme != "https":
		return fmt.Errorf("%s is not an https URL: the token is not sent there", safetext.Line(target.String(), maxText))
	case matches(cloudRunHosts), slices.ContainsFunc(p.AllowedHosts, matches):
		return nil
	}
	return fmt.Errorf("%s is not a host of Cloud Run (%s), so no token is sent there: if it is yours, add it to HTTPProbes.AllowedHosts",
		safetext.Line(host, maxText), cloudRunHosts)
}

// matchesHost reports whether a host is the one that a pattern names, or is below it.
func matchesHost(pattern, host string) bool {
	pattern = strings.ToLower(pattern)
	if above, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, above) && host != above[1:]
	}
	return host == pattern
}
