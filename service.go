package cloudrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/answer"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/lossless"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/operation"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

const servingAPIVersion = "serving.knative.dev/v1"

// maxOperationID bounds the ID of an operation, which is a UUID.
const maxOperationID = 253

// maxContainers is Cloud Run's limit.
const maxContainers = 10

// NewService assembles a new Service from options, as gcloud run deploy does.
// Nothing is sent. The same options, in any order, give the same Service.
//
// The result has what was asked for and startup CPU boost, which gcloud
// switches on for new Services; all else is left to the server's defaults. An
// image is required. The error joins an [*OptionError] for every problem.
func NewService(name string, opts ...ServiceOption) (*servingv1.Service, error) {
	options, problems := collect(edits.Of(opts))
	s, err := newService(name, options, false)
	if err = errors.Join(names.ClusterService(name), problems, err); err != nil {
		return nil, fmt.Errorf("new service %q: %w", name, err)
	}
	return s, nil
}

// newService makes a new Service as options ask.
func newService(name string, options *edits.Set, cluster bool) (*servingv1.Service, error) {
	s := &servingv1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: servingAPIVersion, Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
	if !cluster {
		spec.SetAnnotation(&s.Spec.Template.ObjectMeta, spec.AnnotationCPUBoost, spec.Bool(true))
	}
	return s, assemble(s, options, cluster)
}

// writeOptions returns what options ask for of a write.
func writeOptions(opts []WriteOption) (dryRunConfig, error) {
	options, err := collect(edits.Of(opts))
	return edits.Configure(options, dryRunConfig{}), err
}

// onCluster reports whether the Client is one of [NewClusterClient].
func (c *Client) onCluster() bool { return c.region == "" }

// writeQuery is the query of a write.
func (c *Client) writeQuery(dryRun bool) url.Values {
	switch {
	case !dryRun:
		return nil
	case c.region == "":
		return url.Values{"dryRun": {"All"}} // Kubernetes knows no other spelling
	}
	return url.Values{"dryRun": {"all"}}
}

// GetService reads a Service. The error of a Service that does not exist
// satisfies IsNotFound of k8s.io/apimachinery/pkg/api/errors.
//
// The Knative types do not hold everything that a Service of Cloud Run can
// have. To change one use [Client.UpdateService], which loses nothing.
func (c *Client) GetService(ctx context.Context, name string) (*servingv1.Service, error) {
	_, s, err := c.readService(ctx, name)
	return s, err
}

// readService reads a Service, as the server sent it and as the Knative types show it.
func (c *Client) readService(ctx context.Context, name string) ([]byte, *servingv1.Service, error) {
	const op = "get service"
	if err := c.checkService(name); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", op, err)
	}
	var got serviceBody
	request := c.getServiceRequest(name)
	request.Read = got.read
	raw, err := c.read(ctx, request)
	if err != nil {
		return nil, nil, err
	}
	if got.err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", op, c.resource(kindServices, name), got.err)
	}
	if err := c.place(name).Check(identityOf(got.service)); err != nil {
		return nil, nil, c.unreadable(op, name, err)
	}
	return raw, got.service, nil
}

func (c *Client) getServiceRequest(name string) rest.Request {
	return rest.Request{
		Op: "get service", Resource: c.resource(kindServices, name), Permission: grant.GetService,
		Method: http.MethodGet, URL: c.servingURL(kindServices, name, nil),
	}
}

// CreateService creates a Service and returns the server's answer, which is
// usually not ready yet: see [WaitReady]. The error of a Service that exists
// already satisfies IsAlreadyExists of k8s.io/apimachinery/pkg/api/errors.
//
// An empty namespace, kind or API version is filled in. s itself is not changed.
func (c *Client) CreateService(ctx context.Context, s *servingv1.Service, opts ...WriteOption) (*servingv1.Service, error) {
	cfg, err := writeOptions(opts)
	if err != nil {
		return nil, fmt.Errorf("create service: %w", err)
	}
	body, err := c.encodeService(s)
	if err != nil {
		return nil, fmt.Errorf("create service: %w", err)
	}
	c = c.forCall(s.Name, false)
	doc, err := c.createRaw(ctx, s.Name, body, cfg.on)
	if err != nil {
		return nil, err
	}
	return c.answered("create service", doc, answer.Write{Place: c.place(s.Name), Body: body, DryRun: cfg.on})
}

func (c *Client) createRaw(ctx context.Context, name string, raw []byte, dryRun bool) (*document, error) {
	return c.writeService(ctx, name, rest.Request{
		Op: "create service", Resource: c.resource(kindServices, name), Permission: grant.CreateService,
		Method: http.MethodPost, URL: c.servingURL(kindServices, "", c.writeQuery(dryRun)), Body: raw, Creates: true,
	})
}

// ReplaceService writes exactly the Service that it is given over the existing
// one, and returns the server's answer. With a resourceVersion in s, a Service
// that was changed since is not overwritten: that error satisfies IsConflict of
// k8s.io/apimachinery/pkg/api/errors.
//
// What s does not have is removed, so a Service that was read with
// [Client.GetService] loses what the Knative types do not know:
// use [Client.UpdateService] to change one.
func (c *Client) ReplaceService(ctx context.Context, s *servingv1.Service, opts ...WriteOption) (*servingv1.Service, error) {
	cfg, err := writeOptions(opts)
	if err != nil {
		return nil, fmt.Errorf("replace service: %w", err)
	}
	body, err := c.encodeService(s)
	if err != nil {
		return nil, fmt.Errorf("replace service: %w", err)
	}
	c = c.forCall(s.Name, false)
	doc, err := c.replaceRaw(ctx, s.Name, body, cfg.on)
	if err != nil {
		return nil, err
	}
	base := answer.Document{Object: identityOf(s)}
	return c.answered("replace service", doc, answer.Write{Place: c.place(s.Name), Base: base, Body: body, DryRun: cfg.on, Whole: true})
}

func (c *Client) replaceRaw(ctx context.Context, name string, raw []byte, dryRun bool) (*document, error) {
	return c.writeService(ctx, name, rest.Request{
		Op: "replace service", Resource: c.resource(kindServices, name), Permission: grant.UpdateService,
		Method: http.MethodPut, URL: c.servingURL(kindServices, name, c.writeQuery(dryRun)), Body: raw,
	})
}

// WaitOperation waits until an operation has ended and returns the Service at
// that time, nil if the operation ended without one. The annotation
// run.googleapis.com/operation-id of a Service names the operation of its last
// change. [WaitReady] uses this method, see [OperationWaiter].
//
// The error is an [*OperationError] if the operation failed. It matches
// [ErrNotOnCluster] on a cluster. Otherwise the operation cannot be waited for,
// because the server refuses it or does not hold the request: poll the Service
// instead.
func (c *Client) WaitOperation(ctx context.Context, id string) (*servingv1.Service, error) {
	const op = "wait for operation"
	if err := c.checkOperation(id); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	s, err := operation.Wait[servingv1.Service](ctx, id, func(ctx context.Context, r rest.Request) error {
		r.Op, r.Resource = op, c.resource("operations", id)
		r.URL = c.regional + "/v1/projects/" + url.PathEscape(c.project) + "/locations/" + c.region + "/operations/" + url.PathEscape(id) + ":wait"
		_, err := c.send(ctx, r)
		return err
	})
	if failure, ok := asType[*operation.Failure](err); ok {
		return nil, &OperationError{Operation: id, Message: failure.Message}
	}
	if err != nil || s == nil || s.Name == "" { // a response that is not a Service counts as none
		return nil, err
	}
	return s, nil
}

func (c *Client) checkOperation(id string) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.region == "" {
		return ErrNotOnCluster
	}
	if id == "" {
		return errors.New("the ID of the operation is empty")
	}
	if printable(id, maxOperationID) != id {
		return fmt.Errorf("the ID of the operation is not valid: %q", printable(id, 80))
	}
	return nil
}

// Do sends a request that this library has no method for, to the host of the
// region or the cluster, and returns the JSON of the response, nil if it is empty.
// The method is GET, POST, PUT, PATCH or DELETE. The path begins with a slash, has
// no host, is escaped, and may have a query, such as
// "/apis/run.googleapis.com/v1/namespaces/PROJECT/jobs?limit=5". The body is JSON;
// nil sends none.
//
// A GET is retried like every read. Any other request is repeated only if the
// failed one certainly had no effect. Nothing else protects a write: send the
// resourceVersion or the etag that was read, so that it overwrites no concurrent
// change.
//
// An error response is an [*APIError]. It does not quote values of the body that
// may be secret. A response larger than 16 MiB is an error.
func (c *Client) Do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	return c.do(ctx, false, method, path, body)
}

// DoGlobal is [Client.Do] for the global host, run.googleapis.com, which has the
// IAM policies and locations and the API v2. On a cluster it fails with
// [ErrNotOnCluster].
func (c *Client) DoGlobal(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	return c.do(ctx, true, method, path, body)
}

func (c *Client) do(ctx context.Context, global bool, method, path string, body []byte) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	base := c.regional
	if global {
		base = c.global
	}
	r, err := rest.Raw(base, method, path, body)
	if global && c.onCluster() {
		err = ErrNotOnCluster
	}
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	if c.onCluster() && method == http.MethodPatch {
		r.ContentType = "application/merge-patch+json" // Kubernetes requires the kind of a patch
	}
	c = c.forCall("", false)
	c.known.Learn(r.Body)
	if method == http.MethodGet {
		return c.read(ctx, r)
	}
	return c.write(ctx, r)
}

// encodeService turns a Service into what is sent, without the empty fields that encoding the types adds.
func (c *Client) encodeService(s *servingv1.Service) ([]byte, error) {
	if s == nil {
		return nil, fmt.Errorf("the service is nil")
	}
	if err := c.checkService(s.Name); err != nil {
		return nil, err
	}
	t := *s
	if t.Namespace == "" {
		t.Namespace = c.project
	}
	return marshalService(t)
}

// marshalService turns a Service, of which it has a copy, into JSON.
func marshalService(t servingv1.Service) ([]byte, error) {
	if t.APIVersion == "" {
		t.APIVersion = servingAPIVersion
	}
	if t.Kind == "" {
		t.Kind = "Service"
	}
	if t.APIVersion != servingAPIVersion || t.Kind != "Service" {
		return nil, fmt.Errorf("service %q: it is a %s of %s, not a Service of %s", t.Name, t.Kind, t.APIVersion, servingAPIVersion)
	}
	encoded, err := json.Marshal(&t)
	if err != nil {
		return nil, fmt.Errorf("service %q: %w", t.Name, err)
	}
	return lossless.Clean(encoded)
}

// place is where a Service of the Client is.
func (c *Client) place(name string) answer.Place {
	return answer.Place{Name: name, Namespace: c.project, Projects: c.region != ""}
}

func identityOf(s *servingv1.Service) answer.Object {
	return answer.Object{Name: s.Name, Namespace: s.Namespace, UID: string(s.UID), ResourceVersion: s.ResourceVersion, Generation: s.Generation}
}

// unreadable is the error of a successful response about a Service that does not make sense.
func (c *Client) unreadable(op, name string, cause error) error {
	return c.apiError(rest.Unreadable(op, c.resource(kindServices, name), cause))
}

// answered is the Service that answers a single write.
func (c *Client) answered(op string, doc *document, w answer.Write) (*servingv1.Service, error) {
	if err := w.Check(doc.answer(), answer.NoMark); err != nil {
		return nil, c.unreadable(op, w.Place.Name, err)
	}
	return doc.service, nil
}

// serviceBody is the body of a response that should be a Service.
type serviceBody struct {
	service *servingv1.Service
	err     error
}

func (b *serviceBody) read(raw []byte) error {
	b.service, b.err = decodeService(raw)
	return b.err
}

func decodeService(raw []byte) (*servingv1.Service, error) {
	s, err := rest.Decode[servingv1.Service](raw)
	if err == nil && s.Name == "" {
		return nil, fmt.Errorf("read the response: %w: it is not a Service", ErrNotAPI)
	}
	return s, err
}
