package operation_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/operation"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

const id = "a-b"

// object is the response of an operation.
type object struct {
	A int `json:"a"`
}

// reply is one response of the server, after a delay.
type reply struct {
	after  time.Duration
	body   string
	status int // of an error; 0 for none
	err    error
}

// server replies one after the other, and repeats the last one.
type server struct {
	replies []reply
	asked   []time.Duration
	start   time.Time
}

func (s *server) ask(ctx context.Context, request rest.Request) error {
	if string(request.Body) != `{"timeout":"30s"}` || request.Method != http.MethodPost || request.TimeLimit <= 45*time.Second {
		return errors.New("another request")
	}
	r := s.replies[min(len(s.asked), len(s.replies)-1)]
	s.asked = append(s.asked, time.Since(s.start))
	select {
	case <-time.After(r.after):
	case <-ctx.Done():
		return &rest.Error{} // no response
	}
	if r.status != 0 {
		return refusal(r.status)
	}
	if r.err == nil {
		_ = request.Read([]byte(strings.Replace(r.body, `{"done"`, `{"name": "projects/1/locations/r/operations/`+id+`", "done"`, 1)))
	}
	return r.err
}

// refusal returns the error of a request that a server answered with a status.
func refusal(status int) error {
	client := rest.Client{HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(status)
		_, _ = w.WriteString(`{"error": {"code": 1, "message": "no"}}`)
		return w.Result(), nil
	})}}
	_, err := client.Send(context.Background(), rest.Request{Method: http.MethodPost, URL: "http://run.test/"})
	return err
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWait(t *testing.T) {
	t.Parallel()
	const pending = `{"done": false}`
	final := errors.New("final")
	for name, tc := range map[string]struct {
		replies  []reply
		response *object
		failure  string
		err      error
		requests int
		took     time.Duration // 0 for any
	}{
		"ends at once":          {replies: []reply{{body: `{"done": true, "response": {"a": 1}}`}}, response: &object{A: 1}, requests: 1},
		"ends without response": {replies: []reply{{body: `{"done": true}`}}, requests: 1},
		"is asked again at once while the server holds": {
			replies:  []reply{{after: 30 * time.Second, body: pending}, {after: 30 * time.Second, body: pending}, {after: time.Second, body: `{"done": true, "response": {}}`}},
			response: &object{}, requests: 3, took: 61 * time.Second,
		},
		"fails":              {replies: []reply{{body: `{"done": true, "error": {"message": "out of\u001b quota"}}`}}, failure: "out of  quota", requests: 1},
		"fails silently":     {replies: []reply{{body: `{"done": true, "error": {}}`}}, failure: "the server does not say why", requests: 1},
		"is not held":        {replies: []reply{{body: pending}}, err: operation.ErrNotHeld, requests: 4},
		"is refused":         {replies: []reply{{status: http.StatusForbidden}}, err: errAny, requests: 1},
		"is about another":   {replies: []reply{{body: `{"name": "operations/a", "done": true, "error": {}}`}}, err: operation.ErrOther, requests: 4},
		"is about none":      {replies: []reply{{body: `{}`}}, err: operation.ErrOther, requests: 4},
		"is ours at last":    {replies: []reply{{body: `{"name": "x", "done": true}`}, {body: `{"done": true, "response": {"a": 2}}`}}, response: &object{A: 2}, requests: 2},
		"ends with null":     {replies: []reply{{body: `{"done": true, "response": null}`}}, requests: 1},
		"ends with another":  {replies: []reply{{body: `{"done": true, "response": [1]}`}}, requests: 1},
		"fails with another": {replies: []reply{{body: `{"done": true, "response": {"a": "b"}, "error": {"message": "no"}}`}}, failure: "no", requests: 1},
		"ends absurdly":      {replies: []reply{{body: `{"done": true, "response": {"limits": {"cpu": "1e999999999"}}}`}}, requests: 1},
		"is not an answer":   {replies: []reply{{body: `[]`}}, err: errAny, requests: 1},
		"fails for good":     {replies: []reply{{err: final}}, err: final, requests: 1},
		"is down too long":   {replies: []reply{{status: http.StatusServiceUnavailable}}, err: errAny, requests: 4},
		"is down for a time": {replies: []reply{{status: http.StatusServiceUnavailable}, {body: `{"done": true}`}}, requests: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{replies: tc.replies, start: time.Now()}
				response, err := operation.Wait[object](t.Context(), id, s.ask)
				var failure *operation.Failure
				switch {
				case tc.failure != "":
					require.ErrorAs(t, err, &failure)
					require.EqualError(t, failure, tc.failure)
				case errors.Is(tc.err, errAny):
					require.Error(t, err)
					require.NotErrorAs(t, err, &failure)
				default:
					require.ErrorIs(t, err, tc.err)
				}
				require.Equal(t, tc.response, response)
				require.Len(t, s.asked, tc.requests)
				if tc.took > 0 {
					require.Equal(t, tc.took, time.Since(s.start))
				}
				if tc.replies[0].status == http.StatusServiceUnavailable {
					require.GreaterOrEqual(t, s.asked[1], 20*time.Second, "Retry-After is honored")
				}
			})
		})
	}
}

var errAny = errors.New("any error")

func TestWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := &server{replies: []reply{{status: http.StatusServiceUnavailable}}, start: time.Now()}
		_, err := operation.Wait[object](ctx, id, s.ask)
		require.Error(t, err)
		require.Equal(t, time.Second, time.Since(s.start))
	})
}
