package machine_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/cloudrun-go/cloudrun/internal/machine"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type source func() (*oauth2.Token, error)

func (f source) Token() (*oauth2.Token, error) { return f() }

func answer(code int, text string) transport {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: code, Request: r, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
	}
}

// The account is that of the metadata server, and within a second there is an answer.
func TestAccount(t *testing.T) {
	t.Parallel()
	var fromMetadata source = func() (*oauth2.Token, error) {
		return (&oauth2.Token{AccessToken: "secret"}).WithExtra(map[string]any{"oauth2.google.tokenSource": "compute-metadata"}), nil
	}
	email := answer(200, "ci@p.iam.gserviceaccount.com\n")
	for name, tc := range map[string]struct {
		source source
		server transport
		want   string
	}{
		"account":          {fromMetadata, email, "serviceAccount:ci@p.iam.gserviceaccount.com"},
		"other tokens":     {func() (*oauth2.Token, error) { return &oauth2.Token{AccessToken: "secret"}, nil }, email, ""},
		"no token":         {func() (*oauth2.Token, error) { return nil, errors.New("expired") }, email, ""},
		"no server":        {fromMetadata, answer(404, "not found"), ""},
		"a failing server": {fromMetadata, answer(503, "later"), ""},
		"another text":     {fromMetadata, answer(200, "x@y; rm -rf ~"), ""},
		"a hanging server": {fromMetadata, func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, ""},
		"a slow source":    {func() (*oauth2.Token, error) { time.Sleep(time.Minute); return nil, errors.New("late") }, email, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				require.Equal(t, tc.want, machine.Account(t.Context(), tc.source, &http.Client{Transport: tc.server}))
				require.LessOrEqual(t, time.Since(began), time.Second)
				time.Sleep(time.Minute) // until the slow source has ended
			})
		})
	}
}
