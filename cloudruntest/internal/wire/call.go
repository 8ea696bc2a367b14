// Package wire is the HTTP layer of the API: routes, parameters, responses,
// lists in pages, label selectors, the request log, quotas and faults.
package wire

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/transport"
)

// call is one request of the API.
type call struct {
	r      *http.Request
	ctx    context.Context
	path   []string // unescaped segments
	query  url.Values
	body   []byte
	host   string // without a port
	region string // the host's, or empty
	global bool   // the host serves all regions
	now    time.Time

	stale   bool          // reads show the state before the last write
	lag     time.Duration // lists leave out what is newer
	endless bool          // lists do not end
}

func newCall(r *http.Request, body []byte) *call {
	host := transport.Hostname(r)
	region, global := regionOf(host)
	return &call{r: r, ctx: r.Context(), body: body, path: segments(r.URL), query: r.URL.Query(),
		host: host, region: region, global: global, now: time.Now()}
}

func segments(u *url.URL) []string {
	var list []string
	for _, p := range strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/") {
		if unescaped, err := url.PathUnescape(p); err == nil {
			p = unescaped
		}
		list = append(list, p)
	}
	return list
}

// regionOf reads the region from a host such as us-central1-run.googleapis.com.
func regionOf(host string) (region string, global bool) {
	first, rest, _ := strings.Cut(host, ".")
	region, isRun := strings.CutSuffix(first, "-run")
	if !isRun || rest == "" {
		return "", first == "run" && rest != ""
	}
	return region, false
}

// to returns the call for a target. On a host without a region, an object of
// another region will do.
func (c *call) to(t control.Target) control.Call {
	t.Elsewhere = c.region == "" && !c.global
	return control.Call{
		Target: t, Now: c.now, Body: c.body, ContentType: c.r.Header.Get("Content-Type"), DryRun: c.query["dryRun"], Stale: c.stale, Lag: c.lag,
		Strict: c.query.Get("fieldValidation") == "Strict", Foreground: c.query.Get("propagationPolicy") == "Foreground",
	}
}

// name returns the last segment of a path to a named object, or "" for a collection.
func (c *call) name() string {
	if len(c.path) < 7 {
		return ""
	}
	return c.path[6]
}

// number returns a parameter, or 0 if it is not a number.
func (c *call) number(parameter string) int {
	n, _ := strconv.Atoi(c.query.Get(parameter))
	return n
}

// sleep waits for a time. It returns false if the request ends first.
func (c *call) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// waitFor waits for a time, or until one of two channels is closed. It returns
// false if the request ends first.
func (c *call) waitFor(d time.Duration, one, other <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-one:
	case <-other:
	case <-c.ctx.Done():
		return false
	}
	return true
}
