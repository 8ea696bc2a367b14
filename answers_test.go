package cloudrun_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// answersOfOthers are responses about another object than the one of the request.
func answersOfOthers() map[string]func(body []byte) []byte {
	replaced := func(member string) func([]byte) []byte {
		return func(body []byte) []byte {
			object := decodeFields(string(body))
			object["metadata"].(map[string]any)[member] = "other"
			return []byte(encodeFields(object))
		}
	}
	return map[string]func([]byte) []byte{
		"another name":      replaced("name"),
		"another namespace": replaced("namespace"),
		"a Status":          func([]byte) []byte { return []byte(`{"kind":"Status","status":"Success"}`) },
		"the object itself": func(body []byte) []byte {
			if strings.Contains(string(body), `"uid":"u"`) || strings.Contains(string(body), `"uid": "u"`) {
				return body
			}
			return []byte(`{}`)
		},
		"nothing": func([]byte) []byte { return []byte(`{}`) },
		"null":    func([]byte) []byte { return []byte(`null`) },
	}
}

// A successful response about another Service does not count: neither as the
// response to a write, whether that took effect or not, nor to a read.
func TestAnswersAboutOtherServices(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *cloudrun.Client) error{
		"Deploy": func(ctx context.Context, c *cloudrun.Client) error {
			r, err := cloudrun.NewDeployer(c, cloudrun.WithImage(image)).Deploy(ctx, "hello", cloudrun.WithEnv("A", "b"))
			if err == nil && !strings.HasPrefix(r.Revision, "hello-") {
				return &cloudrun.OptionError{Reason: "names " + r.Revision}
			}
			return err
		},
		"UpdateService": func(ctx context.Context, c *cloudrun.Client) error {
			_, err := c.UpdateService(ctx, "hello", func(s *servingv1.Service) error {
				s.Spec.Template.Spec.Containers[0].Image = image + "2"
				return nil
			})
			return err
		},
		"UpdateTraffic": func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).UpdateTraffic(ctx, "hello", cloudrun.ToRevision("hello-v1", 100))
			return err
		},
	}
	const foreign = `{"metadata": {"name": "hello", "namespace":"demo", "uid": "u", "generation": 9, "resourceVersion": "v"}}`
	for callName, call := range calls {
		for name, edit := range answersOfOthers() {
			for effect, fault := range map[string]cloudruntest.Fault{
				"written": {Method: http.MethodPut, Edit: edit}, "lost": {Method: http.MethodPut, Status: 200, Body: foreign, Edit: edit},
				"read": {Method: http.MethodGet, Path: "/services/", Edit: edit},
			} {
				if effect == "read" && !strings.HasPrefix(name, "another") {
					continue // such a response is not of the API
				}
				t.Run(callName+"/"+name+"/"+effect, func(t *testing.T) {
					t.Parallel()
					inVirtualTime(t, func(t *testing.T) {
						s, c := newServer(t)
						_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"))
						require.NoError(t, err)
						s.ResetHistory()
						s.Fault(fault)
						require.NoError(t, call(t.Context(), c))
						require.Len(t, s.History(), 1, "it was written, once")
					})
				})
			}
		}
	}
}

// A single write reports that its response does not make sense.
func TestSingleWritesCheckTheirAnswer(t *testing.T) {
	t.Parallel()
	for name, edit := range answersOfOthers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				s.Fault(cloudruntest.Fault{Times: -1, Edit: edit})
				_, err := c.CreateService(t.Context(), newService(t, "hello"))
				require.Error(t, err)
				_, err = c.ReplaceService(t.Context(), newService(t, "hello"))
				require.Error(t, err)
				_, err = c.CreateService(t.Context(), newService(t, "third"), cloudrun.DryRun())
				require.Error(t, err)
				_, err = c.GetService(t.Context(), "hello")
				require.Error(t, err)
			})
		})
	}
}

// A route that is wrong does not mend itself: a call ends after three tries in a row
// that were answered with another object, and reports what they may have done.
func TestRoutesToAnotherObject(t *testing.T) {
	t.Parallel()
	other := answersOfOthers()["another name"]
	const body = `{"kind": "Service", "metadata": {"name": "hello", "namespace": "demo", "uid": "u", "generation": 9, "resourceVersion": "v"}}`
	update := func(ctx context.Context, c *cloudrun.Client) error {
		_, err := c.UpdateService(ctx, "hello", func(s *servingv1.Service) error {
			s.Spec.Template.Spec.Containers[0].Image = image + "2"
			return nil
		})
		return err
	}
	deploy := func(ctx context.Context, c *cloudrun.Client) error {
		_, err := cloudrun.NewDeployer(c, cloudrun.WithImage(image)).Deploy(ctx, "hello")
		return err
	}
	remove := func(ctx context.Context, c *cloudrun.Client) error {
		return cloudrun.NewDeployer(c).Delete(ctx, "hello")
	}
	prune := func(ctx context.Context, c *cloudrun.Client) error {
		_, err := cloudrun.NewDeployer(c).PruneRevisions(ctx, "hello", 1)
		return err
	}
	write := func(method string) cloudruntest.Fault {
		return cloudruntest.Fault{Method: method, Status: http.StatusOK, Body: body, Edit: other, Times: -1}
	}
	read := cloudruntest.Fault{Method: http.MethodGet, Path: "/services/", Edit: other, Times: -1}
	for name, tc := range map[string]struct {
		call     func(context.Context, *cloudrun.Client) error
		fault    cloudruntest.Fault
		requests int // of the kind that is answered with another object
		outcome  cloudrun.WriteOutcome
	}{
		"an update that cannot read":             {update, read, 3, cloudrun.NotWritten},
		"an update that cannot write":            {update, write(http.MethodPut), 3, cloudrun.WriteUnknown},
		"a deploy that cannot read":              {deploy, read, 3, cloudrun.NotWritten},
		"a deploy that cannot write":             {deploy, write(http.MethodPut), 3, cloudrun.WriteUnknown},
		"a deletion that cannot read":            {remove, read, 3, cloudrun.NotWritten},
		"a deletion that has no effect":          {remove, write(http.MethodDelete), 3, cloudrun.WriteUnknown},
		"Revisions whose Service cannot be read": {prune, cloudruntest.Fault{Method: http.MethodGet, Path: "/services/", Edit: other, Skip: 1, Times: -1}, 3, cloudrun.NotWritten},
		"Revisions that are not deleted":         {prune, write(http.MethodDelete), 3, cloudrun.WriteUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				for range 4 {
					_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
					require.NoError(t, err)
				}
				s.ResetHistory()
				s.ResetRequests()
				s.Fault(tc.fault)
				start := time.Now()
				err := tc.call(t.Context(), c)
				require.ErrorContains(t, err, "about another object")
				require.Equal(t, tc.outcome, outcomeOf(t, err))
				require.Less(t, time.Since(start), 10*time.Second)
				require.Empty(t, s.History())
				n := 0
				for _, r := range s.Requests() {
					if r.Method == tc.fault.Method && strings.Contains(r.Path, tc.fault.Path) {
						n++
					}
				}
				require.Equal(t, tc.requests+tc.fault.Skip, n)
			})
		})
	}
}
