package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

func listRequest(token string) rest.Request {
	return rest.Request{Op: "list things", Resource: "things", Method: http.MethodGet, URL: "https://example.com/things?" + url.Values{"continue": {token}}.Encode()}
}

// collect lists and returns the items as text.
func collect(ctx context.Context, c rest.Client, most int) (items []string, err error) {
	err = c.List(ctx, listRequest, func(item json.RawMessage) (bool, error) {
		items = append(items, string(item))
		return len(items) < most, nil
	})
	return items, err
}

func TestListReadsPages(t *testing.T) {
	t.Parallel()
	const more = `{"kind": "ThingList", "metadata": {"continue": "x&"}, "items": [1, {"a": [2]}]}`
	for name, tc := range map[string]struct {
		pages    []string
		most     int
		items    []string
		requests int
		problem  string
	}{
		"two pages":           {[]string{more, `{"items": [3]}`}, 9, []string{"1", `{"a": [2]}`, "3"}, 2, ""},
		"stopped":             {[]string{more, more}, 2, []string{"1", `{"a": [2]}`}, 1, ""},
		"stopped in the next": {[]string{more, `{"items": [3, 4]}`}, 3, []string{"1", `{"a": [2]}`, "3"}, 2, ""},
		"no items":            {[]string{`{"kind": "ThingList"}`}, 9, nil, 1, ""},
		"null items":          {[]string{`{"items": null}`}, 9, nil, 1, ""},
		"odd metadata":        {[]string{`{"metadata": 7, "items": [1]}`}, 9, []string{"1"}, 1, ""},
		"the same page":       {[]string{more}, 99, []string{"1", `{"a": [2]}`, "1", `{"a": [2]}`}, 2, "again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{}
			var tokens []string
			for _, page := range tc.pages {
				s.steps = append(s.steps, func(req *http.Request) (*http.Response, error) {
					tokens = append(tokens, req.URL.Query().Get("continue"))
					return answers(200, page)(req)
				})
			}
			items, err := collect(t.Context(), s.client(), tc.most)
			require.Equal(t, tc.items, items)
			require.Len(t, tokens, tc.requests)
			require.Equal(t, []string{"", "x&"}[:tc.requests], tokens)
			if tc.problem == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.problem)
			require.ErrorContains(t, err, "list things things: ")
		})
	}
}

// A page that breaks off is requested again, and no item comes twice.
func TestListResumesPages(t *testing.T) {
	t.Parallel()
	whole := answers(200, `{"kind": "ThingList", "items": [1, 2, 3]}`)
	for name, broken := range map[string]func(*http.Request) (*http.Response, error){
		"503":                   answers(503, ""),
		"reset":                 fails(io.ErrUnexpectedEOF),
		"page of a proxy":       answers(200, "<html>"),
		"not a list":            answers(200, `{"status": "ok"}`),
		"an array":              answers(200, `[1]`),
		"items not a list":      answers(200, `{"items": {"a": 1}}`),
		"empty":                 answers(200, ``),
		"ends before the items": answers(200, `{"kind"`),
		"ends in a field":       answers(200, `{"kind": "Th`),
		"ends in a key":         answers(200, `{"kind": "ThingList", "it`),
		"ends after the key":    answers(200, `{"items":`),
		"ends in the items":     answers(200, `{"items": [1, 2, `),
		"ends in an item":       answers(200, `{"items": [1, {"a": `),
		"ends after an item":    answers(200, `{"items": [1, 2`),
		"ends after the items":  answers(200, `{"items": [1, 2, 3]`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: steps(broken, broken, whole)}
				items, err := collect(t.Context(), s.client(), 9)
				require.NoError(t, err)
				require.Equal(t, []string{"1", "2", "3"}, items)
				require.Equal(t, 3, s.count)

				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				_, err = collect(ctx, (&script{steps: steps(broken)}).client(), 9)
				require.ErrorContains(t, err, "list things things: ")
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		})
	}
}

func TestListReturnsTheVisitorsError(t *testing.T) {
	t.Parallel()
	s := &script{steps: steps(answers(200, `{"items": [1, 2]}`))}
	problem := errors.New("a problem")
	n := 0
	err := s.client().List(t.Context(), listRequest, func(json.RawMessage) (bool, error) { n++; return true, problem })
	require.Equal(t, problem, err)
	require.Equal(t, 1, n)
	require.Equal(t, 1, s.count)
}

// The bound is that of one item: a list may be longer.
func TestListBoundsItems(t *testing.T) {
	t.Parallel()
	item := `"` + strings.Repeat("x", 9<<20) + `"`
	items, err := collect(t.Context(), (&script{steps: steps(answers(200, `{"items": [`+item+`,`+item+`]}`))}).client(), 9)
	require.NoError(t, err)
	require.Len(t, items, 2)
	s := &script{steps: steps(answers(200, `{"items": ["`+strings.Repeat("x", 17<<20)+`"]}`))}
	_, err = collect(t.Context(), s.client(), 9)
	require.ErrorContains(t, err, "too large")
	require.Equal(t, 1, s.count)
}
