package rest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/details"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// starred hides the word secret.
type starred struct{}

func (starred) Text(text string) string { return strings.ReplaceAll(text, "secret", "***") }

func (s starred) Error(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(s.Text(err.Error()))
}

func TestHidden(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"a": "b", "n": 1.50}`:             `{"a": "b", "n": 1.50}`,
		`{"a":["x secret",1.50,true,null]}`: `{"a":["x ***",1.50,true,null]}`,
		`{"secret":{"a":"\u0073ecret"}}`:    `{"***":{"a":"***"}}`,
		`{"broken": "\u0073ecret secret`:    `{"broken": "\u0073ecret ***`,
		`plain secret`:                      `plain ***`,
	} {
		e := &rest.Error{Op: "get", Resource: "secret", Answer: &rest.Answer{
			StatusCode: 400, Body: body, Message: "a secret", Header: http.Header{"Warning": {"secret"}},
			Details: []any{map[string]any{"a": []any{"secret"}}}, Violations: []rest.Violation{{Field: "secret", Description: "secret"}},
			Conditions: []rest.Violation{{Field: "secret", Description: "secret"}}, Links: []details.Link{{Description: "secret", URL: "https://secret"}},
		}}
		hidden := e.Hidden(starred{})
		require.Equal(t, want, hidden.Answer.Body)
		require.Equal(t, "get secret: HTTP 400: a ***", strings.SplitN(hidden.Error(), ";", 2)[0], "what the caller named is shown")
		require.Equal(t, http.Header{"Warning": {"***"}}, hidden.Answer.Header)
		require.Equal(t, []any{map[string]any{"a": []any{"***"}}}, hidden.Answer.Details)
		require.Equal(t, []rest.Violation{{Field: "***", Description: "***"}}, hidden.Answer.Violations)
		require.Equal(t, []rest.Violation{{Field: "***", Description: "***"}}, hidden.Answer.Conditions)
		require.Equal(t, []details.Link{{Description: "***", URL: "https://***"}}, hidden.Answer.Links)
		require.NotContains(t, strings.TrimPrefix(hidden.Error(), "get secret"), "secret")
		require.Equal(t, "secret", e.Answer.Header.Get("Warning"), "the original is not changed")
		require.Equal(t, "secret", e.Answer.Violations[0].Field)
	}
	failed := rest.Unreadable("get", "it", errors.New("a secret"))
	require.EqualError(t, failed.Hidden(starred{}), "get it: a ***")
	require.True(t, rest.MayHaveApplied(failed.Hidden(starred{})))
}

// A number in the place of a text may be the value of a variable.
func TestDecodeErrorsHideNumbers(t *testing.T) {
	t.Parallel()
	_, err := rest.Decode[struct {
		Value string `json:"value"`
	}]([]byte(`{"value": 12345678}`))
	require.ErrorContains(t, err, "cannot unmarshal number into")
	require.NotContains(t, err.Error(), "12345678")
}
