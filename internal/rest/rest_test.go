package rest_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/details"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// response is what the test server sends.
type response struct {
	status int // 0: the connection is reset
	header http.Header
	body   string
	cut    bool // the connection ends before the body does
}

// server sends one response after the other, and the last one again and again.
type server struct {
	mu        sync.Mutex
	responses []response
	requests  []*http.Request
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	next := s.responses[min(len(s.requests), len(s.responses)-1)]
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	for name, values := range next.header {
		w.Header()[name] = values
	}
	if next.status == 0 {
		panic(http.ErrAbortHandler)
	}
	if next.cut {
		w.Header().Set("Content-Length", "1000000")
	}
	w.WriteHeader(next.status)
	_, _ = w.Write([]byte(next.body))
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// serve starts a server on loopback and returns a client and a request for it.
func serve(t *testing.T, responses ...response) (*server, rest.Client, rest.Request) {
	t.Helper()
	s := &server{responses: responses}
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	hc := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(hc.CloseIdleConnections)
	return s, rest.Client{HTTP: hc, UserAgent: "test/1"}, rest.Request{Op: "get thing", Resource: "things/a", Method: http.MethodGet, URL: ts.URL + "/things/a"}
}

func jsonResponse(status int, body string) response {
	return response{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: body}
}

func TestSendReturnsTheBody(t *testing.T) {
	t.Parallel()
	s, c, r := serve(t, jsonResponse(http.StatusOK, `{"a": 1}`))
	body, err := c.Send(t.Context(), r)
	require.NoError(t, err)
	require.JSONEq(t, `{"a": 1}`, string(body))
	r.Method, r.Body = http.MethodPost, []byte(`{}`)
	_, err = c.Send(t.Context(), r)
	require.NoError(t, err)

	get, post := s.requests[0], s.requests[1]
	require.Equal(t, "test/1", get.Header.Get("User-Agent"))
	require.Equal(t, "application/json", get.Header.Get("Accept"))
	require.Empty(t, get.Header.Get("Content-Type"))
	require.Zero(t, get.ContentLength)
	require.Equal(t, "application/json", post.Header.Get("Content-Type"))
	require.EqualValues(t, 2, post.ContentLength)
}

const (
	googleBody = `{"error": {"code": 400, "message": "bad image", "status": "INVALID_ARGUMENT", "details": [7, {"@type": "x",
		"fieldViolations": [{"field": "spec.image", "description": "no such image"}, {"field": "spec", "description": "bad image"}]}]}}`
	kubernetesBody = `{"kind": "Status", "message": "bad image", "reason": "Invalid", "details": {"retryAfterSeconds": 9,
		"causes": [{"field": "spec.image", "message": "no such image"}, {"field": "spec", "message": "bad image"}]}}`
)

func TestErrorResponses(t *testing.T) {
	t.Parallel()
	violations := []rest.Violation{{Field: "spec.image", Description: "no such image"}, {Field: "spec", Description: "bad image"}}
	for name, tc := range map[string]struct {
		response response
		want     rest.Answer
		text     string
	}{
		"google": {jsonResponse(400, googleBody),
			rest.Answer{Message: "bad image", Reason: "BadRequest", GoogleStatus: "INVALID_ARGUMENT", Violations: violations},
			"HTTP 400 INVALID_ARGUMENT: bad image; spec.image: no such image"},
		"kubernetes": {jsonResponse(422, kubernetesBody),
			rest.Answer{Message: "bad image", Reason: "Invalid", Violations: violations, RetryAfter: 9 * time.Second},
			"HTTP 422: bad image; spec.image: no such image"},
		"text": {response{status: 400, body: "bad\x1b gateway\n"}, rest.Answer{Message: "bad  gateway", Reason: "BadRequest"}, "HTTP 400: bad  gateway"},
		"google quota": {jsonResponse(429, `{"error": {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED", "errors": [{"reason": "rateLimitExceeded"}], "details": [
				{"violations": [{"subject": "project:1", "description": "180 a minute"}]}, {"retryDelay": "37s"}, {"links": [{"description": "Ask for more.", "url": "https://cloud.google.com/quota"}]}]}}`),
			rest.Answer{Message: "Quota exceeded.", Reason: "TooManyRequests", GoogleStatus: "RESOURCE_EXHAUSTED", RetryAfter: 37 * time.Second,
				Conditions: []rest.Violation{{Field: "project:1", Description: "180 a minute"}}, Links: []details.Link{{Description: "Ask for more.", URL: "https://cloud.google.com/quota"}}},
			"HTTP 429 RESOURCE_EXHAUSTED: Quota exceeded.; 180 a minute; try again in 37s; Ask for more: https://cloud.google.com/quota"},
		"too many":           {response{status: 429}, rest.Answer{Reason: "TooManyRequests"}, "HTTP 429; send fewer requests, or try again later"},
		"too many, a time":   {response{status: 429, header: http.Header{"Retry-After": {"7"}}}, rest.Answer{Reason: "TooManyRequests", RetryAfter: 7 * time.Second}, "HTTP 429; try again in 7s"},
		"rejected token":     {jsonResponse(401, `{"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no"}}`), rest.Answer{Reason: "Unauthorized", GoogleStatus: "UNAUTHENTICATED", Message: "no"}, "HTTP 401 UNAUTHENTICATED: no; the token was rejected: check the credentials"},
		"proxy":              {response{status: 502, body: "<html>"}, rest.Answer{NotAPI: true}, "try again later, or check the endpoint"},
		"empty":              {response{status: 403}, rest.Answer{Reason: "Forbidden"}, "HTTP 403"},
		"retry after":        {response{status: 403, header: http.Header{"Retry-After": {"120"}}}, rest.Answer{Reason: "Forbidden", RetryAfter: 2 * time.Minute}, "HTTP 403"},
		"retry after, twice": {response{status: 403, header: http.Header{"Retry-After": {"7"}}, body: kubernetesBody}, rest.Answer{Message: "bad image", Reason: "Invalid", Violations: violations, RetryAfter: 7 * time.Second}, "HTTP 403: bad image; spec.image: no such image"},
		"retry info": {jsonResponse(429, `{"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED", "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}, {"retryDelay": "x"}]}}`),
			rest.Answer{Message: "slow down", Reason: "TooManyRequests", GoogleStatus: "RESOURCE_EXHAUSTED", RetryAfter: 1500 * time.Millisecond}, "HTTP 429 RESOURCE_EXHAUSTED: slow down"},
		"html":               {response{status: 403, body: "  <html>"}, rest.Answer{Reason: "Forbidden", NotAPI: true}, "check the endpoint and the region"},
		"html 404":           {response{status: 404, header: http.Header{"Content-Type": {"text/html; charset=UTF-8"}}, body: "no"}, rest.Answer{NotAPI: true}, "check the endpoint and the region"},
		"another API's 404":  {jsonResponse(404, `{"error": {"message": "no route"}}`), rest.Answer{NotAPI: true}, "check the endpoint and the region"},
		"another API's text": {jsonResponse(404, `{"error": "no route"}`), rest.Answer{NotAPI: true}, "check the endpoint and the region"},
		"another API's 400":  {jsonResponse(400, `{"detail": 1}`), rest.Answer{Message: `{"detail": 1}`, Reason: "BadRequest"}, `HTTP 400: {"detail": 1}`},
		"not found":          {jsonResponse(404, `{"error": {"code": 404, "status": "NOT_FOUND"}}`), rest.Answer{Reason: "NotFound", GoogleStatus: "NOT_FOUND"}, "HTTP 404 NOT_FOUND"},
		"exists":             {jsonResponse(409, `{"error": {"code": 409, "status": "ALREADY_EXISTS"}}`), rest.Answer{Reason: "AlreadyExists", GoogleStatus: "ALREADY_EXISTS"}, "HTTP 409 ALREADY_EXISTS"},
		"aborted":            {jsonResponse(409, `{"error": {"code": 409, "status": "ABORTED"}}`), rest.Answer{Reason: "Conflict", GoogleStatus: "ABORTED"}, "HTTP 409 ABORTED"},
		"hostile reason":     {jsonResponse(400, `{"kind": "Status", "reason": "R\u001b", "message": "a\u202e\nb"}`), rest.Answer{Message: "a  b", Reason: "R "}, "HTTP 400: a  b"},
		"teapot":             {response{status: 418}, rest.Answer{}, "HTTP 418"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c, r := serve(t, tc.response)
			_, err := c.Send(t.Context(), r)
			var failure *rest.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, "get thing", failure.Op)
			require.Equal(t, "things/a", failure.Resource)
			require.ErrorContains(t, err, "get thing things/a: ")
			require.ErrorContains(t, err, tc.text)
			got := *failure.Answer
			require.Equal(t, tc.response.status, got.StatusCode)
			require.Equal(t, tc.response.body, got.Body)
			require.NotEmpty(t, got.Header)
			require.Contains(t, r.URL, got.Host)
			require.Equal(t, tc.want.NotAPI, got.NotAPI)
			if got.NotAPI {
				require.ErrorIs(t, err, rest.ErrNotAPI)
			} else {
				require.NotErrorIs(t, err, rest.ErrNotAPI)
			}
			want := tc.want
			want.StatusCode, want.Host, want.Header, want.Body, want.Details = got.StatusCode, got.Host, got.Header, got.Body, got.Details
			require.Equal(t, want, got)
		})
	}
}

func TestReasonsOfStatusCodes(t *testing.T) {
	t.Parallel()
	for status, reason := range map[int]string{
		400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 409: "Conflict", 418: "", 422: "Invalid", 429: "TooManyRequests",
		500: "InternalError", 502: "", 503: "ServiceUnavailable", 504: "Timeout",
	} {
		_, c, r := serve(t, response{status: status})
		_, err := c.Send(t.Context(), r)
		var failure *rest.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, reason, failure.Answer.Reason, status)
	}
}

// A conflict of a create means that the object exists, unless Google gave a finer reason.
func TestConflictsOfACreate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body   string
		create bool
		exists bool
	}{
		"kubernetes create": {`{"kind": "Status", "reason": "Conflict", "code": 409}`, true, true},
		"unknown reason":    {`{"kind": "Status", "reason": "Odd", "code": 409}`, true, true},
		"no body":           {``, true, true},
		"google create":     {`{"error": {"code": 409, "status": "ABORTED"}}`, true, false},
		"google exists":     {`{"error": {"code": 409, "status": "ALREADY_EXISTS"}}`, false, true},
		"update":            {`{"kind": "Status", "reason": "Conflict", "code": 409}`, false, false},
		"update, odd":       {`{"kind": "Status", "reason": "Odd", "code": 409}`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c, r := serve(t, jsonResponse(409, tc.body))
			r.Creates = tc.create
			_, err := c.Write(t.Context(), r)
			require.Equal(t, tc.exists, rest.IsAlreadyExists(err), err)
			require.Equal(t, !tc.exists, rest.IsConflict(err), err)
			require.False(t, rest.IsNotFound(err))
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-5": 0, "0": 0, "120": 2 * time.Minute, "99999999999": 24 * time.Hour,
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat):        time.Hour,
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):       0,
		time.Now().Add(1000 * time.Hour).UTC().Format(http.TimeFormat): 24 * time.Hour,
	} {
		_, c, r := serve(t, response{status: 403, header: http.Header{"Retry-After": {value}}})
		_, err := c.Read(t.Context(), r)
		var failure *rest.Error
		require.ErrorAs(t, err, &failure)
		require.InDelta(t, want.Seconds(), failure.Answer.RetryAfter.Seconds(), 5, value)
		if want == 0 {
			require.Zero(t, rest.Delay(err))
			continue
		}
		require.GreaterOrEqual(t, rest.Delay(err), failure.Answer.RetryAfter)
		require.LessOrEqual(t, rest.Delay(err), failure.Answer.RetryAfter+10*time.Second)
	}
}
