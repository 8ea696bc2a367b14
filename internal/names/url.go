package names

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ShownURL returns a URL that may be malformed in a form for messages: without
// what may be a user, a password or a query.
func ShownURL(raw string) string {
	scheme, rest, found := strings.Cut(raw, "://")
	switch {
	case !found:
		scheme, rest = "", raw
	case strings.ContainsAny(scheme, "@:/?#"):
		return "…" // a password may contain "://"
	default:
		scheme += "://"
	}
	hidden := ""
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if strings.ContainsAny(rest[:at], "?#") {
			return scheme + "…" // the @ may be in a query
		}
		hidden, rest = "…@", rest[at+1:]
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end+1] + "…"
	}
	return scheme + hidden + shownAddress(rest)
}

// shownAddress returns HOST:PORT/PATH without what stands in the place of a
// port and is none.
func shownAddress(address string) string {
	host, _, _ := strings.Cut(address, "/")
	path := address[len(host):]
	bracket := strings.LastIndexByte(host, ']') + 1
	name, port, _ := strings.Cut(host[bracket:], ":")
	if strings.Trim(port, "0123456789") != "" {
		return host[:bracket] + name + ":…"
	}
	return host + path
}

// Endpoint checks an endpoint and returns it in the form scheme://host[/path].
// Plain http is for loopback addresses, or for all.
func Endpoint(endpoint string, plainHTTP bool) (string, error) {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	shown := ShownURL(endpoint)
	switch {
	case err != nil:
		return "", fmt.Errorf("endpoint %q: invalid URL: use https://HOST[:PORT], without a user", shown)
	case u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("endpoint %q: the scheme must be https or http", shown)
	case u.Host == "" || strings.HasSuffix(u.Host, ":") || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("endpoint %q: must be scheme://host, with a path at most", shown)
	case u.Scheme == "http" && !IsLoopback(u.Hostname()) && !plainHTTP:
		return "", fmt.Errorf("endpoint %q: plain http exposes the credentials to the network: use https or AllowPlainHTTP", shown)
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// maxPath bounds the path and the query of a request.
const maxPath = 16 << 10

// Path checks the path of a request, with its query if it has one, which is
// appended to the URL of a host. It must not lead to another host or out of the
// path of the endpoint.
func Path(path string) error {
	shown, _, _ := strings.Cut(ShownURL(path), "?") // a query may contain a secret
	if len(path) > maxPath {
		return fmt.Errorf("the path is longer than %d bytes", maxPath)
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return fmt.Errorf("path %q: must begin with a single slash, without a host", shown)
	}
	u, err := url.Parse(path)
	if err != nil || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`\#"<>`, r) }) {
		return fmt.Errorf("path %q: must be escaped, such as with url.PathEscape", shown)
	}
	for _, segment := range strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return fmt.Errorf("path %q: must not contain . or .. as a segment", shown)
		}
	}
	return nil
}

// HideURL returns an error without the URL that could not be parsed, which may
// contain a password.
func HideURL(err error) error {
	var invalid *url.Error
	if errors.As(err, &invalid) && invalid.Op == "parse" {
		return fmt.Errorf("invalid URL %q: use https://HOST[:PORT], without a user", ShownURL(invalid.URL))
	}
	return err
}

// HostOf returns the host of a URL, for messages.
func HostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Host
}
