package cloudrun_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// many stands for a number of reads that depends on the pauses between them.
const many = -1

// A new Revision without a new image runs the current code, even if the tag of the image has moved.
func TestPinnedImages(t *testing.T) {
	t.Parallel()
	const (
		tagged = "gcr.io/p/app:v1"
		digest = "gcr.io/p/app@sha256:aaa"
	)
	named := `"name": "hello-v1"`
	marked := `"labels": {"client.knative.dev/nonce": "abcdefghij"}`
	runs := func(image string) string {
		return fmt.Sprintf(`{"metadata": {"name": "hello-v1"}, "status": {"imageDigest": %q}}`, image)
	}
	page := func(items ...string) string { return `{"items": [` + strings.Join(items, ",") + `]}` }
	on := func(statuses string) string {
		return `{"metadata": {"name": "hello-v1"}, "status": {"containerStatuses": [` + statuses + `]}}`
	}
	env := []cloudrun.DeployOption{cloudrun.WithEnv("A", "1")}
	for name, tc := range map[string]struct {
		image    string // the image of the Service; tagged if empty
		template string // the metadata of its template
		latest   string
		byName   string // the response to a read by name
		byNonce  string // the response to a list by nonce
		status   int    // the status of both responses
		opts     []cloudrun.DeployOption
		want     string // the image that is written
		reads    int    // the requests for Revisions
		warns    bool
		fails    bool
	}{
		"by the name of its Revision":               {template: named, latest: "hello-v9", byName: runs(digest), opts: env, want: digest, reads: 1},
		"by its nonce":                              {template: marked, latest: "hello-v9", byNonce: page(runs(digest)), byName: runs("x"), opts: env, want: digest, reads: 1},
		"by the latest, if its nonce is not alone":  {template: marked, latest: "hello-v1", byNonce: page(runs("x"), runs("y")), byName: runs(digest), opts: env, want: digest, reads: 2},
		"by the latest, if its nonce is of none":    {template: marked, latest: "hello-v1", byNonce: page(), byName: runs(digest), opts: env, want: digest, reads: 2},
		"by the latest":                             {latest: "hello-v1", byName: runs(digest), opts: env, want: digest, reads: 1},
		"by the container status of a cluster":      {latest: "hello-v1", byName: on(`{"name": "other", "imageDigest": "x"}, {"name": "app", "imageDigest": "` + digest + `"}`), opts: env, want: digest, reads: 1},
		"by the only container status of a cluster": {latest: "hello-v1", byName: on(`{"name": "user-container", "imageDigest": "` + digest + `"}`), opts: env, want: digest, reads: 1},
		"unless a cluster has no status of it":      {latest: "hello-v1", byName: on(`{"name": "a", "imageDigest": "x"}, {"name": "b", "imageDigest": "y"}`), opts: env, want: tagged, reads: 1, warns: true},
		"unless there is no Revision":               {opts: env, want: tagged, warns: true},
		"unless its Revision is gone":               {template: named, status: 404, opts: env, want: tagged, reads: 1, warns: true},
		"unless its Revision has no digest":         {template: named, byName: `{"metadata": {"name": "hello-v1"}}`, opts: env, want: tagged, reads: 1, warns: true},
		"unless it is one":                          {image: "gcr.io/p/app@sha256:bbb", template: named, opts: env, want: "gcr.io/p/app@sha256:bbb"},
		"unless an option says what to run":         {template: named, opts: []cloudrun.DeployOption{cloudrun.WithImage(tagged)}, want: tagged},
		"unless an option says so of a sidecar":     {template: named, opts: []cloudrun.DeployOption{cloudrun.WithContainer("side", cloudrun.WithImage("gcr.io/p/side:v2"))}, want: tagged},
		"unless an edit does": {template: named, opts: []cloudrun.DeployOption{cloudrun.EditService(func(s *servingv1.Service) error {
			s.Spec.Template.Spec.Containers[0].Image = "gcr.io/p/app:v2"
			return nil
		})}, want: "gcr.io/p/app:v2"},
		"also when a container goes":                 {template: named, byName: runs(digest), opts: []cloudrun.DeployOption{cloudrun.WithoutContainer("side")}, want: digest, reads: 1},
		"or says why it cannot, for want of a right": {template: named, status: 403, opts: env, reads: 1, fails: true},
		"or says why it cannot list":                 {template: marked, status: 403, opts: env, reads: 1, fails: true},
		"or says that an answer is about another":    {template: named, byName: `{"metadata": {"name": "hello-v2"}, "status": {"imageDigest": "x"}}`, opts: env, reads: 1, fails: true},
		"or says that an answer is none":             {template: named, byName: `[]`, opts: env, reads: 1, fails: true},
		"or says that a list is none, after a while": {template: marked, byNonce: `[]`, opts: env, reads: many, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				image := tc.image
				if image == "" {
					image = tagged
				}
				require.NoError(t, s.PutService("demo", "us-central1", []byte(`{"apiVersion": "serving.knative.dev/v1", "kind": "Service",
					"metadata": {"name": "hello", "namespace": "demo", "generation": 1},
					"spec": {"template": {"metadata": {`+tc.template+`}, "spec": {"containers": [
						{"name": "app", "image": "`+image+`", "ports": [{"containerPort": 8080}]}, {"name": "side", "image": "gcr.io/p/side:v1"}]}}},
					"status": {"observedGeneration": 1, "latestCreatedRevisionName": "`+tc.latest+`", "conditions": [{"type": "Ready", "status": "True"}]}}`)))
				reads := 0
				answer := func(single bool, body string) {
					s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: "/revisions", Times: -1, Status: tc.status, Body: body, Match: func(r *http.Request) bool {
						asked := strings.Contains(r.URL.Path, "/revisions/") == single
						if asked {
							reads++
						}
						return asked
					}})
				}
				answer(true, tc.byName)
				answer(false, tc.byNonce)
				r, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", append(tc.opts, cloudrun.Async())...)
				if tc.reads == many { // lists are read again, as any that breaks off
					require.Greater(t, reads, 5)
				} else {
					require.Equal(t, tc.reads, reads)
				}
				if tc.fails {
					var failed *cloudrun.DeployError
					require.ErrorAs(t, err, &failed)
					require.Equal(t, cloudrun.StageRead, failed.Stage)
					require.Equal(t, cloudrun.NotWritten, failed.Outcome)
					require.ErrorContains(t, err, "find the image that runs")
					require.Empty(t, s.History())
					return
				}
				require.NoError(t, err)
				require.Equal(t, tc.want, r.Service.Spec.Template.Spec.Containers[0].Image)
				require.Equal(t, tc.warns, strings.Contains(strings.Join(r.Warnings, ";"), "the digest of the image that runs is not known"), "%v", r.Warnings)
			})
		})
	}
}
