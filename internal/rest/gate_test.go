package rest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// answerTo is a response that a gate was told of.
type answerTo struct {
	method string
	status int
	after  time.Duration
}

// The gate sees each attempt, and the delay that the server asked for.
func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []answerTo
		ctx := rest.WithGate(t.Context(), func(ctx context.Context, r rest.Request) (func(int, time.Duration), error) {
			time.Sleep(10 * time.Minute) // does not count as part of the attempt
			return func(status int, after time.Duration) { seen = append(seen, answerTo{r.Method, status, after}) }, nil
		})
		sent := 0
		c := rest.Client{HTTP: &http.Client{Transport: testkit.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if sent++; sent == 2 {
				return testkit.Response(req, http.StatusOK, "application/json", "{}"), nil
			}
			resp := testkit.Response(req, http.StatusTooManyRequests, "application/json", `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}`)
			resp.Header.Set("Retry-After", "7")
			return resp, nil
		})}}
		_, err := c.Read(ctx, rest.Request{Method: http.MethodGet, URL: "http://run.test/x"})
		require.NoError(t, err)
		require.Equal(t, []answerTo{{"GET", 429, 7 * time.Second}, {"GET", 200, 0}}, seen)
	})
}

// A gate that refuses keeps the request from being sent.
func TestClosedGate(t *testing.T) {
	t.Parallel()
	closed := errors.New("closed")
	ctx := rest.WithGate(t.Context(), func(context.Context, rest.Request) (func(int, time.Duration), error) { return nil, closed })
	c := rest.Client{HTTP: &http.Client{Transport: testkit.RoundTripper(func(*http.Request) (*http.Response, error) {
		require.Fail(t, "a request was sent")
		return nil, closed
	})}}
	_, err := c.Send(ctx, rest.Request{Method: http.MethodPost, URL: "http://run.test/x"})
	require.ErrorIs(t, err, closed)
	require.False(t, rest.MayHaveApplied(err))
}
