package names_test

import (
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/names"
)

func TestShownURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                                  "",
		"https://run.internal/a":            "https://run.internal/a",
		"run.internal:443/a":                "run.internal:443/a",
		"http://[::1]:80/a":                 "http://[::1]:80/a",
		"https://user:hunter2@host:1/a":     "https://…@host:1/a",
		"https://user:hun@ter2@host":        "https://…@host",
		"https://user:hun/ter2@host":        "https://…@host",
		"https://user:hun?ter2@host":        "https://…",
		"https://user:hun#ter2@host":        "https://…",
		"https://user:hun://ter2@host":      "https://…@host",
		"user:hun://ter2@host":              "…",
		"user:hunter2@host":                 "…@host",
		"https:/user:hunter2@host":          "…@host",
		"https://user:hunter2":              "https://user:…",
		"https://user:hunter/2":             "https://user:…",
		"https://user:12:hunter2":           "https://user:…",
		"https://[::1]:hunter2":             "https://[::1]:…",
		"https://host/a?key=hunter2":        "https://host/a?…",
		"https://host/a#hunter2":            "https://host/a#…",
		"https://host/?mail=a@hunter2":      "https://…",
		"https://user:hunter2%zz@host/\x00": "https://…@host/\x00",
	} {
		require.Equal(t, want, names.ShownURL(raw), "%q", raw)
	}
}

func TestHideURL(t *testing.T) {
	t.Parallel()
	//lint:ignore SA1007 the error of an invalid URL is what is tested
	_, err := url.Parse("https://user:hunter2@host:port")
	require.EqualError(t, names.HideURL(fmt.Errorf("dial: %w", err)), `invalid URL "https://…@host:…": use https://HOST[:PORT], without a user`)
	other := &url.Error{Op: "Get", URL: "https://host", Err: errors.New("refused")}
	require.Same(t, other, names.HideURL(other))
}

func TestPath(t *testing.T) {
	t.Parallel()
	for path, valid := range map[string]bool{
		"/": true, "/a/b:c?d=e&f": true, "/a%20b/%3F": true, "/a.b/..c/...": true, "/a//b": true, "/?a=../b": true,
		"": false, "a": false, "//a": false, "https://a": false, "@a": false, "/a b": false, "/a\tb": false, "/a\x7f": false, "/ä": false,
		"/a#": false, `/\a`: false, "/%": false, "/.": false, "/a/..": false, "/%2e%2e/": false, "/a%2F..": false, "/a%5C..": false,
	} {
		require.Equal(t, valid, names.Path(path) == nil, "%q: %v", path, names.Path(path))
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"https://run.internal/": "https://run.internal", "run.internal:444/a%20b/": "https://run.internal:444/a%20b", "http://[::1]:80": "http://[::1]:80",
		"http://run.internal": "", "ftp://a": "", "https://": "", "https://a?b": "", "https://u:p@a": "", "https://a:": "",
	} {
		got, err := names.Endpoint(endpoint, false)
		require.Equal(t, want, got)
		require.Equal(t, want == "", err != nil, "%v", err)
	}
	got, err := names.Endpoint("http://run.internal", true)
	require.NoError(t, err)
	require.Equal(t, "http://run.internal", got)
}
