package rest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// A transport knows which request it sends, and how often that was sent before.
func TestAttempts(t *testing.T) {
	t.Parallel()
	other := thing
	other.Op = "use other thing"
	both := func(ctx context.Context, c rest.Client) {
		_ = c.Retry(ctx, func(ctx context.Context) error {
			if _, err := c.Read(ctx, thing); err != nil {
				return err
			}
			_, err := c.Read(ctx, other)
			return err
		})
	}
	once := func(ctx context.Context, c rest.Client) { _, _ = c.Send(ctx, thing) }
	read := func(ctx context.Context, c rest.Client) { _, _ = c.Read(ctx, thing) }
	list := func(ctx context.Context, c rest.Client) {
		_ = c.List(ctx, func(string) rest.Request { return thing }, func(json.RawMessage) (string, bool, error) { return "", true, nil })
	}
	ok, page := answers(200, `{}`), answers(200, `{"items": []}`)
	first, second, third := rest.Attempt{Op: "use thing"}, rest.Attempt{Op: "use thing", Resends: 1}, rest.Attempt{Op: "use thing", Resends: 2}
	for name, tc := range map[string]struct {
		calls []func(context.Context, rest.Client)
		steps []func(*http.Request) (*http.Response, error)
		want  []rest.Attempt
	}{
		"success":                          {calls(read, read), steps(ok), []rest.Attempt{first, first}},
		"retries":                          {calls(read, read), steps(answers(503, ""), fails(io.ErrUnexpectedEOF), ok), []rest.Attempt{first, second, third, first}},
		"broken responses":                 {calls(read), steps(answers(200, "{"), answers(200, "{"), ok), []rest.Attempt{first, second, third}},
		"a page":                           {calls(list, list), steps(answers(200, `{"items": [`), page), []rest.Attempt{first, second, first}},
		"single attempts of one call":      {calls(once, once), steps(answers(503, ""), ok), []rest.Attempt{first, second}},
		"a refusal is not repeated":        {calls(once, once), steps(answers(404, ""), ok), []rest.Attempt{first, first}},
		"a refusal ends the retries":       {calls(read, read), steps(answers(503, ""), answers(404, ""), ok), []rest.Attempt{first, second, first}},
		"different requests are not one's": {calls(both), steps(ok, answers(503, ""), ok), []rest.Attempt{first, {Op: "use other thing"}, first, {Op: "use other thing", Resends: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen []rest.Attempt
				s := &script{}
				for _, step := range tc.steps {
					s.steps = append(s.steps, func(req *http.Request) (*http.Response, error) {
						seen = append(seen, rest.AttemptOf(req.Context()))
						return step(req)
					})
				}
				c := s.client().ForCall()
				for _, call := range tc.calls {
					call(t.Context(), c)
				}
				require.Equal(t, tc.want, seen)
			})
		})
	}
	require.Zero(t, rest.AttemptOf(t.Context()))
}

func calls(all ...func(context.Context, rest.Client)) []func(context.Context, rest.Client) {
	return all
}

func TestSingleAttempt(t *testing.T) {
	t.Parallel()
	require.False(t, rest.IsSingleAttempt(t.Context()))
	require.True(t, rest.IsSingleAttempt(rest.SingleAttempt(t.Context())))
}
