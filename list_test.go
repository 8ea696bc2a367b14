package cloudrun_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// listServer returns a server with n Services. Every second one has the label even=true.
func listServer(t *testing.T, n int) (*cloudruntest.Server, *cloudrun.Client, []string) {
	t.Helper()
	s, c := newServer(t)
	names := make([]string, n)
	for i := range n {
		names[i] = fmt.Sprintf("hello-%03d", i)
		doc := fmt.Sprintf(`{"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": %q, "labels": {"even": "%v"}},
			"spec": {"template": {"spec": {"containers": [{"image": %q}]}}}}`, names[i], i%2 == 0, image)
		require.NoError(t, s.PutService("demo", "us-central1", json.RawMessage(doc)))
	}
	return s, c, names
}

func TestListsFollowPages(t *testing.T) {
	t.Parallel()
	s, c, names := listServer(t, 25)
	for size, pages := range map[int]int{1: 25, 10: 3, 25: 1, 26: 1, 500: 1} {
		s.ResetRequests()
		got, err := listNames(t, c, cloudrun.WithPageSize(size))
		require.NoError(t, err)
		require.Equal(t, names, got, size)
		require.Len(t, s.Requests(), pages, size)
		for i, r := range s.Requests() {
			require.Equal(t, strconv.Itoa(size), r.Query.Get("limit"))
			require.Equal(t, i > 0, r.Query.Get("continue") != "")
		}
	}
	s.ResetRequests()
	got, err := listNames(t, c, cloudrun.WithLabelSelector("even=true"), cloudrun.WithLabelSelector("even in (true, false)"), cloudrun.WithPageSize(10))
	require.NoError(t, err)
	require.Len(t, got, 13)
	for _, r := range s.Requests() {
		require.Equal(t, "even=true,even in (true, false)", r.Query.Get("labelSelector"), "each page has the same selector")
	}
	s.ResetRequests()
	for _, err := range c.ListServices(t.Context(), cloudrun.WithPageSize(10)) {
		require.NoError(t, err)
		break
	}
	require.Len(t, s.Requests(), 1, "pages are asked for when they are reached")
	list := c.ListServices(t.Context())
	for range 2 {
		n := 0
		for _, err := range list {
			require.NoError(t, err)
			n++
		}
		require.Equal(t, 25, n, "a sequence can be gone through again")
	}
}

func TestListsResumeBrokenPages(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudruntest.Fault{
		"truncated":   {Skip: 1, Truncate: 3000, Times: 2},
		"cut at once": {Truncate: 1},
		"reset":       {Skip: 2, Reset: true},
		"503":         {Status: 503, Times: 2},
		"a page":      {Status: 200, Body: "<html>", ContentType: "text/html"},
		"ends early":  {Status: 200, Body: `{"items": [`, ContentType: "application/json"},
		"no list":     {Status: 200, Body: `{"status": "ok"}`, ContentType: "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c, names := listServer(t, 25)
				s.Fault(fault)
				got, err := listNames(t, c, cloudrun.WithPageSize(10))
				require.NoError(t, err)
				require.Equal(t, names, got, "nothing twice, nothing lost")
			})
		})
	}
}

func TestListsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	const item = `{"metadata": {"name": "a"}}`
	for name, tc := range map[string]struct {
		body    string
		names   int
		problem string
	}{
		"no items":             {`{"kind": "ServiceList", "metadata": {}}`, 0, ""},
		"null":                 {`{"items": null}`, 0, ""},
		"fields after":         {`{"items": [` + item + `], "unreachable": ["x", {"y": 1}], "metadata": {}}`, 1, ""},
		"metadata first":       {`{"metadata": {"continue": ""}, "items": [` + item + `]}`, 1, ""},
		"the same for ever":    {`{"items": [` + item + `], "metadata": {"continue": "x"}}`, 2, "again and again"},
		"an item of else kind": {`{"items": [` + item + `, {"metadata": {"name": 1}}]}`, 1, "item 2"},
		"not a list":           {`[` + item + `]`, 0, cloudrun.ErrNotAPI.Error()},
		"items not a list":     {`{"items": {"a": 1}}`, 0, "not a list"},
		"else":                 {`{"message": "hello"}`, 0, "not a list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
					return endpointAnswer(req, http.StatusOK, "application/json", tc.body), nil
				}}
				c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
				require.NoError(t, err)
				got, err := listNames(t, c)
				require.Len(t, got, tc.names)
				if tc.problem == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, tc.problem)
				require.ErrorContains(t, err, "list services")
			})
		})
	}
	s, c := newServer(t)
	for problem, o := range map[string]cloudrun.ListOption{
		"WithPageSize(0)":   cloudrun.WithPageSize(0),
		"WithPageSize(-1)":  cloudrun.WithPageSize(-1),
		"WithLabelSelector": cloudrun.WithLabelSelector(""),
		`"Bad/Name"`:        cloudrun.WithService("Bad/Name"),
	} {
		_, err := listNames(t, c, o)
		require.ErrorContains(t, err, problem)
	}
	require.Empty(t, s.Requests())
}

// listPages responds with pages of Services that are generated while they are read.
type listPages struct {
	page  []byte // one page without its token
	pages int
}

func newListPages(t testing.TB, items, size int) *listPages {
	raw := strings.Replace(strange, `"hello"`, `"hello-000"`, 1)
	var item bytes.Buffer
	require.NoError(t, json.Compact(&item, []byte(raw)))
	var page bytes.Buffer
	for i := range size {
		if i > 0 {
			page.WriteByte(',')
		}
		page.Write(item.Bytes())
	}
	return &listPages{page.Bytes(), items / size}
}

func (l *listPages) RoundTrip(req *http.Request) (*http.Response, error) {
	n, _ := strconv.Atoi(req.URL.Query().Get("continue"))
	token := ""
	if n+1 < l.pages {
		token = strconv.Itoa(n + 1)
	}
	body := io.MultiReader(strings.NewReader(`{"kind": "ServiceList", "items": [`), bytes.NewReader(l.page),
		strings.NewReader(fmt.Sprintf(`], "metadata": {"continue": %q}}`, token)))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(body), Request: req}, nil
}

// A list does not keep what the caller drops.
func TestListsStream(t *testing.T) {
	r := newListPages(t, 10_000, 500)
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", (&endpointRecorder{answer: r.RoundTrip}).client())
	require.NoError(t, err)
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	start, n := live(), 0
	for s, err := range c.ListServices(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, "hello-000", s.Name)
		if n++; n%1000 == 7 {
			require.Less(t, live(), start+1<<20, "after %d", n)
		}
	}
	require.Equal(t, 10_000, n)
}

func TestListedServicesAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	_, c, names := listServer(t, 3)
	var kept []*servingv1.Service
	for s, err := range c.ListServices(t.Context()) {
		require.NoError(t, err)
		kept = append(kept, s)
	}
	for i, s := range kept {
		require.Equal(t, names[i], s.Name)
	}
}

func TestLocations(t *testing.T) {
	t.Parallel()
	s, c := newServer(t, cloudruntest.WithRegions("europe-west1", "us-central1"))
	locations, err := c.ListLocations(t.Context())
	require.NoError(t, err)
	require.Len(t, locations, 2)
	require.Equal(t, "europe-west1", locations[0].ID)
	require.Equal(t, "projects/demo/locations/europe-west1", locations[0].Name)
	require.Equal(t, []string{"GET /v1/projects/demo/locations"}, methods(s.Requests()))

	pages := map[string]string{
		"": `{"locations": [{"locationId": "a"}], "nextPageToken": "2"}`, "2": `{"nextPageToken": "3/&"}`, "3/&": `{"locations": [{"locationId": "b"}]}`,
	}
	r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
		return endpointAnswer(req, http.StatusOK, "application/json", pages[req.URL.Query().Get("pageToken")]), nil
	}}
	c, err = cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
	require.NoError(t, err)
	locations, err = c.ListLocations(t.Context())
	require.NoError(t, err)
	require.Len(t, locations, 2)
	require.Equal(t, "b", locations[1].ID)
}

// A response that is not a list of locations does not mean that there are none.
func TestLocationsThatAreNone(t *testing.T) {
	t.Parallel()
	const first = `{"locations": [{"locationId": "a"}], "nextPageToken": "2"}`
	for body, valid := range map[string]bool{
		`{}`: false, `null`: false, `[]`: false, `{"locations": null}`: false, `{"locations": []}`: false, `{"locations": {}}`: false,
		`{"locations": [null]}`: false, `{"locations": [{}]}`: false, `{"locations": [{"locationId": ""}]}`: false, `{"Locations": [{"name": "a"}]}`: false,
		`{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403}`:                           false,
		`{"error": {"code": 403, "message": "denied", "status": "PERMISSION_DENIED"}, "nextPageToken": "3"}`: false,
		`{"locations": [{"locationId": "b"}]}`:                                                               true,
	} {
		for _, page := range []string{"", "2"} {
			r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
				if req.URL.Query().Get("pageToken") == page {
					return endpointAnswer(req, http.StatusOK, "application/json", body), nil
				}
				return endpointAnswer(req, http.StatusOK, "application/json", first), nil
			}}
			c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
			require.NoError(t, err)
			locations, err := c.ListLocations(t.Context())
			switch {
			case valid, page == "2" && (body == `{}` || body == `{"locations": []}`): // a last page may be empty
				require.NoError(t, err, body)
				require.NotEmpty(t, locations)
			default:
				require.ErrorContains(t, err, "list locations: ", body)
				require.Empty(t, locations)
			}
		}
	}
}
