package cloudrun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"
	"google.golang.org/api/option/internaloption"
	htransport "google.golang.org/api/transport/http"

	"github.com/cloudrun-go/cloudrun/internal/names"
)

const (
	cloudPlatformScope = "https://www.googleapis.com/auth/cloud-platform"
	servingPath        = "/apis/serving.knative.dev/v1"
	// maxObject bounds the answer to a request for one object.
	maxObject = 16 << 20
	// defaultEndpointMark ends the path of the default endpoint, to tell it from one that the caller gave.
	defaultEndpointMark = "/cloudrun-default"
)

// Client is the Knative Serving API of one project in one region of Cloud Run,
// or of one namespace on a cluster. It is safe for concurrent use and reuses
// its connections.
//
// Its methods are single requests: reads are repeated when they fail in a way
// that may pass (a lost connection, 429, 5xx), with exponential backoff, jitter
// and the server's Retry-After; writes are repeated only where it is certain
// that the failed one had no effect. [Deployer] makes safe deployments of them.
type Client struct {
	project  string
	region   string // empty on a cluster
	regional string // base URL of the Knative API and of operations
	global   string // base URL of IAM and locations
	http     *http.Client
	version  string // of this library; empty if it is not a released one
	onRetry  func(err error, delay time.Duration) // nil unless a caller listens
}

// NewClient returns the Client of a project (its ID or number) in a region such as "us-central1".
//
// An empty project means that of the credentials in use. Requests go to
// https://REGION-run.googleapis.com, those about IAM and locations to
// https://run.googleapis.com; with [option.WithEndpoint] all go there. The
// credentials are the application default ones unless the options say
// otherwise; universe domain, mTLS, quota project, impersonation, user agent,
// API key and HTTP client are taken from the options too.
//
// Plain http is refused but for loopback addresses, unless [AllowPlainHTTP] is
// given. No request is sent. The error names the argument at fault.
func NewClient(ctx context.Context, project, region string, opts ...option.ClientOption) (*Client, error) {
	if err := names.Region(region); err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	if project == "" {
		var err error
		if project, err = defaultProject(ctx, opts); err != nil {
			return nil, fmt.Errorf("new client: %w", err)
		}
	}
	if err := names.Project(project); err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	defaults := []option.ClientOption{
		option.WithScopes(cloudPlatformScope),
		option.WithUserAgent(userAgent(libraryVersion())),
		internaloption.WithDefaultEndpointTemplate("https://" + region + "-run.UNIVERSE_DOMAIN" + defaultEndpointMark),
		internaloption.WithDefaultMTLSEndpoint("https://" + region + "-run.mtls.googleapis.com" + defaultEndpointMark),
		internaloption.WithDefaultUniverseDomain("googleapis.com"),
	}
	hc, endpoint, err := htransport.NewClient(ctx, append(defaults, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("new client for project %q: %w", project, err)
	}
	c := &Client{project: project, region: region, http: withoutRedirects(hc), version: libraryVersion()}
	base, isDefault := strings.CutSuffix(endpoint, defaultEndpointMark)
	if c.regional, err = baseURL(base, opts); err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	c.global = c.regional
	if global, ok := strings.CutPrefix(base, "https://"+region+"-run."); isDefault && ok {
		c.global = "https://run." + global
	}
	return c, nil
}

// NewClusterClient returns the Client of a namespace on a cluster with Knative
// Serving. The options must name the API server ([option.WithEndpoint]) and,
// unless that needs no credentials, a client that has them
// ([option.WithHTTPClient]). IAM, locations and operations are Cloud Run's
// own: calls that need them fail and say so; everything else works alike.
//
// No request is sent. The error names the argument at fault.
func NewClusterClient(ctx context.Context, namespace string, opts ...option.ClientOption) (*Client, error) {
	if err := names.Namespace(namespace); err != nil {
		return nil, fmt.Errorf("new cluster client: %w", err)
	}
	hc, endpoint, err := clusterTransport(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("new cluster client: %w", err)
	}
	if endpoint == "" {
		return nil, errors.New("new cluster client: option.WithEndpoint must name the cluster's API server")
	}
	base, err := baseURL(endpoint, opts)
	if err != nil {
		return nil, fmt.Errorf("new cluster client: %w", err)
	}
	return &Client{project: namespace, regional: base, global: base, http: withoutRedirects(hc), version: libraryVersion()}, nil
}

// clusterTransport never looks for Google's default credentials, which are not
// for a cluster: what the options give is used, or nothing.
func clusterTransport(ctx context.Context, opts []option.ClientOption) (*http.Client, string, error) {
	defaults := []option.ClientOption{option.WithScopes(cloudPlatformScope), option.WithUserAgent(userAgent(libraryVersion()))}
	opts = append(defaults, opts...)
	hc, endpoint, err := htransport.NewClient(ctx, append(opts, option.WithoutAuthentication())...)
	if err == nil {
		return hc, endpoint, nil
	}
	return htransport.NewClient(ctx, opts...) // the options have credentials of their own
}

// Project is the project, or the namespace on a cluster.
func (c *Client) Project() string { return c.project }

// Region is the region; empty on a cluster.
func (c *Client) Region() string { return c.region }

type allowPlainHTTP struct {
	internaloption.EmbeddableAdapter
}

// AllowPlainHTTP lets a Client talk plain http to an address that is not a
// loopback one. Whoever can read the traffic then can use the credentials.
func AllowPlainHTTP() option.ClientOption { return &allowPlainHTTP{} }

// defaultProject is the project of the credentials that the options or the environment give.
func defaultProject(ctx context.Context, opts []option.ClientOption) (string, error) {
	const remedy = "pass a project, or use credentials that name one, such as a service account's (GOOGLE_APPLICATION_CREDENTIALS)"
	creds, err := internaloption.AuthCreds(ctx, append([]option.ClientOption{option.WithScopes(cloudPlatformScope)}, opts...))
	if err != nil {
		return "", fmt.Errorf("no project was given and there are no default credentials to take it from: %s: %w", remedy, err)
	}
	if creds != nil {
		if project, err := creds.ProjectID(ctx); err == nil && project != "" {
			return project, nil
		}
	}
	if found, err := google.FindDefaultCredentials(ctx, cloudPlatformScope); err == nil && found.ProjectID != "" {
		return found.ProjectID, nil
	}
	return "", fmt.Errorf("no project was given and the default credentials name none: %s", remedy)
}

// baseURL checks an endpoint and brings it to the form scheme://host[/path].
func baseURL(endpoint string, opts []option.ClientOption) (string, error) {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return "", fmt.Errorf("endpoint %q: %w", endpoint, err)
	case u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("endpoint %q: the scheme must be https or http", endpoint)
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("endpoint %q: must be scheme://host, with a path at most", u.Redacted())
	case u.Scheme == "http" && !isLoopback(u.Hostname()) && !plainHTTPAllowed(opts):
		return "", fmt.Errorf("endpoint %q: plain http would show the credentials to the network: use https, or say AllowPlainHTTP", endpoint)
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func plainHTTPAllowed(opts []option.ClientOption) bool {
	for _, o := range opts {
		if _, ok := o.(*allowPlainHTTP); ok {
			return true
		}
	}
	return false
}

// withoutRedirects copies an HTTP client into one that follows no redirect:
// the API sends none, and one to another host would take the token along.
func withoutRedirects(hc *http.Client) *http.Client {
	c := *hc
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// request is one call of the API.
type request struct {
	op       string // for messages: "get service"
	resource string // for messages: "projects/p/locations/r/services/s"
	method   string
	url      string
	body     []byte
}

// send makes one attempt and returns the body of a successful answer.
func (c *Client) send(ctx context.Context, r request) ([]byte, error) {
	resp, err := c.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := readAll(resp.Body, maxObject)
	if err != nil {
		return nil, &answerError{op: r.op, resource: r.resource, err: err}
	}
	if !json.Valid(body) {
		return nil, notJSON(r, resp, body)
	}
	return body, nil
}

// open makes one attempt and returns the answer if it is a successful one. The caller closes its body.
func (c *Client) open(ctx context.Context, r request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.op, r.resource, err)
	}
	if r.body == nil {
		req.Body, req.GetBody = nil, nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent(c.version))
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &answerError{op: r.op, resource: r.resource, err: withoutURL(err), notSent: notSent(err)}
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, failedAnswer(r, resp)
	}
	return resp, nil
}

func failedAnswer(r request, resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode < 400 {
		to, _ := resp.Location()
		if to == nil {
			to = &url.URL{}
		}
		return fmt.Errorf("%s %s: the server redirects to %q, which is not followed: the API does not redirect, so check the endpoint",
			r.op, r.resource, printable(to.Host, 200))
	}
	return newAPIError(r.op, r.resource, resp.StatusCode, resp.Header, body)
}

// notJSON is the error for a successful status with a body that is not an API answer, as a proxy sends.
func notJSON(r request, resp *http.Response, body []byte) error {
	if isHTML(resp.Header, body) {
		return &answerError{op: r.op, resource: r.resource, err: fmt.Errorf("%w: HTML with status %d", ErrNotAPI, resp.StatusCode)}
	}
	return &answerError{op: r.op, resource: r.resource, err: errors.New("the answer is not complete JSON")}
}

// answerError is the failure to get an answer that says whether the request took effect.
type answerError struct {
	op, resource string
	err          error
	notSent      bool // the request cannot have reached the server
}

func (e *answerError) Error() string { return fmt.Sprintf("%s %s: %v", e.op, e.resource, e.err) }
func (e *answerError) Unwrap() error { return e.err }

// withoutURL takes the URL out of an error of the HTTP client: the message names the resource.
func withoutURL(err error) error {
	if u, ok := asType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// notSent reports whether a request failed before any of it left.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

var errTooLarge = errors.New("the answer is too large")

// readAll reads at most limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%w: over %d bytes", errTooLarge, limit)
	}
	return body, nil
}

// resource is the full name of something in this project and region, for messages and for IAM.
func (c *Client) resource(kind, name string) string {
	if c.region == "" {
		return "namespaces/" + c.project + "/" + kind + "/" + name
	}
	return "projects/" + c.project + "/locations/" + c.region + "/" + kind + "/" + name
}

// servingURL is the URL of a collection of the Knative API, or of one object in it.
func (c *Client) servingURL(kind, name string, query url.Values) string {
	u := c.regional + servingPath + "/namespaces/" + url.PathEscape(c.project) + "/" + kind
	if name != "" {
		u += "/" + url.PathEscape(name)
	}
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	return u
}

// checkService checks the name of a Service before it goes into a URL.
func (c *Client) checkService(name string) error {
	if c.region == "" {
		return names.ClusterService(name)
	}
	return names.Service(name)
}

// observed is the same Client with somebody who hears of repeated requests.
func (c *Client) observed(onRetry func(error, time.Duration)) *Client {
	d := *c
	d.onRetry = onRetry
	return &d
}
