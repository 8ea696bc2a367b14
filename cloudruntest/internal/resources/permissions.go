package resources

import (
	"fmt"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

const (
	// actAs is the permission to use a service account, as Cloud Run spells it.
	actAs = "iam.serviceaccounts.actAs"
	// readImage is the permission to read images.
	readImage = "artifactregistry.repositories.downloadArtifacts"
	// AccessSecret is the permission to read the value of a secret.
	AccessSecret = "secretmanager.versions.access"
)

// Permissions are what the caller may do. The caller of its methods holds the
// store's lock.
type Permissions struct {
	cluster  bool
	denied   map[string]bool // in lower case, because Cloud Run's messages spell some permissions so
	noPublic bool
}

// NewPermissions returns Permissions that allow everything.
func NewPermissions(cluster bool) *Permissions {
	return &Permissions{cluster: cluster, denied: map[string]bool{}}
}

// Deny takes permissions from the caller.
func (p *Permissions) Deny(permissions ...string) {
	for _, name := range permissions {
		p.denied[strings.ToLower(name)] = true
	}
}

// Grant gives denied permissions back.
func (p *Permissions) Grant(permissions ...string) {
	for _, name := range permissions {
		delete(p.denied, strings.ToLower(name))
	}
}

// ForbidPublic sets the organization policy against allUsers in IAM policies.
func (p *Permissions) ForbidPublic(forbid bool) { p.noPublic = forbid }

// Has reports whether the caller has a permission.
func (p *Permissions) Has(permission string) bool { return !p.denied[strings.ToLower(permission)] }

// Check returns an error if the caller lacks a permission on a resource.
func (p *Permissions) Check(permission, resource string) *apierror.Error {
	if p.Has(permission) {
		return nil
	}
	if p.cluster {
		part := strings.Split(permission+"..", ".") // run.services.get
		return &apierror.Error{Code: 403, Reason: "Forbidden", Kind: part[1], Message: fmt.Sprintf(
			"%s.serving.knative.dev is forbidden: User %q cannot %s resource %q in API group \"serving.knative.dev\" on %s", part[1], Caller, part[2], part[1], resource)}
	}
	return apierror.Forbidden(permission, resource)
}

// CheckAccount returns an error if the caller may not use the service account of a Service.
func (p *Permissions) CheckAccount(doc tree.Object) *apierror.Error {
	if p.Has(actAs) {
		return nil
	}
	e := apierror.Forbidden(actAs, "")
	e.Message = fmt.Sprintf("Permission '%s' denied on service account %s (or it may not exist).", actAs,
		tree.Text(tree.At(doc, "spec", "template", "spec"), "serviceAccountName"))
	return e
}

// CheckImages returns an error if the caller may not read the images of a Service.
// Cloud Run has checked that since 2025.
func (p *Permissions) CheckImages(doc tree.Object) *apierror.Error {
	if p.cluster || p.Has(readImage) {
		return nil
	}
	e := apierror.Forbidden(readImage, "")
	for _, c := range tree.Objects(tree.At(doc, "spec", "template", "spec"), "containers") {
		e.Message = fmt.Sprintf("User must have permission to read the image, %s. Ensure that the provided container image URL is correct and that the above account "+
			"has permission to access the image. If you just enabled the Cloud Run API, the permissions might take a few minutes to propagate.", tree.Text(c, "image"))
	}
	return e
}

// CheckPublic returns an error if a policy breaks the organization policy.
func (p *Permissions) CheckPublic(policy tree.Object, resource string) *apierror.Error {
	if !p.noPublic {
		return nil
	}
	for _, b := range tree.Objects(policy, "bindings") {
		if grantsTo(b, "allUsers") || grantsTo(b, "allAuthenticatedUsers") {
			return publicForbidden(resource)
		}
	}
	return nil
}

func publicForbidden(resource string) *apierror.Error {
	e := apierror.Precondition("One or more users named in the policy do not belong to a permitted customer,  perhaps due to an organization policy.")
	e.Details = []any{tree.Object{
		"@type": "type.googleapis.com/google.rpc.PreconditionFailure",
		"violations": []any{tree.Object{
			"type":        "constraints/iam.allowedPolicyMemberDomains",
			"subject":     "orgpolicy:" + resource + "?configvalue=" + "allUsers",
			"description": "User allUsers is not in permitted organization.",
		}},
	}}
	return e
}
