package cloudrun_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/googleapi"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// quoted is a value that has to be escaped in every encoding.
const quoted = hunter + "\"<&>\\\n-tail"

// allOf returns all that a caller can find in an error: its forms, those of
// the errors that it wraps, and what the errors of the API carry.
func allOf(err error) string {
	if err == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(printed(err))
	switch e := err.(type) { //nolint:errorlint // each error of the tree by itself
	case *googleapi.Error:
		fmt.Fprint(&b, e.Message, e.Body, e.Details, e.Header, e.Errors)
	case *cloudrun.APIError:
		fmt.Fprint(&b, e.Violations, e.Status())
	case *cloudrun.NotReadyError:
		fmt.Fprint(&b, e.Explain(), e.Conditions, e.RevisionConditions, e.Message, e.Reason, e.DeniedSecrets())
	case *cloudrun.TimeoutError:
		fmt.Fprint(&b, e.Last, e.LastErr)
	}
	switch e := err.(type) { //nolint:errorlint // each error of the tree by itself
	case interface{ Unwrap() error }:
		b.WriteString(allOf(e.Unwrap()))
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			b.WriteString(allOf(inner))
		}
	}
	return b.String()
}

// googleQuoting is an error body of Google that quotes a value everywhere, and
// kubernetesQuoting one of Kubernetes.
func googleQuoting(code int, value string) string {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{"code": code, "status": "INVALID_ARGUMENT",
		"message": fmt.Sprintf("bad value %s or %q or %.20s…", value, value, value),
		"details": []any{map[string]any{"fieldViolations": []any{map[string]any{"field": "env[" + value + "]", "description": "not " + value}}, value: value}}}})
	return string(body)
}

func kubernetesQuoting(code int, value string) string {
	body, _ := json.Marshal(map[string]any{"kind": "Status", "code": code, "reason": "Invalid", "message": "bad value " + value,
		"details": map[string]any{"causes": []any{map[string]any{"field": value, "message": value}}}})
	return string(body)
}

// listener collects what events contain.
type listener struct {
	mu   sync.Mutex
	said strings.Builder
}

func (l *listener) option() cloudrun.ProgressOption {
	return cloudrun.WithProgress(func(e cloudrun.Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.said.WriteString(printed(e) + allOf(e.Err) + e.Message)
		if e.Condition != nil {
			fmt.Fprint(&l.said, *e.Condition)
		}
	})
}

// A server may quote any value that a call sends or reads, in any response. None
// reaches an error, an error that it wraps, an event, a warning or an explanation.
func TestValuesQuotedByTheServerAreHidden(t *testing.T) {
	fail := func(f cloudruntest.Fault) func(*cloudruntest.Server) {
		return func(s *cloudruntest.Server) { s.Fault(f) }
	}
	refuse := func(method string, status, times int, body func(int, string) string) func(*cloudruntest.Server) {
		return fail(cloudruntest.Fault{Method: method, Status: status, Times: times, Body: body(status, quoted), Header: http.Header{"Warning": {`299 - "` + hunter + `..."`}}})
	}
	script := func(script cloudruntest.Script) func(*cloudruntest.Server) {
		return func(s *cloudruntest.Server) { s.Script("hello", script) }
	}
	failure := &cloudruntest.Failure{Message: "The container exited: bad value " + quoted + " or " + fmt.Sprintf("%q", quoted), Reason: "ContainerMissing"}
	for name, provoke := range map[string]func(*cloudruntest.Server){
		"a refusal":                  refuse(http.MethodPut, 400, -1, googleQuoting),
		"a refusal by Kubernetes":    refuse(http.MethodPut, 422, -1, kubernetesQuoting),
		"a refusal in plain text":    fail(cloudruntest.Fault{Method: http.MethodPut, Status: 400, Times: -1, ContentType: "text/plain", Body: "bad " + quoted}),
		"a denial":                   refuse(http.MethodPut, 403, -1, googleQuoting),
		"retries of a write":         refuse(http.MethodPut, 429, 2, googleQuoting),
		"lost writes":                refuse(http.MethodPut, 503, -1, googleQuoting),
		"conflicts":                  refuse(http.MethodPut, 409, -1, googleQuoting),
		"one conflict":               refuse(http.MethodPut, 409, 1, kubernetesQuoting),
		"reads that fail afterwards": fail(cloudruntest.Fault{Method: http.MethodGet, Skip: 2, Times: -1, Status: 503, Body: googleQuoting(503, quoted)}),
		"IAM":                        fail(cloudruntest.Fault{Path: "IamPolicy", Status: 400, Times: -1, Body: googleQuoting(400, quoted)}),
		"a failed Revision":          script(cloudruntest.Script{TimeToReady: 3 * time.Second, FailRevision: failure}),
		"a failure with no message":  script(cloudruntest.Script{TimeToReady: 3 * time.Second, FailRevision: &cloudruntest.Failure{Message: failure.Message, Hidden: true}}),
		"a failed operation":         script(cloudruntest.Script{NeverReady: true, OperationError: "bad value " + quoted}),
		"never ready": script(cloudruntest.Script{NeverReady: true, ExtraConditions: []cloudruntest.Condition{
			{Type: "Ready", Status: "Unknown", Message: "waiting for " + quoted}, {Type: "Other", Status: "False", Severity: "Warning", Message: "bad " + quoted}}}),
		"a warning": script(cloudruntest.Script{ExtraConditions: []cloudruntest.Condition{{Type: "Other", Status: "False", Severity: "Warning", Reason: "Bad", Message: "bad " + quoted}}}),
	} {
		env := cloudrun.WithEnv("PASSWORD", quoted)
		for call, do := range map[string]func(context.Context, *cloudrun.Client, *listener) (warnings []string, err error){
			"Deploy": func(ctx context.Context, c *cloudrun.Client, l *listener) ([]string, error) {
				result, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", env, cloudrun.WithPublicAccess(), l.option())
				return warningsOf(result), err
			},
			"Deploy keeps the variable": func(ctx context.Context, c *cloudrun.Client, l *listener) ([]string, error) {
				result, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image), l.option())
				return warningsOf(result), err
			},
			"ReplaceManifest": func(ctx context.Context, c *cloudrun.Client, l *listener) ([]string, error) {
				m, err := cloudrun.ParseManifest(manifestWith(quoted))
				if err != nil {
					return nil, err
				}
				result, err := cloudrun.NewDeployer(c).ReplaceManifest(ctx, m, l.option())
				return warningsOf(result), err
			},
			"UpdateTraffic": func(ctx context.Context, c *cloudrun.Client, l *listener) ([]string, error) {
				result, err := cloudrun.NewDeployer(c).UpdateTraffic(ctx, "hello", cloudrun.ToLatest(), cloudrun.WithTagOn("x", "LATEST"), l.option())
				return warningsOf(result), err
			},
			"UpdateService": func(ctx context.Context, c *cloudrun.Client, _ *listener) ([]string, error) {
				_, err := c.UpdateService(ctx, "hello", func(s *servingv1.Service) error {
					s.Spec.Template.Annotations = map[string]string{"a": "b"}
					return nil
				})
				return nil, err
			},
			"ReplaceService": func(ctx context.Context, c *cloudrun.Client, _ *listener) ([]string, error) {
				_, err := c.ReplaceService(ctx, newService(t, "hello", cloudrun.WithImage(image), env))
				return nil, err
			},
			"Plan and Apply": func(ctx context.Context, c *cloudrun.Client, l *listener) ([]string, error) {
				d := cloudrun.NewDeployer(c, l.option())
				p, err := d.Plan(ctx, "hello", env, cloudrun.WithArgs("-v"))
				if err != nil {
					return nil, err
				}
				result, err := d.Apply(ctx, p)
				return append(warningsOf(result), p.Warnings...), errors.Join(err, p.Verdict)
			},
			"WaitReady": func(ctx context.Context, c *cloudrun.Client, l *listener) ([]string, error) {
				_, err := c.UpdateService(context.WithoutCancel(ctx), "hello", func(s *servingv1.Service) error {
					s.Spec.Template.Annotations = map[string]string{"a": "c"}
					return nil
				})
				_, waited := cloudrun.WaitReady(ctx, c, "hello", l.option())
				return nil, errors.Join(err, waited)
			},
		} {
			t.Run(name+"/"+call, func(t *testing.T) {
				t.Parallel()
				inVirtualTime(t, func(t *testing.T) {
					s, c := newServer(t)
					_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), env)
					require.NoError(t, err)
					provoke(s)
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					var l listener
					warnings, err := do(ctx, c, &l)
					l.mu.Lock()
					defer l.mu.Unlock()
					said := allOf(err) + l.said.String() + strings.Join(warnings, "\n")
					if i := strings.Index(said, hunter[:10]); i >= 0 {
						t.Fatalf("the value is shown: …%s", said[max(0, i-300):min(len(said), i+60)])
					}
				})
			})
		}
	}
}

func warningsOf(r *cloudrun.Result) []string {
	if r == nil {
		return nil
	}
	return append([]string{r.String()}, r.Warnings...)
}

func manifestWith(value string) []byte {
	encoded, _ := json.Marshal(value)
	return []byte(`{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"hello"},
		"spec":{"template":{"spec":{"containers":[{"image":"i","env":[{"name":"PASSWORD","value":` + string(encoded) + `}]}]}}}}`)
}

// What is hidden does not hide the cause, nor the secrets that cannot be read.
func TestDiagnosisOfHiddenMessages(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		const secret = "projects/123/secrets/db-password/versions/latest"
		s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{
			Reason:  "SecretsAccessCheckFailed",
			Message: "Permission denied on secret: " + secret + " for Revision service account app@demo.iam.gserviceaccount.com, not " + hunter}})
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithEnv("A", hunter),
			cloudrun.WithSecretEnv("DB", "db-password", "latest"), cloudrun.WithEnv("WORD", "permission"), cloudrun.WithEnv("PROJECT", "projects/123"))
		failed := errorAs[*cloudrun.NotReadyError](t, err)
		require.Equal(t, cloudrun.CauseSecret, failed.Cause())
		require.Equal(t, []cloudrun.DeniedSecret{{Secret: secret, ServiceAccount: "app@demo.iam.gserviceaccount.com"}}, failed.DeniedSecrets())
		require.Contains(t, failed.Message, "secrets/db-password/versions/latest")
		require.Contains(t, failed.Message, "not (hidden)")
	})
}

// An error of the API keeps its type, its code and its predicates, without the value.
func TestHiddenAPIErrorsAreWhole(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Fault(cloudruntest.Fault{Method: http.MethodPost, Status: 400, Body: googleQuoting(400, quoted)})
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithEnv("A", quoted))
		api, google := errorAs[*cloudrun.APIError](t, err), errorAs[*googleapi.Error](t, err)
		require.Equal(t, 400, api.StatusCode())
		require.Equal(t, "INVALID_ARGUMENT", api.GoogleStatus)
		require.Equal(t, []cloudrun.FieldViolation{{Field: "env[(hidden)]", Description: "not (hidden)"}}, api.Violations)
		require.True(t, json.Valid([]byte(google.Body)), google.Body)
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
	})
}
