package cloudrun_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/grant"
)

const (
	privateImage   = "us-docker.pkg.dev/demo/team/app:v1"
	runtimeAccount = "serviceAccount:123456789012-compute@developer.gserviceaccount.com"
	digestOf       = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// allNeeds are the options of a Deploy that needs every permission of the page docs/faq.md.
func allNeeds(s *cloudruntest.Server, more ...cloudrun.DeployOption) []cloudrun.DeployOption {
	check := func(_ context.Context, image string) (string, error) {
		resp, err := s.Client().Post(s.URL+"/v1/projects/demo:testIamPermissions", "application/json",
			strings.NewReader(`{"permissions": ["artifactregistry.repositories.downloadArtifacts"]}`))
		if err != nil {
			return "", err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.ContentLength < 10 {
			return "", fmt.Errorf("%s: %w", image, grant.ErrImageDenied)
		}
		return digestOf, nil
	}
	return append([]cloudrun.DeployOption{cloudrun.WithImage(privateImage), cloudrun.WithSecretEnv("DB", "db-password", "latest"),
		cloudrun.WithPublicAccess(), cloudrun.CheckImage(check)}, more...)
}

// Each permission of the documented roles is taken, one at a time. Preflight names
// it before anything is sent, and the call without it names it as well.
func TestEachPermissionIsNamed(t *testing.T) {
	t.Parallel()
	const service, account = "projects/demo/locations/us-central1/services/hello", "projects/-/serviceAccounts/123456789012-compute@developer.gserviceaccount.com"
	for permission, tc := range map[string]struct {
		exists                             bool
		resource, failing, principal, role string // failing is the resource that the call names; empty if it is the same
		optional                           bool   // the call works without
	}{
		"run.services.get":                                {exists: true, resource: service, principal: deployer, role: "roles/run.developer"},
		"run.services.create":                             {resource: "projects/demo", failing: service, principal: deployer, role: "roles/run.developer"},
		"run.services.update":                             {exists: true, resource: service, principal: deployer, role: "roles/run.developer"},
		"run.services.getIamPolicy":                       {exists: true, resource: service, principal: deployer, role: "roles/run.admin"},
		"run.services.setIamPolicy":                       {exists: true, resource: service, principal: deployer, role: "roles/run.admin"},
		"iam.serviceAccounts.actAs":                       {resource: account, principal: deployer, role: "roles/iam.serviceAccountUser"},
		"artifactregistry.repositories.downloadArtifacts": {resource: "projects/demo/locations/us/repositories/team", principal: deployer, role: "roles/artifactregistry.reader"},
		"secretmanager.versions.access": {resource: "projects/demo/secrets/db-password", failing: "projects/123456789012/secrets/db-password",
			principal: runtimeAccount, role: "roles/secretmanager.secretAccessor"},
		"run.operations.get":      {resource: "projects/demo", principal: deployer, role: "roles/run.developer", optional: true},
		"logging.logEntries.list": {resource: "projects/demo", principal: deployer, role: "roles/logging.viewer", optional: true},
	} {
		t.Run(permission, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithoutPermission(permission))
				defer s.Close()
				ctx := t.Context()
				c, err := cloudrun.NewClient(ctx, "demo", "us-central1", append(s.ClientOptions(), cloudrun.WithPrincipal(deployer))...)
				require.NoError(t, err)
				d := cloudrun.NewDeployer(c)
				if tc.exists {
					s.GrantPermission(permission)
					_, err = d.Deploy(ctx, "hello", cloudrun.WithImage(image))
					require.NoError(t, err)
					s.DenyPermission(permission)
				}
				writes := len(s.History())

				report, err := d.Preflight(ctx, "hello", allNeeds(s)...)
				require.NoError(t, err)
				missing := report.Err()
				if tc.optional {
					require.NoError(t, missing)
					require.Len(t, report.Optional, 1)
					missing = report.Optional[0]
				} else {
					require.Len(t, report.Problems, 1, "%v", report)
				}
				requireMissing(t, missing, permission, tc.resource, tc.principal, tc.role)
				if permission != "run.services.get" {
					require.Empty(t, report.Unchecked)
				}

				_, err = d.Deploy(ctx, "hello", allNeeds(s, cloudrun.WithPreflight())...)
				if tc.optional {
					require.NoError(t, err)
					return
				}
				requireMissing(t, err, permission, tc.resource, tc.principal, tc.role)
				require.ErrorContains(t, err, "(failed while checking the permissions; nothing was written)")
				require.Len(t, s.History(), writes, "nothing was written")

				_, err = d.Deploy(ctx, "hello", allNeeds(s)...)
				if tc.failing != "" {
					tc.resource = tc.failing
				}
				requireMissing(t, err, permission, tc.resource, tc.principal, tc.role)
			})
		})
	}
}

func requireMissing(t *testing.T, err error, permission, resource, principal, role string) {
	t.Helper()
	var missing *cloudrun.PermissionError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, []string{permission, resource, principal, role}, []string{missing.Permission, strings.TrimSuffix(missing.Resource, "/versions/latest"), missing.Principal, missing.Role})
	require.Contains(t, missing.Command, "--member="+principal+" --role="+role)
}

// All that is missing is reported at once, and nothing is asked without the option.
func TestPreflightReportsAll(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d, ctx := cloudrun.NewDeployer(c), t.Context()
		report, err := d.Preflight(ctx, "hello", allNeeds(s)...)
		require.NoError(t, err)
		require.Equal(t, "nothing is missing", report.String())

		s.DenyPermission("run.services.create", "iam.serviceAccounts.actAs", "secretmanager.versions.access", "artifactregistry.repositories.downloadArtifacts", "logging.logEntries.list")
		report, err = d.Preflight(ctx, "hello", allNeeds(s)...)
		require.NoError(t, err)
		require.Len(t, report.Problems, 4)
		require.Len(t, report.Optional, 1)
		require.Contains(t, report.String(), "optional: permission logging.logEntries.list is missing on projects/demo")
		report, err = d.Preflight(ctx, "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		require.Equal(t, []string{"the image \"" + image + "\": pass CheckImage to have it read"}, report.Unchecked)
		_, err = d.Preflight(ctx, "hello")
		require.ErrorContains(t, err, `check the permissions for service "hello"`, "a new service needs an image")

		s.GrantPermission("run.services.create", "iam.serviceAccounts.actAs", "secretmanager.versions.access", "artifactregistry.repositories.downloadArtifacts", "logging.logEntries.list")
		asked := len(s.Requests())
		_, err = d.Deploy(ctx, "hello", cloudrun.WithImage(image))
		require.NoError(t, err)
		require.Len(t, s.Requests(), asked+2, "a read and a write")
		s.Fault(cloudruntest.Fault{Path: "services/hello:testIamPermissions", Status: 403})
		report, err = d.Preflight(ctx, "hello", allNeeds(s)...)
		require.NoError(t, err)
		require.Len(t, report.Unchecked, 1)
		require.Contains(t, report.Unchecked[0], "run.services.update, run.services.getIamPolicy, run.services.setIamPolicy on projects/demo/locations/us-central1/services/hello: ")
	})
}

func TestPreflightOnACluster(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newCluster(t)
		_, err := cloudrun.NewDeployer(c).Preflight(t.Context(), "hello", cloudrun.WithImage(image))
		require.ErrorIs(t, err, cloudrun.ErrNotOnCluster)
		_, err = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithPreflight())
		require.ErrorIs(t, err, cloudrun.ErrNotOnCluster)
	})
}

// PinImage deploys the digest, once for each image, and lets IfChanged see a tag that moved.
func TestPinImage(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d, ctx, calls := cloudrun.NewDeployer(c), t.Context(), 0
		digest, failure := digestOf, error(nil)
		opts := []cloudrun.DeployOption{cloudrun.WithImage(privateImage), cloudrun.IfChanged(), cloudrun.PinImage(func(_ context.Context, image string) (string, error) {
			calls++
			require.Equal(t, privateImage, image)
			return digest, failure
		})}
		for _, want := range []cloudrun.Action{cloudrun.Created, cloudrun.Unchanged, cloudrun.Updated} {
			if want == cloudrun.Updated {
				digest = strings.Replace(digestOf, "0", "f", 1)
			}
			r, err := d.Deploy(ctx, "hello", opts...)
			require.NoError(t, err)
			require.Equal(t, want, r.Action)
			require.Equal(t, "us-docker.pkg.dev/demo/team/app@"+digest, r.Service.Spec.Template.Spec.Containers[0].Image)
		}
		require.Equal(t, 3, calls)
		digest = "latest"
		_, err := d.Deploy(ctx, "hello", opts...)
		require.ErrorContains(t, err, `read the image "us-docker.pkg.dev/demo/team/app:v1": "latest" is not a digest`)
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
		failure = errors.Join(errors.New("403"), grant.ErrImageDenied)
		_, err = d.Deploy(ctx, "hello", opts...)
		var missing *cloudrun.PermissionError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, "projects/demo/locations/us/repositories/team", missing.Resource)
	})
}
