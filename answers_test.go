package cloudrun_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

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
