package rollout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/logform"
	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// HTTPProbes configures [CheckHTTP]. The zero value sends one request for / and
// accepts any status below 400.
type HTTPProbes struct {
	// Path is the path of the requests and may have a query. Empty means /.
	Path string
	// Requests is the number of requests, which are sent one after the other. 0 means 1.
	Requests int
	// Interval is the pause between two requests.
	Interval time.Duration
	// MaxFailures is the number of requests that may fail.
	MaxFailures int
	// Status is the required status. 0 means any status below 400. Redirects are not followed.
	Status int
	// MaxLatency is the timeout of a request, up to the last byte of the response.
	// 0 means 30 seconds. A request that times out has failed.
	MaxLatency time.Duration
	// Tokens returns ID tokens for a Service that is not public: [IDTokens], or a
	// function of your own. Nil sends requests without a token. Tokens are sent over
	// https to the hosts of Cloud Run (*.run.app), to AllowedHosts and to this machine.
	// For any other URL of the candidate, the check fails before it gets a token.
	Tokens func(ctx context.Context, audience string) (oauth2.TokenSource, error)
	// AllowedHosts are further hosts that get tokens, such as those of a cluster or
	// of another universe: names, or *.example.com for all names below one.
	AllowedHosts []string
	// Client sends the requests. Nil means a client of the check's own.
	Client *http.Client
}

const (
	defaultProbeLatency = 30 * time.Second
	maxProbedBody       = 1 << 20
)

// CheckError is returned by the check of [CheckHTTP] when too many requests failed.
type CheckError struct {
	// URL is the URL of the requests.
	URL string
	// Requests is the number of requests that were sent, and Failures the number that failed.
	Requests, Failures int
	// Err is the error of the last request that failed.
	Err error
}

// Error names the number of requests that failed and the last failure.
func (e *CheckError) Error() string {
	return fmt.Sprintf("%d of %d requests for %s failed: %v", e.Failures, e.Requests, safetext.Line(e.URL, maxText), e.Err)
}

// Unwrap returns the error of the last request that failed.
func (e *CheckError) Unwrap() error { return e.Err }

// LogValue returns the error as a group: type, error, url, requests and failures.
func (e *CheckError) LogValue() slog.Value {
	return logform.Error("CheckError", e, slog.String("url", safetext.Line(e.URL, maxText)), slog.Int("requests", e.Requests), slog.Int("failures", e.Failures))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *CheckError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// CheckHTTP returns a check for [Config] that sends requests to the candidate
// alone, through the URL of its tag. It returns a [*CheckError] as soon as too
// many requests have failed.
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

// target returns the URL of the requests.
func (p HTTPProbes) target(c Candidate) (*url.URL, error) {
	if c.TagURL == "" {
		return nil, fmt.Errorf("revision %q has no URL of its own to check: the default URL of service %q is disabled, so use another check", c.Revision, c.Service)
	}
	base, err := url.Parse(c.TagURL)
	if err != nil {
		return nil, fmt.Errorf("the URL of tag %q: %w", c.Tag, err)
	}
	path, err := url.Parse(p.Path)
	if err != nil || path.IsAbs() || path.Host != "" {
		return nil, &cloudrun.OptionError{Option: fmt.Sprintf("HTTPProbes.Path %q", p.Path), Reason: "must be a path and may have a query"}
	}
	return base.ResolveReference(path), nil
}

// plainClient returns a client that follows no redirects.
func (p HTTPProbes) plainClient() *http.Client {
	client := http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	if p.Client != nil {
		client = *p.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// authenticated returns a client that adds the token, if one is configured.
func (p HTTPProbes) authenticated(ctx context.Context, client *http.Client, c Candidate, target *url.URL) (*http.Client, error) {
	if p.Tokens == nil {
		return client, nil
	}
	if err := p.checkTokenTarget(target); err != nil {
		return nil, err
	}
	source, err := p.Tokens(ctx, c.URL)
	if err != nil {
		return nil, err
	}
	if source == nil {
		return nil, errors.New("the function HTTPProbes.Tokens returned no token source")
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
		return fmt.Errorf("timed out after %v", latency)
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
		if errors.As(err, &wrapped) { // CheckError has the URL
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
