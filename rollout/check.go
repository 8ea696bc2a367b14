package rollout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// HTTPProbes says how [CheckHTTP] probes a candidate. The zero value sends one
// request for / and takes any status below 400.
type HTTPProbes struct {
	// Path is the path of the requests, with a query if need be; empty means /.
	Path string
	// Requests is how many are sent, one after the other; 0 means 1.
	Requests int
	// Interval is the pause between them.
	Interval time.Duration
	// MaxFailures is how many of them may fail.
	MaxFailures int
	// Status is the status that they must have; 0 means any below 400. Redirects are not followed.
	Status int
	// MaxLatency is how long one may take to the last byte of its answer; 0
	// means 30 seconds. A longer one is given up.
	MaxLatency time.Duration
	// Tokens gives ID tokens for a Service that is not public: [IDTokens], or a
	// function of your own. Nil sends requests without one.
	Tokens func(ctx context.Context, audience string) (oauth2.TokenSource, error)
	// Client sends the requests; nil means one of its own.
	Client *http.Client
}

const (
	defaultProbeLatency = 30 * time.Second
	maxProbedBody       = 1 << 20
)

// CheckError is how [CheckHTTP] judges a candidate to be bad.
type CheckError struct {
	// URL is what was asked for.
	URL string
	// Requests is how many were sent, Failures how many of them failed.
	Requests, Failures int
	// Err is the failure of the last that failed.
	Err error
}

// Error tells how many requests failed, and how the last one did.
func (e *CheckError) Error() string {
	return fmt.Sprintf("%d of %d requests for %s failed: %v", e.Failures, e.Requests, safetext.Line(e.URL, maxText), e.Err)
}

// Unwrap gives the failure of the last request that failed.
func (e *CheckError) Unwrap() error { return e.Err }

// CheckHTTP returns a check for a [Rollout] that probes the candidate alone, at
// the URL of its tag. Its error is a [*CheckError] if too many requests fail. It
// stops at the first that is one too many.
func CheckHTTP(probes HTTPProbes) func(ctx context.Context, c Candidate) error {
	return func(ctx context.Context, c Candidate) error {
		target, err := probes.target(c)
		if err != nil {
			return err
		}
		client := probes.plainClient()
		if probes.Client == nil {
			defer client.CloseIdleConnections()
		}
		client, err = probes.authenticated(ctx, client, c, target)
		if err != nil {
			return err
		}
		return probes.run(ctx, client, target.String())
	}
}

// target is the URL to ask for.
func (p HTTPProbes) target(c Candidate) (*url.URL, error) {
	if c.TagURL == "" {
		return nil, fmt.Errorf("revision %q has no URL of its own to check: the default URL of service %q is switched off, so check it by another way", c.Revision, c.Service)
	}
	base, err := url.Parse(c.TagURL)
	if err != nil {
		return nil, fmt.Errorf("the URL of tag %q: %w", c.Tag, err)
	}
	path, err := url.Parse(p.Path)
	if err != nil || path.IsAbs() || path.Host != "" {
		return nil, &cloudrun.OptionError{Option: fmt.Sprintf("HTTPProbes.Path %q", p.Path), Reason: "it must be a path, with a query at most"}
	}
	return base.ResolveReference(path), nil
}

// plainClient sends requests to no other host than they are for.
func (p HTTPProbes) plainClient() *http.Client {
	client := http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	if p.Client != nil {
		client = *p.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// authenticated gives requests a token, if the Service needs one.
func (p HTTPProbes) authenticated(ctx context.Context, client *http.Client, c Candidate, target *url.URL) (*http.Client, error) {
	if p.Tokens == nil {
		return client, nil
	}
	if target.Scheme != "https" && !names.IsLoopback(target.Hostname()) {
		return nil, fmt.Errorf("%s is no https address: no token is sent there", safetext.Line(target.String(), maxText))
	}
	source, err := p.Tokens(ctx, c.URL)
	if err != nil {
		return nil, err
	}
	with := *client
	with.Transport = &oauth2.Transport{Source: source, Base: client.Transport}
	return &with, nil
}

func (p HTTPProbes) run(ctx context.Context, client *http.Client, target string) error {
	failed := &CheckError{URL: target}
	for failed.Requests < max(p.Requests, 1) {
		if failed.Requests > 0 {
			if err := pause.Sleep(ctx, p.Interval); err != nil {
				return err
			}
		}
		failed.Requests++
		err := p.probe(ctx, client, target)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			continue
		}
		failed.Failures, failed.Err = failed.Failures+1, err
		if failed.Failures > p.MaxFailures {
			return failed
		}
	}
	return nil
}

// probe sends one request.
func (p HTTPProbes) probe(ctx context.Context, client *http.Client, target string) error {
	latency := p.MaxLatency
	if latency == 0 {
		latency = defaultProbeLatency
	}
	ctx, cancel := context.WithTimeout(ctx, latency)
	defer cancel()
	err := p.get(ctx, client, target)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it took longer than %v", latency)
	}
	return err
}

func (p HTTPProbes) get(ctx context.Context, client *http.Client, target string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // the URL is told already
			err = wrapped.Err
		}
		return err
	}
	defer response.Body.Close()
	if _, err := io.CopyN(io.Discard, response.Body, maxProbedBody); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return p.judge(response.StatusCode)
}

func (p HTTPProbes) judge(status int) error {
	switch {
	case p.Status == status, p.Status == 0 && status < 400:
		return nil
	case p.Status != 0:
		return fmt.Errorf("HTTP %d, not %d", status, p.Status)
	case p.Tokens == nil && (status == http.StatusUnauthorized || status == http.StatusForbidden):
		return fmt.Errorf("HTTP %d: a service that is not public needs HTTPProbes.Tokens", status)
	}
	return fmt.Errorf("HTTP %d", status)
}
