package cloudrun_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// attempt makes a mistake. The Service hello has the Revisions hello-v1, hello-v2 and hello-v3.
type attempt func(ctx context.Context, s *cloudruntest.Server, d *cloudrun.Deployer) error

// mistakes are the commonest ones, with what a program did.
var mistakes = []struct {
	what string
	make attempt
}{
	{"the region is misspelt", inRegion("us-centra1", lookupFails)},
	{"the region is misspelt, and the host exists", inRegion("us-centra1", answers(404, "text/html", "<html>Not Found</html>"))},
	{"a zone in place of the region", inRegion("us-central1-a", answers(404, "text/html", "<html>Not Found</html>"))},
	{"the region without a hyphen", inRegion("uscentral1", nil)},
	{"no region", inRegion("", nil)},
	{"the file of the credentials does not exist", absentCredentials},
	{"credentials that have expired", withToken(&oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}, ErrorCode: "invalid_grant",
		ErrorDescription: "reauth related error (invalid_rapt)", ErrorURI: "https://support.google.com/a/answer/9368756"})},
	{"the key of a service account was deleted", withToken(&oauth2.RetrieveError{Response: &http.Response{StatusCode: 400},
		Body: []byte(`{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`)})},
	{"impersonation without the role", withToken(errors.New(`impersonate: status code 403: {
  "error": {
    "code": 403,
    "message": "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
    "status": "PERMISSION_DENIED"
  }
}`))},
	{"a machine without a service account", withToken(errors.New("metadata: GCE metadata \"instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform\" not defined"))},
	{"the name of the service is misspelt", deploys("helo", cloudrun.WithMemory("1Gi"))},
	{"the name of the service has an upper-case letter", deploys("Hello", cloudrun.WithImage(image))},
	{"no image", deploys("new")},
	{"a quantity without a unit", deploys("hello", cloudrun.WithMemory("lots"))},
	{"two options that contradict each other", deploys("hello", cloudrun.WithImage(image), cloudrun.WithImage(image+".1"))},
	{"two mistakes", deploys("hello", cloudrun.WithMemory("lots"), cloudrun.WithCPU("many"))},
	{"no traffic for a new service", deploys("new", cloudrun.WithImage(image), cloudrun.WithNoTraffic())},
	{"a suffix that is in use", deploys("hello", cloudrun.WithRevisionSuffix("v1"))},
	{"the image does not exist", ends(cloudruntest.ImageNotFound())},
	{"a secret without access", ends(cloudruntest.SecretDenied(), cloudrun.WithSecretEnv("PASSWORD", "db-password", "latest"))},
	{"the container does not listen", ends(cloudruntest.NotListening())},
	{"not enough quota", ends(cloudruntest.QuotaExceeded())},
	{"it takes longer than the caller waits", ends(cloudruntest.Script{NeverReady: true}, cloudrun.WithWaitTimeout(5*time.Minute))},
	{"the caller gives up", givesUp},
	{"too many requests", limited(`{"error": {"code": 429, "message": "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute' of service 'run.googleapis.com' for consumer 'project_number:123'.", "status": "RESOURCE_EXHAUSTED", "details": [
		{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com", "metadata": {"quota_limit_value": "180"}},
		{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"subject": "project:123", "description": "Write requests per minute per region: 180"}]},
		{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"},
		{"@type": "type.googleapis.com/google.rpc.Help", "links": [{"description": "Request a higher quota limit.", "url": "https://cloud.google.com/docs/quota#requesting_higher_quota"}]}]}}`)},
	{"a request that the server rejects", rejects(`{"error": {"code": 400, "message": "The request has errors", "status": "INVALID_ARGUMENT", "details": [
		{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "spec.template.spec.containers[0].resources.limits.memory", "description": "must be at least 512Mi with 2 CPUs"}]}]}}`)},
	{"a proxy answers in place of the API", inRegion("us-central1", answers(502, "text/html", "<html>Bad Gateway</html>"))},
	{"no connection", inRegion("us-central1", func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connect: connection refused")}
	})},
	{"a policy of the organization", func(ctx context.Context, s *cloudruntest.Server, d *cloudrun.Deployer) error {
		s.Fault(cloudruntest.Fault{Method: "POST", Path: ":setIamPolicy", Times: -1, Status: 400, Body: `{"error": {"code": 400, "status": "FAILED_PRECONDITION", "message": "One or more users named in the policy do not belong to a permitted customer, perhaps due to an organization policy."}}`})
		return cloudrun.MakePublic(ctx, d.Client(), "hello")
	}},
	{"traffic to a revision that is misspelt", routes(cloudrun.ToRevision("helo-v1", 10))},
	{"traffic over 100 percent", routes(cloudrun.ToRevision("hello-v1", 60), cloudrun.ToRevision("hello-v2", 50))},
	{"traffic to a tag that does not exist", routes(cloudrun.ToTag("stabel", 10))},
	{"traffic without an option", routes()},
	{"traffic of a service that does not exist", func(ctx context.Context, _ *cloudruntest.Server, d *cloudrun.Deployer) error {
		_, err := d.UpdateTraffic(ctx, "helo", cloudrun.ToLatest())
		return err
	}},
	{"nothing to roll back to", func(ctx context.Context, _ *cloudruntest.Server, d *cloudrun.Deployer) error {
		if _, err := d.Deploy(ctx, "first", cloudrun.WithImage(image)); err != nil {
			return nil
		}
		_, err := d.Rollback(ctx, "first")
		return err
	}},
	{"the manifest of a Deployment", manifest("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: hello}\n")},
	{"a field of a manifest is misspelt", manifest("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: hello}\nspec:\n  template:\n    spec:\n      containers:\n      - imag: gcr.io/demo/api\n")},
	{"waiting for a service that does not exist", func(ctx context.Context, _ *cloudruntest.Server, d *cloudrun.Deployer) error {
		_, err := cloudrun.WaitReady(ctx, d.Client(), "helo")
		return err
	}},
	{"reading a service that does not exist", func(ctx context.Context, _ *cloudruntest.Server, d *cloudrun.Deployer) error {
		_, err := d.Client().GetService(ctx, "helo")
		return err
	}},
	{"deleting a service that does not exist", func(ctx context.Context, _ *cloudruntest.Server, d *cloudrun.Deployer) error {
		return d.Client().DeleteService(ctx, "helo")
	}},
}

func deploys(name string, opts ...cloudrun.DeployOption) attempt {
	return func(ctx context.Context, _ *cloudruntest.Server, d *cloudrun.Deployer) error {
		_, err := d.Deploy(ctx, name, opts...)
		return err
	}
}

// ends deploys a Service that takes the course of a script.
func ends(course cloudruntest.Script, opts ...cloudrun.DeployOption) attempt {
	return func(ctx context.Context, s *cloudruntest.Server, d *cloudrun.Deployer) error {
		s.Script("hello", course)
		_, err := d.Deploy(ctx, "hello", append(opts, cloudrun.WithRevisionSuffix("v4"))...)
		return err
	}
}

func givesUp(ctx context.Context, s *cloudruntest.Server, d *cloudrun.Deployer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return ends(cloudruntest.Script{TimeToReady: time.Hour})(ctx, s, d)
}

func routes(opts ...cloudrun.TrafficOption) attempt {
	return func(ctx context.Context, _ *cloudruntest.Server, d *cloudrun.Deployer) error {
		_, err := d.UpdateTraffic(ctx, "hello", opts...)
		return err
	}
}

func manifest(text string) attempt {
	return func(context.Context, *cloudruntest.Server, *cloudrun.Deployer) error {
		_, err := cloudrun.ParseManifest([]byte(text))
		return err
	}
}

func limited(body string) attempt {
	return func(ctx context.Context, s *cloudruntest.Server, d *cloudrun.Deployer) error {
		s.Fault(cloudruntest.Fault{Method: "PUT", Times: -1, Status: 429, Body: body, Header: http.Header{"Retry-After": {"37"}}})
		return deploys("hello")(ctx, s, d)
	}
}

func rejects(body string) attempt {
	return func(ctx context.Context, s *cloudruntest.Server, d *cloudrun.Deployer) error {
		s.Fault(cloudruntest.Fault{Method: "PUT", Times: -1, Status: 400, Body: body})
		return deploys("hello")(ctx, s, d)
	}
}

// inRegion reads a Service in a region whose host answers so.
func inRegion(region string, answer func(*http.Request) (*http.Response, error)) attempt {
	return func(ctx context.Context, _ *cloudruntest.Server, _ *cloudrun.Deployer) error {
		c, err := cloudrun.NewClient(ctx, "demo", region, (&endpointRecorder{answer: answer}).client())
		if err != nil {
			return err
		}
		_, err = cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image))
		return err
	}
}

func lookupFails(r *http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}}
}

func answers(status int, contentType, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return endpointAnswer(r, status, contentType, body), nil
	}
}

func absentCredentials(ctx context.Context, _ *cloudruntest.Server, _ *cloudrun.Deployer) error {
	_, err := cloudrun.NewClient(ctx, "demo", "us-central1", option.WithAuthCredentialsFile(option.ServiceAccount, filepath.Join("testdata", "absent.json")))
	return err
}

// withToken deploys with a token source that fails.
func withToken(err error) attempt {
	return func(ctx context.Context, _ *cloudruntest.Server, _ *cloudrun.Deployer) error {
		c, failed := cloudrun.NewClient(ctx, "demo", "us-central1", option.WithTokenSource(failingTokens{err, new(atomic.Int32)}))
		if failed != nil {
			return failed
		}
		_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image))
		return err
	}
}

// The golden file has the message of each of the commonest mistakes. Read every
// line with these questions: would I know what to do, and is it true?
func TestMistakes(t *testing.T) {
	t.Parallel()
	var got []string
	for _, m := range mistakes {
		inVirtualTime(t, func(t *testing.T) {
			s, c := newServer(t)
			d := cloudrun.NewDeployer(c)
			threeRevisions(t, d)
			err := m.make(t.Context(), s, d)
			require.Error(t, err, m.what)
			got = append(got, m.what+":\n\t"+strings.ReplaceAll(err.Error(), "\n", "\n\t")+"\n")
		})
	}
	file := filepath.Join("testdata", "mistakes.golden")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(got, "")), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, message := range got {
		require.Contains(t, string(want), message)
	}
	require.Len(t, want, len(strings.Join(got, "")))
}
