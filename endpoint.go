package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"google.golang.org/api/option"
	"google.golang.org/api/option/internaloption"
	htransport "google.golang.org/api/transport/http"

	"github.com/cloudrun-go/cloudrun/internal/names"
)

const (
	cloudPlatformScope = "https://www.googleapis.com/auth/cloud-platform"
	servingPath        = "/apis/serving.knative.dev/v1"
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
	version  string                               // of this library; empty if it is not a released one
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
	return "", fmt.Errorf("no project was given and the credentials in use name none: %s", remedy)
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
