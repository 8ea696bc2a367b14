package cloudrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/api/option"
	"google.golang.org/api/option/internaloption"
	"google.golang.org/api/transport"
	htransport "google.golang.org/api/transport/http"

	"github.com/cloudrun-go/cloudrun/internal/agent"
	"github.com/cloudrun-go/cloudrun/internal/clientoption"
	"github.com/cloudrun-go/cloudrun/internal/logging"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/telemetry"
)

const (
	cloudPlatformScope = "https://www.googleapis.com/auth/cloud-platform"
	servingPath        = "/apis/serving.knative.dev/v1"
	kindServices       = "services"
	kindRevisions      = "revisions"

	// defaultEndpointMark ends the path of the default endpoint, to distinguish it from one that the caller gave.
	defaultEndpointMark = "/cloudrun-default"
)

// Client is the Knative Serving API of one project in one region of Cloud Run,
// or of one namespace on a cluster. It is safe for concurrent use and reuses
// its connections.
//
// Its methods send single requests. A read is retried after a transient failure (a lost
// connection, 429, 5xx), with exponential backoff, jitter and the server's Retry-After. A
// write is retried only if the failed one certainly had no effect. [Deployer] builds safe deployments on them.
type Client struct {
	project   string
	region    string // empty on a cluster
	regional  string // base URL of the Knative API and of operations
	global    string // base URL of IAM and locations
	google    string // the domain of Google's other APIs, such as "googleapis.com"; empty if all requests go to one endpoint
	rest      rest.Client
	logs      *logging.Queue                       // of failures, which share reads
	version   string                               // of this library; empty if it is not a released one
	onRetry   func(err error, delay time.Duration) // nil unless a caller listens
	principal func() string                        // the member that the credentials are for; empty if unknown
	known     *redact.Memory                       // of the call that uses this copy of the Client; nil outside of calls
	tracers   trace.TracerProvider                 // nil for the global one
	telemetry *telemetry.Telemetry
}

var errNoClient = errors.New("the client is nil or empty: use NewClient or NewClusterClient")

// NewClient returns the Client of a project (its ID or number) in a region such as "us-central1".
//
// An empty project means that of the credentials in use. Requests go to
// https://REGION-run.googleapis.com, those for IAM and locations to
// https://run.googleapis.com, and those for logs to https://logging.googleapis.com. With [option.WithEndpoint] all go to that endpoint.
// The application default credentials are used unless the options bring others.
// The options also set the universe domain, mTLS, quota project, impersonation,
// user agent, API key and HTTP client.
//
// Plain http is refused unless the address is a loopback one or
// [AllowPlainHTTP] is given. No request is sent. The error names the argument at fault.
func NewClient(ctx context.Context, project, region string, opts ...option.ClientOption) (*Client, error) {
	settings, err := clientoption.Of(opts)
	if err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	if err := names.Region(region); err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	if project == "" {
		if project, err = defaultProject(ctx, opts); err != nil {
			return nil, fmt.Errorf("new client: %w", err)
		}
	}
	if err := names.Project(project); err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	version := agent.Version()
	all := slices.Concat(transportOptions(version), endpointOptions(region), opts)
	hc, endpoint, err := htransport.NewClient(ctx, all...)
	if err != nil {
		return nil, fmt.Errorf("new client for project %q: %w", project, rest.ExplainCredentials(names.HideURL(err)))
	}
	base, isDefault := strings.CutSuffix(endpoint, defaultEndpointMark)
	regional, err := names.Endpoint(base, settings.PlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	who, err := principalOf(ctx, hc, all)
	if err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	global, google := regional, ""
	if domain, ok := strings.CutPrefix(base, "https://"+region+"-run."); isDefault && ok {
		global, google = "https://run."+domain, domain
	}
	place := Client{project: project, region: region, regional: regional, global: global, google: google, logs: &logging.Queue{}, principal: who}
	return place.over(hc, version, settings), nil
}

// In returns a Client for another project, or that of c if it is empty, and region. It
// shares the credentials and connections of c. The Client of a cluster has no others.
func (c *Client) In(project, region string) (*Client, error) {
	err := c.check()
	switch {
	case err == nil && c.region == "":
		err = errors.New("a cluster has no projects and regions")
	case err == nil:
		project = cmp.Or(project, c.project)
		err = errors.Join(names.Project(project), names.Region(region))
	}
	if err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	d := *c
	d.project, d.region = project, region
	if domain, ok := strings.CutPrefix(c.regional, "https://"+c.region+"-run."); ok && c.global != c.regional {
		d.regional = "https://" + region + "-run." + domain
	}
	return &d, nil
}

// forCall returns the same Client for the requests of one call about a Service. They
// share the time for retries. Their errors do not quote the values of what the call reads
// and sends, unless they are to be revealed. The Client of a call is returned as it is.
func (c *Client) forCall(service string, reveal bool) *Client {
	if c == nil || c.rest.Call != nil {
		return c
	}
	d := *c
	d.rest = c.rest.ForCall()
	if d.known = redact.Revealing(); !reveal {
		d.known = redact.NewMemory(service, c.project, c.region)
	}
	return &d
}

// transportOptions are the defaults of every Client, which has its own telemetry.
func transportOptions(version string) []option.ClientOption {
	return []option.ClientOption{option.WithScopes(cloudPlatformScope), option.WithUserAgent(agent.UserAgent(version)), option.WithTelemetryDisabled()}
}

// endpointOptions are the default endpoints. Which one applies depends on the universe
// domain and the client certificate, which no public API can read from the options.
// internaloption is what Google's generated clients use, also those of other modules.
func endpointOptions(region string) []option.ClientOption {
	return []option.ClientOption{
		internaloption.WithDefaultEndpointTemplate("https://" + region + "-run.UNIVERSE_DOMAIN" + defaultEndpointMark),
		internaloption.WithDefaultMTLSEndpoint("https://" + region + "-run.mtls.googleapis.com" + defaultEndpointMark),
	}
}

// over returns the Client of a place with what sends its requests.
func (c Client) over(hc *http.Client, version string, settings clientoption.Settings) *Client {
	c.version, c.tracers = version, settings.Tracers
	c.telemetry = telemetry.New(settings.Tracers, settings.Meters, version)
	hc = rest.HTTPClient(hc)
	hc.Transport = c.telemetry.Transport(hc.Transport)
	c.rest = rest.Client{HTTP: hc, UserAgent: agent.UserAgent(version), TimeLimit: settings.AttemptTimeout}
	return &c
}

// NewClusterClient returns the Client of a namespace on a cluster with Knative
// Serving. The options must name the API server ([option.WithEndpoint]). Unless
// that needs no credentials, they must also bring a client that has them
// ([option.WithHTTPClient]). A cluster has no IAM, locations and operations:
// calls that need them return an error that says so. All other calls work.
//
// No request is sent. The error names the argument at fault.
func NewClusterClient(ctx context.Context, namespace string, opts ...option.ClientOption) (*Client, error) {
	settings, err := clientoption.Of(opts)
	if err != nil {
		return nil, fmt.Errorf("new cluster client: %w", err)
	}
	if err := names.Namespace(namespace); err != nil {
		return nil, fmt.Errorf("new cluster client: %w", err)
	}
	version := agent.Version()
	hc, endpoint, err := clusterTransport(ctx, slices.Concat(transportOptions(version), opts))
	if err != nil {
		return nil, fmt.Errorf("new cluster client: %w", names.HideURL(err))
	}
	if endpoint == "" {
		return nil, errors.New("new cluster client: option.WithEndpoint must name the cluster's API server")
	}
	base, err := names.Endpoint(endpoint, settings.PlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("new cluster client: %w", err)
	}
	return Client{project: namespace, regional: base, global: base}.over(hc, version, settings), nil
}

// clusterTransport uses the credentials of the options or none. Google's default
// credentials must not go to a cluster.
func clusterTransport(ctx context.Context, opts []option.ClientOption) (*http.Client, string, error) {
	hc, endpoint, err := htransport.NewClient(ctx, append(slices.Clone(opts), option.WithoutAuthentication())...)
	if err == nil {
		return hc, endpoint, nil
	}
	hc, endpoint, err = htransport.NewClient(ctx, opts...) // the options bring credentials
	if err != nil {
		return nil, "", err
	}
	// A client of the caller is returned as it is, without those credentials.
	if same, _, _ := htransport.NewClient(ctx, opts...); same == hc {
		err = errors.New("option.WithHTTPClient brings its own credentials, so those of another option would have no effect: remove one of them")
	}
	return hc, endpoint, err
}

// Project returns the project, or the namespace on a cluster.
func (c *Client) Project() string {
	if c == nil {
		return ""
	}
	return c.project
}

// Region returns the region; empty on a cluster.
func (c *Client) Region() string {
	if c == nil {
		return ""
	}
	return c.region
}

// AllowPlainHTTP allows a Client to use plain http for an address that is not a
// loopback one. Whoever can read the traffic can then use the credentials.
func AllowPlainHTTP() option.ClientOption { return clientoption.PlainHTTP() }

// WithAttemptTimeout bounds each attempt to send a request and read its response,
// with the time that a token takes. The default is one minute. In a list it bounds
// the time until the next item. An attempt that takes longer counts as one whose
// response was lost: reads are retried, and writes are looked for. Long polls have
// their own limit.
func WithAttemptTimeout(limit time.Duration) option.ClientOption {
	return clientoption.AttemptTimeout(limit)
}

// WithTracerProvider makes a Client report spans of OpenTelemetry to a provider
// instead of the global one: for each call of a [Deployer] and [WaitReady] with its
// stages, and for each request. Nil means the global one, which reports nothing
// unless the program sets it. [option.WithTelemetryDisabled] turns spans and metrics off.
func WithTracerProvider(p trace.TracerProvider) option.ClientOption { return clientoption.Tracers(p) }

// WithMeterProvider makes a Client report metrics of OpenTelemetry to a provider
// instead of the global one: deployments, the time until they are ready, retries
// and the duration of requests.
func WithMeterProvider(p metric.MeterProvider) option.ClientOption { return clientoption.Meters(p) }

// TracerProvider returns the provider of the Client's spans, for spans of the
// program around its calls.
func (c *Client) TracerProvider() trace.TracerProvider {
	if c == nil || c.tracers == nil {
		return otel.GetTracerProvider()
	}
	return c.tracers
}

// trace begins the span of a call about a Service. The caller ends it.
func (c *Client) trace(ctx context.Context, op, name string) (context.Context, *telemetry.Call) {
	if c == nil {
		c = &Client{}
	}
	return c.telemetry.Begin(ctx, op, telemetry.Target{Project: c.project, Region: c.region, Service: name})
}

// defaultProject returns the project of the credentials that the options or the environment bring.
func defaultProject(ctx context.Context, opts []option.ClientOption) (string, error) {
	const remedy = "pass a project, or use credentials that name one, such as a service account's (GOOGLE_APPLICATION_CREDENTIALS)"
	if slices.Contains(opts, option.WithoutAuthentication()) { // transport.Creds would return the default ones all the same
		return "", fmt.Errorf("no project was given and there are no credentials to take it from: %s", remedy)
	}
	creds, err := transport.Creds(ctx, append([]option.ClientOption{option.WithScopes(cloudPlatformScope)}, opts...)...)
	if err != nil {
		return "", fmt.Errorf("no project was given and there are no default credentials to take it from: %s: %w", remedy, rest.ExplainCredentials(err))
	}
	if creds.ProjectID == "" {
		return "", fmt.Errorf("no project was given and the credentials in use name none: %s", remedy)
	}
	return creds.ProjectID, nil
}

// resource returns the full name of an object in this project and region, for messages and for IAM.
func (c *Client) resource(kind, name string) string {
	return c.parent() + "/" + kind + "/" + name
}

// parent returns the full name of this project and region, for messages.
func (c *Client) parent() string {
	if c.region == "" {
		return "namespaces/" + c.project
	}
	return "projects/" + c.project + "/locations/" + c.region
}

// servingURL returns the URL of a collection of the Knative API, or of an object in it.
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

// check returns an error for a Client that NewClient did not make.
func (c *Client) check() error {
	if c == nil || c.rest.HTTP == nil {
		return errNoClient
	}
	return nil
}

// checkService checks the Client, and the name of a Service before it goes into a URL.
func (c *Client) checkService(name string) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.region == "" {
		return names.ClusterService(name)
	}
	return names.Service(name)
}

// checkRevision does the same for a Revision.
func (c *Client) checkRevision(name string) error {
	if err := c.check(); err != nil {
		return err
	}
	return names.Revision(name)
}
