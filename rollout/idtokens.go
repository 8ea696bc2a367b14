package rollout

import (
	"context"
	"fmt"

	"cloud.google.com/go/auth/credentials/idtoken"
	"cloud.google.com/go/auth/oauth2adapt"
	"golang.org/x/oauth2"

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
