package control

import (
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

func resourceName(t Target) string {
	return "projects/" + t.Project.Name() + "/locations/" + t.Region + "/services/" + t.Name
}

func (p *Plane) policyOwner(c Call, permission string) (*store.Service, *apierror.Error) {
	if err := p.Permissions.Check(permission, resourceName(c.Target)); err != nil {
		return nil, err
	}
	if sv := p.find(c.Target, c.Now); sv != nil {
		return sv, nil
	}
	return nil, p.missing("SERVICE", c.Target)
}

// GetPolicy returns the IAM policy of a Service in a policy version.
func (p *Plane) GetPolicy(c Call, version int) (tree.Object, *apierror.Error) {
	sv, err := p.policyOwner(c, "run.services.getIamPolicy")
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]int{0, 1, 3}, version) {
		return nil, apierror.Invalid("Requested policy version must be one of 0, 1 or 3.")
	}
	policy := sv.Policy
	if c.Stale {
		policy = sv.PreviousPolicy
	}
	return resources.ShownPolicy(policy, version), nil
}

// SetPolicy sets the IAM policy of a Service.
func (p *Plane) SetPolicy(c Call) (tree.Object, *apierror.Error) {
	sv, err := p.policyOwner(c, "run.services.setIamPolicy")
	if err != nil {
		return nil, err
	}
	request, decodeErr := tree.Decode(c.Body)
	policy, ok := request["policy"].(tree.Object)
	if decodeErr != nil || !ok {
		return nil, apierror.Invalid("Invalid JSON payload received. The request must contain a policy.")
	}
	if err := resources.CheckPolicy(sv.Policy, policy); err != nil {
		return nil, err
	}
	if err := p.Permissions.CheckPublic(policy, resourceName(c.Target)); err != nil {
		return nil, err
	}
	sv.PreviousPolicy, sv.Policy = sv.Policy, resources.StoredPolicy(policy)
	p.Store.Notify()
	p.Store.Record(store.Write{Kind: "setIamPolicy", Body: c.Body}, sv, c.Now)
	return sv.Policy, nil
}

// GrantedPolicy returns the policy of a secret or of a project. That of a secret
// lets everybody read it, unless nobody may.
func (p *Plane) GrantedPolicy(permission, resource string) (tree.Object, *apierror.Error) {
	if err := p.Permissions.Check(permission, resource); err != nil {
		err.Details = []any{tree.Object{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED",
			"domain": "iam.googleapis.com", "metadata": tree.Object{"resource": resource, "permission": permission}}}
		return nil, err
	}
	policy := tree.Object{"version": 1, "etag": "BwYAAAAAAAA="}
	if strings.Contains(resource, "/secrets/") && p.Permissions.Has(resources.AccessSecret) {
		policy["bindings"] = []any{tree.Object{"role": "roles/secretmanager.secretAccessor", "members": []any{"allAuthenticatedUsers"}}}
	}
	return policy, nil
}

// TestPermissions returns those of the requested permissions that the caller has.
func (p *Plane) TestPermissions(c Call) (tree.Object, *apierror.Error) {
	request, err := tree.Decode(c.Body)
	if err != nil {
		return nil, apierror.Invalid("Invalid JSON payload received.")
	}
	held := []any{}
	for _, name := range tree.Texts(request, "permissions") {
		if p.Permissions.Has(name) {
			held = append(held, name)
		}
	}
	if len(held) == 0 {
		return tree.Object{}, nil
	}
	return tree.Object{"permissions": held}, nil
}
