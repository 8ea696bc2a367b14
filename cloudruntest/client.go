package cloudruntest

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/option"
)

// Client returns an HTTP client for which this server is the whole Internet:
// every host name leads to it. Cloud Run's own endpoints work, such as
// https://us-central1-run.googleapis.com with its region, and so do the URLs of
// Services and tags.
func (s *Server) Client() *http.Client { return s.client }

// ClientOptions returns the options that make a client of Google's API
// libraries, or of package cloudrun, use this server. It needs no credentials.
//
// The options name this server as the endpoint, so requests do not name a region:
// a Service is found in any region. Where regions matter, pass only
// option.WithHTTPClient(s.Client()) instead.
func (s *Server) ClientOptions() []option.ClientOption {
	return []option.ClientOption{option.WithEndpoint(s.URL), option.WithHTTPClient(s.client)}
}

// Environ returns the environment variables, as KEY=VALUE, that make gcloud use
// this server, without credentials of its own. The caller sets CLOUDSDK_CONFIG
// and the project. It returns nil for a server without a port.
func (s *Server) Environ() []string {
	if s.http == nil {
		return nil
	}
	host, port, _ := net.SplitHostPort(s.URL[len("http://"):])
	env := []string{
		"CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true",
		"CLOUDSDK_PROXY_TYPE=http",
		"CLOUDSDK_PROXY_ADDRESS=" + host,
		"CLOUDSDK_PROXY_PORT=" + port,
		"CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1",
		"CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1",
		"CLOUDSDK_SURVEY_DISABLE_PROMPTS=1",
	}
	for _, api := range []string{"run", "serviceusage", "cloudresourcemanager", "logging"} {
		env = append(env, fmt.Sprintf("CLOUDSDK_API_ENDPOINT_OVERRIDES_%s=http://%s.googleapis.com/", strings.ToUpper(api), api))
	}
	return slices.Clip(env)
}
