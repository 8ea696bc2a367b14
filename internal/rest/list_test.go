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
	err = c.List(ctx, listRequest, func(item json.RawMessage) (string, bool, error) {
		items = append(items, string(item))
		return "", len(items) < most, nil
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
				require.Equal(t, 3, s.requests())

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
	err := s.client().List(t.Context(), listRequest, func(json.RawMessage) (string, bool, error) { n++; return "", true, problem })
	require.Equal(t, problem, err)
	require.Equal(t, 1, n)
	require.Equal(t, 1, s.requests())
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
	require.Equal(t, 1, s.requests())
}

// A page that changed before it was requested again loses no item and repeats none.
func TestListResumesPagesThatChanged(t *testing.T) {
	t.Parallel()
	item := func(names ...string) string {
		var all []string
		for _, n := range names {
			all = append(all, `{"metadata": {"uid": "u-`+n+`", "name": "`+n+`"}}`)
		}
		return strings.Join(all, ",")
	}
	page := func(items string) string { return `{"kind": "ThingList", "items": [` + items + `]}` }
	part := func(items string) string { return `{"kind": "ThingList", "items": [` + items + `,{` }
	for name, tc := range map[string]struct {
		pages []string
		want  string
	}{
		"an item was deleted":    {[]string{part(item("a", "b")), page(item("b", "c", "d"))}, "abcd"},
		"all were deleted":       {[]string{part(item("a", "b")), page("")}, "ab"},
		"an item was added":      {[]string{part(item("b", "c")), page(item("a", "b", "c", "d"))}, "bcad"},
		"the order is another":   {[]string{part(item("a", "b")), page(item("c", "b", "a"))}, "abc"},
		"it breaks off again":    {[]string{part(item("a")), part(item("a", "b")), page(item("b", "c"))}, "abc"},
		"created again":          {[]string{part(item("a")), page(`{"metadata": {"uid": "u-other", "name": "a"}}`)}, "aa"},
		"items without uids":     {[]string{part(`{"metadata": {"name": "a"}},{"metadata": {"name": "b"}}`), page(`{"metadata": {"name": "b"}, "x": 1}`)}, "ab"},
		"items without a name":   {[]string{part(`{"n": "a"},{"n": "b"}`), page(`{"n": "b"},{"n": "c"}`)}, "abc"},
		"an item was changed":    {[]string{part(item("a", "b")), page(`{"metadata": {"uid": "u-b", "name": "b2"}},` + item("c"))}, "abc"},
		"twins on an odd server": {[]string{page(item("a", "a"))}, "aa"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{}
				for _, p := range tc.pages {
					s.steps = append(s.steps, answers(200, p))
				}
				got := ""
				require.NoError(t, s.client().List(t.Context(), listRequest, func(item json.RawMessage) (string, bool, error) {
					var o struct {
						N        string
						Metadata struct{ UID, Name string }
					}
					require.NoError(t, json.Unmarshal(item, &o))
					got += o.N + o.Metadata.Name
					return rest.ID(o.Metadata.UID, o.Metadata.Name), true, nil
				}))
				require.Equal(t, tc.want, got)
			})
		})
	}
}

// A list ends, whatever the server sends. Each item renews the time limit.
func TestListsEnd(t *testing.T) {
	t.Parallel()
	n := 0
	for name, tc := range map[string]struct {
		page     func() string
		requests int
	}{
		"alternating tokens": {func() string { return []string{"a", "b"}[n%2] }, 3},
		"empty pages":        {func() string { return strings.Repeat("x", n) }, 101},
	} {
		n = 0
		s := &script{steps: steps(func(req *http.Request) (*http.Response, error) {
			n++
			return answers(200, `{"items": [], "metadata": {"continue": "`+tc.page()+`"}}`)(req)
		})}
		_, err := collect(t.Context(), s.client(), 1<<30)
		require.Error(t, err, name)
		require.Equal(t, tc.requests, n, name)
	}
	s := &script{steps: steps(answers(200, `{"items": [0`+strings.Repeat(",0", 200_000)+`]}`))}
	items, err := collect(t.Context(), s.client(), 1<<30)
	require.ErrorContains(t, err, "the list has no end")
	require.Len(t, items, 100_000)
}

func TestListsMayBeSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := func(pause time.Duration) *script {
			return &script{steps: steps(func(req *http.Request) (*http.Response, error) {
				r, w := io.Pipe()
				go func() {
					defer w.Close()
					_, _ = io.WriteString(w, `{"items": [{}`)
					for range 10 {
						select {
						case <-time.After(pause):
						case <-req.Context().Done():
							_ = w.CloseWithError(req.Context().Err())
							return
						}
						_, _ = io.WriteString(w, `,{}`)
					}
					_, _ = io.WriteString(w, `]}`)
				}()
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: r, Request: req}, nil
			})}
		}
		start := time.Now()
		items, err := collect(t.Context(), slow(50*time.Second).client(), 99)
		require.NoError(t, err, "each item is progress")
		require.Len(t, items, 11)
		require.Equal(t, 500*time.Second, time.Since(start))

		items = nil
		err = slow(time.Second).client().List(t.Context(), listRequest, func(json.RawMessage) (string, bool, error) {
			items = append(items, "")
			time.Sleep(time.Hour)
			return "", true, nil
		})
		require.NoError(t, err, "the time of the caller does not count")
		require.Len(t, items, 11)

		start = time.Now()
		_, err = collect(t.Context(), slow(61*time.Second).client(), 99)
		require.ErrorContains(t, err, "no complete response within 1m0s")
		require.Less(t, time.Since(start), 5*time.Minute)
	})
}
