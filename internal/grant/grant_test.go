package grant_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/grant"
)

func TestCommand(t *testing.T) {
	t.Parallel()
	const service, account = "projects/p/locations/r/services/s", "projects/-/serviceAccounts/run@p.iam.gserviceaccount.com"
	const member = "serviceAccount:ci@p.iam.gserviceaccount.com"
	for name, tc := range map[string]struct{ permission, resource, member, want string }{
		"on a project":        {grant.CreateService, service, member, "gcloud projects add-iam-policy-binding p --member=" + member + " --role=roles/run.developer"},
		"on a service":        {grant.SetServicePolicy, service, member, "gcloud run services add-iam-policy-binding s --region=r --project=p --member=" + member + " --role=roles/run.admin"},
		"of an unknown":       {grant.ReadLogs, "projects/q", "", "gcloud projects add-iam-policy-binding q --member=MEMBER --role=roles/logging.viewer"},
		"on an account":       {grant.ActAs, account, member, "gcloud iam service-accounts add-iam-policy-binding run@p.iam.gserviceaccount.com --member=" + member + " --role=roles/iam.serviceAccountUser"},
		"on no account":       {grant.ActAs, service, member, "gcloud projects add-iam-policy-binding p --member=" + member + " --role=roles/iam.serviceAccountUser"},
		"on a repository":     {grant.ReadImage, "projects/q/locations/us/repositories/x", member, "gcloud artifacts repositories add-iam-policy-binding x --location=us --project=q --member=" + member + " --role=roles/artifactregistry.reader"},
		"on an image":         {grant.ReadImage, "docker.io/x", member, "gcloud projects add-iam-policy-binding own --member=" + member + " --role=roles/artifactregistry.reader"},
		"on a secret":         {grant.AccessSecret, "projects/1/secrets/db/versions/latest", member, "gcloud secrets add-iam-policy-binding db --project=1 --member=" + member + " --role=roles/secretmanager.secretAccessor"},
		"a principal":         {grant.GetOperation, service, "principal://iam.googleapis.com/a/b", "gcloud projects add-iam-policy-binding p --member=principal://iam.googleapis.com/a/b --role=roles/run.developer"},
		"of no role":          {"x.y.z", service, member, ""},
		"a hostile name":      {grant.SetServicePolicy, "projects/p/locations/r/services/s;reboot", member, ""},
		"a hostile member":    {grant.SetServicePolicy, service, "user:$(reboot)@x", ""},
		"a flag":              {grant.SetServicePolicy, "projects/p/locations/r/services/--impersonate", member, ""},
		"two words":           {grant.SetServicePolicy, "projects/p/locations/r/services/s --role=roles/owner", member, ""},
		"a name that is gone": {grant.SetServicePolicy, "projects//locations/r/services/s", member, "gcloud projects add-iam-policy-binding own --member=" + member + " --role=roles/run.admin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, grant.Command(tc.permission, tc.resource, tc.member, "own"))
		})
	}
	require.Empty(t, grant.Command(grant.ReadImage, "docker.io/x", "", ""), "no project is known")
}

func TestRepository(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]string{
		"us-docker.pkg.dev/p/r/a/b:tag":            "projects/p/locations/us/repositories/r",
		"europe-west1-docker.pkg.dev/p/r/a@sha256": "projects/p/locations/europe-west1/repositories/r",
		"gcr.io/p/a":             "projects/p/locations/us/repositories/gcr.io",
		"eu.gcr.io/p/a/b":        "projects/p/locations/europe/repositories/eu.gcr.io",
		"gcr.io/example.com/p/a": "", "docker.io/library/x": "", "nginx": "", "us-docker.pkg.dev/p/r": "", "gcr.io/p": "", "": "",
	} {
		require.Equal(t, want, grant.Repository(image), image)
	}
}
