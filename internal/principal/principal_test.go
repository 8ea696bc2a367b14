package principal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/principal"
)

func TestOf(t *testing.T) {
	t.Parallel()
	const impersonation = `"service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/ci@p.iam.gserviceaccount.com:generateAccessToken"`
	for credentials, want := range map[string]string{
		`{"type": "service_account", "client_email": "ci@p.iam.gserviceaccount.com", "private_key": "secret"}`:                                          "serviceAccount:ci@p.iam.gserviceaccount.com",
		`{"type": "impersonated_service_account", ` + impersonation + `, "source_credentials": {"type": "authorized_user", "refresh_token": "secret"}}`: "serviceAccount:ci@p.iam.gserviceaccount.com",
		`{"type": "external_account", "audience": "//iam.googleapis.com/projects/1/x", ` + impersonation + `}`:                                          "serviceAccount:ci@p.iam.gserviceaccount.com",
		`{"type": "external_account", "audience": "//iam.googleapis.com/projects/1/x"}`:                                                                 "",
		`{"type": "authorized_user", "client_id": "x", "refresh_token": "secret"}`:                                                                      "",
		`{"type": "authorized_user", "account": "ann@example.com", "refresh_token": "secret"}`:                                                          "user:ann@example.com",
		`{"type": "authorized_user", "account": "", "refresh_token": "secret"}`:                                                                         "",
		`{"type": "service_account", "client_email": "x@y; rm -rf ~"}`:                                                                                  "",
		`{"type": "service_account", "client_email": "\u001b[31m@y"}`:                                                                                   "",
		`{"type": "unknown", "client_email": "a@b"}`:                                                                                                    "",
		`not JSON`: "", ``: "", `[]`: "",
	} {
		require.Equal(t, want, principal.Of([]byte(credentials)), credentials)
	}
}

func TestIsEmail(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"a@b": true, "12-compute@developer.gserviceaccount.com": true, "a_b+c.d@x-y.z": true,
		"": false, "@": false, "a@": false, "@b": false, "a": false, "a@b@c": false, "-a@b": false, "a@b c": false, "a@$(b)": false, "ä@b": false,
	} {
		require.Equal(t, want, principal.IsEmail(text), text)
	}
}
