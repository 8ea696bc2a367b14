package rollout

import (
	"context"
	"fmt"

	"cloud.google.com/go/auth/credentials/idtoken"
	"cloud.google.com/go/auth/oauth2adapt"
	"golang.org/x/oauth2"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// IDTokens gives [HTTPProbes.Tokens] from the default credentials: those of a
// service account, or of what impersonates one, which must have the role
// roles/run.invoker.
func IDTokens(_ context.Context, audience string) (oauth2.TokenSource, error) {
	credentials, err := idtoken.NewCredentials(&idtoken.Options{Audience: audience})
	if err != nil {
		return nil, fmt.Errorf("ID token for %s: %w", safetext.Line(audience, maxText), err)
	}
	return oauth2adapt.TokenSourceFromTokenProvider(credentials), nil
}
