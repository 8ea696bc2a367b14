package rest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// All requests of a call about an object wait for a Retry-After, also those of other goroutines.
func TestRetryAfterHoldsTheCall(t *testing.T) {
	t.Parallel()
	policy := func(verb string) rest.Request {
		r := thing
		r.URL += ":" + verb + "?version=3"
		return r
	}
	other := thing
	other.URL = "https://example.com/things/b"
	busy := steps(answers(429, "", "Retry-After", "20"), answers(200, `{}`))
	for name, tc := range map[string]struct {
		first, second rest.Request
		steps         []func(*http.Request) (*http.Response, error)
		apart, waits  bool
	}{
		"the same object":          {first: thing, second: thing, steps: busy, waits: true},
		"other verbs":              {first: policy("getPolicy"), second: policy("setPolicy"), steps: busy, waits: true},
		"another object":           {first: thing, second: other, steps: busy},
		"another call":             {first: thing, second: thing, steps: busy, apart: true},
		"a 429 without the header": {first: thing, second: thing, steps: steps(answers(429, ""), answers(200, `{}`))},
		"a final refusal":          {first: thing, second: thing, steps: steps(answers(404, "", "Retry-After", "20"), answers(200, `{}`))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: tc.steps}
				c := s.client().ForCall()
				_, err := c.Send(t.Context(), tc.first)
				require.Error(t, err)
				time.Sleep(time.Second)
				if start := time.Now(); tc.apart {
					c = c.ForCall()
					_, err = c.Read(t.Context(), tc.second)
					require.NoError(t, err)
					require.Zero(t, time.Since(start))
					return
				}
				_, err = c.Send(rest.SingleAttempt(t.Context()), tc.second)
				if !tc.waits {
					require.NoError(t, err)
					return
				}
				require.EqualError(t, err, "use thing things/a: HTTP 429; try again in 19s")
				require.True(t, rest.Transient(err))
				require.True(t, rest.Unsent(err))
				require.False(t, rest.Answered(err))
				require.False(t, rest.Arrived(err))
				require.GreaterOrEqual(t, rest.Delay(err), 19*time.Second)
				require.Equal(t, 1, s.requests())
				start := time.Now()
				_, err = c.Read(t.Context(), tc.second)
				require.NoError(t, err)
				require.GreaterOrEqual(t, time.Since(start), 19*time.Second)
				require.Equal(t, 2, s.requests())
			})
		})
	}
}
