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
