package cloudrun_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"knative.dev/pkg/apis"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// logged returns an attribute as the handler of slog writes it.
func logged(value any) string {
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "e", value)
	_, attrs, _ := strings.Cut(strings.TrimSpace(log.String()), "msg=m ")
	return attrs
}

// Every error has stable names in logs and as JSON.
func TestErrorsInLogsAndAsJSON(t *testing.T) {
	t.Parallel()
	option := &cloudrun.OptionError{Option: "WithCPU", Reason: "too much"}
	last := &cloudrun.Condition{Type: apis.ConditionReady, Status: "Unknown", Reason: "Deploying"}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tc := range map[string]struct {
		err       error
		log, json string
	}{
		"OptionError": {&cloudrun.OptionError{Option: "A", Conflict: "B", Reason: "no"},
			`e.type=OptionError e.error="A contradicts B: no" e.option=A e.conflict=B e.reason=no`,
			`{"type":"OptionError","error":"A contradicts B: no","option":"A","conflict":"B","reason":"no"}`},
		"DeployError": {&cloudrun.DeployError{Op: "deploy service", Service: "hello", Stage: cloudrun.StageOptions, Err: errors.Join(errors.New("x"), option)},
			`e.type=DeployError e.error="deploy service \"hello\": x\ndeploy service \"hello\": WithCPU: too much" e.op="deploy service" e.service=hello e.stage=options ` +
				`e.outcome="not written" e.wrapped.type=OptionError e.wrapped.error="WithCPU: too much" e.wrapped.option=WithCPU e.wrapped.reason="too much"`,
			`{"type":"DeployError","error":"deploy service \"hello\": x\ndeploy service \"hello\": WithCPU: too much","op":"deploy service","service":"hello","stage":"options",` +
				`"outcome":"not written","wrapped":{"type":"OptionError","error":"WithCPU: too much","option":"WithCPU","reason":"too much"}}`},
		"APIError": {&cloudrun.APIError{Op: "get service", Resource: "services/hello", Reason: "NotFound", GoogleStatus: "NOT_FOUND", RetryAfter: 1500 * time.Millisecond,
			RequestID: "r-1", Violations: []cloudrun.FieldViolation{{Field: "f", Description: "d"}}},
			`e.type=APIError e.error="get service services/hello: NotFound" e.op="get service" e.resource=services/hello e.reason=NotFound e.googleStatus=NOT_FOUND ` +
				`e.violations="[{Field:f Description:d}]" e.retryAfter=1.5s e.requestId=r-1`,
			`{"type":"APIError","error":"get service services/hello: NotFound","op":"get service","resource":"services/hello","reason":"NotFound",` +
				`"googleStatus":"NOT_FOUND","violations":[{"field":"f","description":"d"}],"retryAfterSeconds":1.5,"requestId":"r-1"}`},
		"OperationError": {&cloudrun.OperationError{Operation: "o", Message: "a\x1bb"},
			`e.type=OperationError e.error="operation \"o\" failed: a b" e.operation=o e.message="a b"`,
			`{"type":"OperationError","error":"operation \"o\" failed: a b","operation":"o","message":"a b"}`},
		"NotReadyError": {&cloudrun.NotReadyError{Service: "hello", Generation: 2, Revision: "hello-2", Condition: "Ready", Reason: "R", Message: "M", LogURL: "https://l",
			Log: []cloudrun.LogLine{{Time: at, Log: "stderr", Text: "boom"}}, LogError: errors.New("denied")},
			`e.type=NotReadyError e.error="service \"hello\" is not ready: revision \"hello-2\" failed: Ready R: M (log: https://l)" e.service=hello e.generation=2 ` +
				`e.revision=hello-2 e.cause=unknown e.condition=Ready e.reason=R e.message=M e.logUrl=https://l ` +
				`e.log="[{Time:2026-01-02 03:04:05 +0000 UTC Severity: Log:stderr Service: Revision: Text:boom}]" e.logError=denied`,
			`{"type":"NotReadyError","error":"service \"hello\" is not ready: revision \"hello-2\" failed: Ready R: M (log: https://l)","service":"hello","generation":2,` +
				`"revision":"hello-2","cause":"unknown","condition":"Ready","reason":"R","message":"M","logUrl":"https://l",` +
				`"log":[{"time":"2026-01-02T03:04:05Z","log":"stderr","text":"boom"}],"logError":"denied"}`},
		"TimeoutError": {&cloudrun.TimeoutError{Service: "hello", Waited: time.Minute, Last: last, Err: context.DeadlineExceeded},
			`e.type=TimeoutError e.error="service \"hello\" was not ready after 1m0s: last seen Ready=Unknown (Deploying); it goes on: wait with WaitReady" e.service=hello ` +
				`e.waited=1m0s e.condition.type=Ready e.condition.status=Unknown e.condition.reason=Deploying e.condition.message=""`,
			`{"type":"TimeoutError","error":"service \"hello\" was not ready after 1m0s: last seen Ready=Unknown (Deploying); it goes on: wait with WaitReady","service":"hello",` +
				`"waitedSeconds":60,"condition":{"type":"Ready","status":"Unknown","reason":"Deploying","message":""}}`},
		"OvertakenError": {&cloudrun.OvertakenError{Service: "hello", Generation: 2, Newer: 3, By: "ann"},
			`e.type=OvertakenError e.error="service \"hello\" was changed by ann while waiting: generation 3 replaced generation 2 before that became ready" ` +
				`e.service=hello e.generation=2 e.newer=3 e.by=ann`,
			`{"type":"OvertakenError","error":"service \"hello\" was changed by ann while waiting: generation 3 replaced generation 2 before that became ready",` +
				`"service":"hello","generation":2,"newer":3,"by":"ann"}`},
		"PlanStaleError": {&cloudrun.PlanStaleError{Service: "hello", Reason: "it was deleted", Err: option},
			`e.type=PlanStaleError e.error="service \"hello\" has changed since the plan was made: it was deleted: make a new plan" e.service=hello e.reason="it was deleted" ` +
				`e.wrapped.type=OptionError e.wrapped.error="WithCPU: too much" e.wrapped.option=WithCPU e.wrapped.reason="too much"`,
			`{"type":"PlanStaleError","error":"service \"hello\" has changed since the plan was made: it was deleted: make a new plan","service":"hello","reason":"it was deleted",` +
				`"wrapped":{"type":"OptionError","error":"WithCPU: too much","option":"WithCPU","reason":"too much"}}`},
		"ManifestError": {&cloudrun.ManifestError{Path: "spec", Line: 3, Reason: "no"},
			`e.type=ManifestError e.error="manifest line 3: spec: no" e.path=spec e.line=3 e.reason=no`,
			`{"type":"ManifestError","error":"manifest line 3: spec: no","path":"spec","line":3,"reason":"no"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.log, logged(tc.err))
			encoded, err := json.Marshal(tc.err)
			require.NoError(t, err)
			require.Equal(t, tc.json, string(encoded))
		})
	}
}

// The errors of denied requests have the names too.
func TestDenialsInLogsAndAsJSON(t *testing.T) {
	t.Parallel()
	cause := errors.New("HTTP 403")
	for want, err := range map[string]error{
		`"permission":"run.services.get","resource":"services/hello"`: &cloudrun.PermissionError{Permission: "run.services.get", Resource: "services/hello", Err: cause},
		`"members":["allUsers"],"resource":"services/hello"`:          &cloudrun.OrgPolicyError{Members: []string{"allUsers"}, Resource: "services/hello", Err: cause},
	} {
		encoded, problem := json.Marshal(err)
		require.NoError(t, problem)
		require.Contains(t, string(encoded), want)
		require.Contains(t, logged(err), "e.resource=services/hello")
	}
}

var publicError = regexp.MustCompile(`(?m)^func \(\w+ \*?([A-Z]\w*)\) Error\(\) string`)

// No error is without a form in logs and JSON.
func TestEveryPublicErrorHasAFormForLogs(t *testing.T) {
	t.Parallel()
	found := 0
	for _, dir := range []string{".", "rollout", "runflags", "runprogress"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		var all strings.Builder
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			all.Write(text)
		}
		for _, m := range publicError.FindAllStringSubmatch(all.String(), -1) {
			found++
			require.Regexp(t, `func \(\w+ \*?`+m[1]+`\) LogValue\(\) slog\.Value`, all.String(), m[1])
			require.Regexp(t, `func \(\w+ \*?`+m[1]+`\) MarshalJSON\(\) \(\[\]byte, error\)`, all.String(), m[1])
		}
	}
	require.Greater(t, found, 12)
}

// An outcome is a word everywhere.
func TestOutcomesAreWords(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal([]cloudrun.WriteOutcome{cloudrun.NotWritten, cloudrun.Written, cloudrun.WriteUnknown})
	require.NoError(t, err)
	require.Equal(t, `["not written","written","unknown"]`, string(encoded))
	require.Equal(t, `e="not written"`, logged(cloudrun.NotWritten))
}

// The ID of a failed request is a field, and a part of the text where the server is at fault.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		header http.Header
		want   string
		shown  bool
	}{
		"none":                   {status: 500},
		"of Google":              {500, http.Header{"X-Request-Id": {"r-1"}, "X-Cloud-Trace-Context": {"t-1"}}, "r-1", true},
		"of Google's front end":  {503, http.Header{"X-Cloud-Trace-Context": {"105445aa7843bc8bf206b12000100000/1;o=1"}}, "105445aa7843bc8bf206b12000100000/1;o=1", true},
		"of Kubernetes":          {500, http.Header{"Audit-Id": {"a-1"}}, "a-1", true},
		"of a mistake":           {400, http.Header{"Audit-Id": {"a-1"}}, "a-1", false},
		"with hostile bytes":     {500, http.Header{"X-Request-Id": {"a\x1b[31mb\u202e"}}, "a [31mb ", true},
		"with nothing to see":    {500, http.Header{"X-Request-Id": {" "}, "Audit-Id": {"a-1"}}, "a-1", true},
		"of an unbounded length": {500, http.Header{"X-Request-Id": {strings.Repeat("x", 1000)}}, strings.Repeat("x", 200), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
					resp := endpointAnswer(req, tc.status, "application/json", `{"error": {"code": 1, "message": "why"}}`)
					for name, values := range tc.header {
						resp.Header[name] = values
					}
					return resp, nil
				}}
				c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", s.client())
				require.NoError(t, err)
				_, err = c.GetService(t.Context(), "hello")
				var api *cloudrun.APIError
				require.ErrorAs(t, err, &api)
				require.True(t, strings.HasPrefix(api.RequestID, strings.TrimSpace(tc.want)), "%q", api.RequestID)
				require.LessOrEqual(t, len(api.RequestID), 204)
				require.Equal(t, tc.want == "", api.RequestID == "")
				require.Equal(t, tc.shown, strings.Contains(err.Error(), "request ID "+api.RequestID))
				require.Equal(t, api.RequestID != "", strings.Contains(logged(api), "requestId"))
			})
		})
	}
}

// The errors of a real failure carry no value that may be secret.
func TestErrorsInLogsHideSecrets(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		s.Fault(cloudruntest.Fault{Method: http.MethodPost, Status: 400, Body: `{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "bad hunter22",
			"details": [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "env", "description": "hunter22"}]}]}}`})
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithEnv("PASSWORD", "hunter22"))
		require.Error(t, err)
		encoded, problem := json.Marshal(err)
		require.NoError(t, problem)
		require.Contains(t, string(encoded), `"wrapped":{"type":"APIError"`)
		for _, text := range []string{string(encoded), logged(err), fmt.Sprint(err)} {
			require.NotContains(t, text, "hunter22")
		}
	})
}

// LogProgress logs the events of a call with levels.
func TestLogProgress(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t, cloudruntest.WithTimeToReady(3*time.Second))
		s.Fault(cloudruntest.Fault{Method: http.MethodPost, Path: "/services", Status: 503})
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "delay" {
				return slog.Attr{}
			}
			return a
		}}))
		d := cloudrun.NewDeployer(c, cloudrun.WithProgress(cloudrun.LogProgress(logger)))
		_, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithRevisionSuffix("v1"))
		require.NoError(t, err)
		lines := strings.Split(log.String(), "\n")
		require.Equal(t, []string{
			`level=INFO msg="stage started" service=hello region=us-central1 stage=write`,
			`level=WARN msg=retrying service=hello region=us-central1 stage=write error="create service projects/demo/locations/us-central1/services/hello: HTTP 503 UNAVAILABLE: The service is currently unavailable."`,
			`level=INFO msg="stage done" service=hello region=us-central1 stage=write generation=1`,
			`level=INFO msg="stage started" service=hello region=us-central1 stage=wait generation=1`,
		}, lines[:4])
		require.Contains(t, lines, `level=DEBUG msg="condition changed" service=hello region=us-central1 stage=wait generation=1 revision=hello-v1 `+
			`condition.type=Ready condition.status=True condition.reason="" condition.message=""`)
		require.Contains(t, lines, `level=INFO msg="stage done" service=hello region=us-central1 stage=wait generation=1 revision=hello-v1`)

		log.Reset()
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithImage("not an image"))
		require.Error(t, err)
		require.Empty(t, log.String(), "nothing happened")
		s.Script("hello", cloudruntest.NotListening())
		_, err = d.Deploy(t.Context(), "hello", cloudrun.WithEnv("PASSWORD", "hunter22"))
		require.Error(t, err)
		require.Contains(t, log.String(), `level=ERROR msg="stage failed" service=hello region=us-central1 stage="create revision" generation=2`)
		require.NotContains(t, log.String(), "hunter22")
	})
	require.Nil(t, cloudrun.LogProgress(nil))
	require.ErrorContains(t, cloudrun.CheckOptions(cloudrun.WithProgress(cloudrun.LogProgress(nil))), "the function is nil")
}
