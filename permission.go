package cloudrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"golang.org/x/oauth2"
	"google.golang.org/api/option"
	"google.golang.org/api/option/internaloption"
	"google.golang.org/api/transport"
	htransport "google.golang.org/api/transport/http"
	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/denial"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/machine"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/policy"
	"github.com/cloudrun-go/cloudrun/internal/preflight"
	"github.com/cloudrun-go/cloudrun/internal/principal"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// PermissionError is returned when an account lacks a permission: usually the
// account in use, sometimes one that Cloud Run uses. It unwraps to the [*APIError].
// A 403 for another reason, such as an API that is not enabled, is an [*APIError] alone.
type PermissionError struct {
	// Permission is the missing permission, such as "run.services.setIamPolicy"; on a
	// cluster the verb and the resource, such as "get services.serving.knative.dev".
	// It is empty if the server does not name it and the call does not know it.
	Permission string
	// Resource is the full name of the resource, such as "projects/p/locations/r/services/s".
	Resource string
	// Principal is the member without the permission, such as
	// "serviceAccount:ci@p.iam.gserviceaccount.com"; on a cluster the user. It is
	// empty if it is the account in use and the credentials do not name that, as
	// those of a user do not: see [WithPrincipal].
	Principal string
	// Role is a predefined role that has the permission; empty if none is known, and on a cluster.
	Role string
	// Command is the gcloud command that grants the role, with MEMBER in the place of
	// an unknown principal. It is empty if there is none.
	Command string
	// Err is the error of the request.
	Err error

	namespace string // on a cluster
}

// Error returns the permission, the resource, the principal, what to do, and the
// response of the server.
func (e *PermissionError) Error() string {
	permission := "a permission"
	if e.Permission != "" {
		permission = "permission " + e.Permission
	}
	who := cmp.Or(e.Principal, "the account in use")
	text := fmt.Sprintf("%s is missing on %s for %s: %s", permission, e.Resource, who, e.remedy())
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return printable(text, 4*maxMessage)
}

// remedy returns what to do.
func (e *PermissionError) remedy() string {
	switch {
	case e.namespace != "":
		return fmt.Sprintf("bind a role with this verb to it in the namespace %q", e.namespace)
	case e.Command != "" && e.Principal == "":
		return fmt.Sprintf("grant it %s with %q (MEMBER is the account, such as user:EMAIL or serviceAccount:EMAIL)", e.Role, e.Command)
	case e.Command != "":
		return fmt.Sprintf("grant it %s with %q", e.Role, e.Command)
	case e.Role != "":
		return "grant it " + e.Role
	}
	return "grant it a role that has the permission"
}

// Unwrap returns the error of the request.
func (e *PermissionError) Unwrap() error { return e.Err }

// hidden returns an error of a request without the values that a call knows.
func hidden(known *redact.Memory, err error) error {
	switch e := err.(type) { //nolint:errorlint // a wrapped one keeps what wraps it
	case *PermissionError:
		shown := *e
		shown.Err = hidden(known, e.Err)
		return &shown
	case *APIError:
		if e.err != nil {
			return apiError(known, e.err.Unwrap())
		}
	}
	return known.Error(err)
}

// lacking returns the error of a missing permission on Cloud Run.
func (c *Client) lacking(permission, resource, member string, err error) *PermissionError {
	return &PermissionError{
		Permission: permission, Resource: resource, Principal: member, Err: err,
		Role: grant.Role(permission), Command: grant.Command(permission, resource, member, c.project),
	}
}

// errorHiding is the public form of an error of a request, without the values that
// known has.
func (c *Client) errorHiding(known *redact.Memory, err error) error {
	public := apiError(known, err)
	if api, ok := asType[*APIError](public); ok && public == error(api) { //nolint:errorlint // nothing is around it
		return c.denied(api)
	}
	return public
}

// denied returns the error of a request, as a [*PermissionError] if a permission is missing.
func (c *Client) denied(api *APIError) error {
	d, missing := denial.Of(api)
	resource := cmp.Or(d.Resource, api.Resource)
	switch {
	case !missing:
		return api
	case c.region == "":
		return &PermissionError{Permission: d.Permission, Resource: resource, Principal: d.Principal, Err: api, namespace: c.project}
	}
	return c.lacking(d.Permission, resource, cmp.Or(d.Principal, c.principal()), api)
}

// imageCheck returns the digest of an image, such as "sha256:…".
type imageCheck = func(ctx context.Context, image string) (digest string, err error)

// imageError is the error of an image that could not be read.
func (c *Client) imageError(image string, err error) error {
	if errors.Is(err, grant.ErrImageDenied) && c.region != "" {
		return c.lacking(grant.ReadImage, cmp.Or(grant.Repository(image), image), c.principal(), err)
	}
	return fmt.Errorf("read the image %.300q: %w", image, err)
}

// checkImages returns what is wrong with the images of containers, and which could not be read.
func (c *Client) checkImages(ctx context.Context, check, otherwise imageCheck, containers []corev1.Container) (problems []error, unchecked []string) {
	if check == nil {
		check = otherwise
	}
	for _, container := range containers {
		if check == nil {
			unchecked = append(unchecked, fmt.Sprintf("the image %.300q: pass CheckImage to have it read", container.Image))
		} else if _, err := check(ctx, container.Image); err != nil {
			problems = append(problems, c.imageError(container.Image, err))
		}
	}
	return problems, unchecked
}

// pinImages replaces the images that options set by those with a digest.
func (c *Client) pinImages(ctx context.Context, pins spec.Pins, options *edits.Set, s *servingv1.Service) error {
	err := pins.Apply(ctx, options, &s.Spec.Template.Spec.PodSpec)
	if failed, ok := asType[*spec.ImageError](err); ok {
		return &once.StepError{Step: once.StepRead, Err: c.imageError(failed.Image, failed.Err)}
	}
	return err
}

// apiURL returns the base URL of another API of Google, such as "logging".
func (c *Client) apiURL(api string) string {
	if c.google == "" {
		return c.regional
	}
	return "https://" + api + "." + c.google
}

// ask sends a request that changes nothing to one of Google's APIs.
func (c *Client) ask(ctx context.Context, api, method, path, resource string, body []byte) ([]byte, error) {
	base := c.apiURL(api)
	if api == preflight.APIRun {
		base = c.global
	}
	return c.read(ctx, rest.Request{Op: "check permissions", Resource: resource, Method: method, URL: base + path, Body: body})
}

type withPrincipal struct {
	internaloption.EmbeddableAdapter
	member string
}

// WithPrincipal names the account in use, such as
// "serviceAccount:ci@p.iam.gserviceaccount.com", for the errors of missing
// permissions. The name is known without it for the key of a service account, for
// credentials of a file that impersonate one, and on Compute Engine, Cloud Run and Cloud
// Build, where the metadata server is asked after the first refusal. It is not for a token source or
// an HTTP client of the program, and for most users.
func WithPrincipal(member string) option.ClientOption { return &withPrincipal{member: member} }

// principalOf returns a function that names the owner of the credentials that the
// options bring; empty if they do not say. It reads them when it is first called, and
// asks the metadata server about those of a machine.
func principalOf(ctx context.Context, hc *http.Client, opts []option.ClientOption) (func() string, error) {
	for _, o := range slices.Backward(opts) {
		if named, ok := o.(*withPrincipal); ok {
			return func() string { return named.member }, checkPrincipal(named.member)
		}
	}
	ctx = context.WithoutCancel(ctx)
	return sync.OnceValue(func() string {
		if slices.ContainsFunc(opts, hidesPrincipal) {
			return ""
		}
		if again, _, err := htransport.NewClient(ctx, opts...); err != nil || again == hc {
			return "" // the client is the caller's own, with credentials of its own
		}
		creds, err := transport.Creds(ctx, opts...)
		if err != nil {
			return ""
		}
		if sender, ok := hc.Transport.(*oauth2.Transport); ok && len(creds.JSON) == 0 {
			return machine.Account(ctx, sender.Source, nil)
		}
		return principal.Of(creds.JSON)
	}), nil
}

func checkPrincipal(member string) error {
	if err := policy.CheckMember(member); err != nil {
		return fmt.Errorf("WithPrincipal(%.100q): %w", member, err)
	}
	return nil
}

// hidesPrincipal reports whether an option makes the client use other credentials
// than those that transport.Creds returns.
func hidesPrincipal(o option.ClientOption) bool {
	if o == option.WithoutAuthentication() {
		return true
	}
	//lint:ignore SA1019 programs that use the deprecated option exist
	impersonates := reflect.TypeOf(o) == reflect.TypeOf(option.ImpersonateCredentials("")) //nolint:staticcheck // as above
	isSource := reflect.TypeOf(o) == reflect.TypeOf(option.WithTokenSource(nil))           // it is the program's own
	return impersonates || isSource || reflect.TypeOf(o) == reflect.TypeOf(option.WithAPIKey(""))
}

// OrgPolicyError is returned when an organization policy forbids the members of a
// binding, usually allUsers under "domain restricted sharing".
type OrgPolicyError struct {
	// Members are the members that the call tried to add, such as "allUsers".
	Members []string
	// Resource is the full name of the resource, such as "projects/p/locations/r/services/s".
	Resource string
	// Err is the error of the request.
	Err error
}

// Error names the members, the resource and what to do.
func (e *OrgPolicyError) Error() string {
	return fmt.Sprintf("an organization policy forbids %s on %s: ask for an exception to the policy, or disable the invoker IAM check instead: %v",
		strings.Join(e.Members, ", "), e.Resource, e.Err)
}

// Unwrap returns the error of the request.
func (e *OrgPolicyError) Unwrap() error { return e.Err }
