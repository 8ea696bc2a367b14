package cloudrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/denial"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/policy"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

const (
	roleInvoker = "roles/run.invoker"
	allUsers    = "allUsers"
)

// ErrNoBinding is matched by the error of [RemoveMember] when the member does
// not have the role under the given condition, so there is nothing to remove.
var ErrNoBinding = errors.New("the IAM policy has no such binding")

// MakePublic grants the role roles/run.invoker on a Service to allUsers, so that
// everybody is allowed to call it. It is a no-op if the binding already exists.
// Other bindings are preserved, including concurrent changes.
//
// The error wraps an [OrgPolicyError] if an organization policy forbids this, and
// a [PermissionError] if the account in use is not allowed to read or write the policy.
func MakePublic(ctx context.Context, client *Client, name string) error {
	return policyWrite{client: client, op: "make public service", name: name, edit: publicAccess(true).edit}.run(ctx)
}

// MakePrivate revokes the role roles/run.invoker on a Service from allUsers. It is
// a no-op if they do not have it. It keeps the roles of other members, including
// allAuthenticatedUsers, and what allUsers have under a condition. The errors are
// those of [MakePublic].
func MakePrivate(ctx context.Context, client *Client, name string) error {
	return policyWrite{client: client, op: "make private service", name: name, edit: publicAccess(false).edit}.run(ctx)
}

// IsPublic reports whether the policy of a Service grants allUsers the role
// roles/run.invoker without a condition. Other settings decide as well: a Service
// without the invoker IAM check is open to all too, and the ingress setting can
// keep the internet out.
func IsPublic(ctx context.Context, client *Client, name string) (bool, error) {
	p, err := client.GetPolicy(ctx, name)
	if err != nil {
		return false, err
	}
	return p.Has(roleInvoker, allUsers, nil), nil
}

// access is what a deployment changes about who is allowed to call a Service.
type access struct {
	public *bool  // nil for no change
	proxy  string // the member for Identity-Aware Proxy; empty for no change
}

func (a access) isEmpty() bool { return a.public == nil && a.proxy == "" }

func publicAccess(public bool) access { return access{public: &public} }

func (a access) edit(p *Policy) error {
	if a.proxy != "" {
		p.Add(roleInvoker, a.proxy, nil)
	}
	switch {
	case a.public == nil:
	case *a.public:
		p.Add(roleInvoker, allUsers, nil)
	default:
		p.Remove(roleInvoker, allUsers, nil)
	}
	return nil
}

// memberConfig configures a change of who has a role.
type memberConfig struct{ condition *BindingCondition }

// WithCondition selects the binding with a condition. [AddMember] grants the role
// under it, and [RemoveMember] revokes only what was granted under it. Two
// conditions are equal if their titles, descriptions and expressions are. IAM
// requires a title and an expression.
func WithCondition(condition BindingCondition) MemberOption {
	var err error
	if condition.Title == "" || condition.Expression == "" {
		err = errors.New("a condition must have a title and an expression")
	}
	return onMember(edits.Configures(edits.Spell("WithCondition", condition.Title), "the condition of the binding", fmt.Sprintf("%q", condition), err,
		func(c *memberConfig) { c.condition = &condition }))
}

// AddMember grants a role on a Service to a member, such as "roles/run.invoker"
// to "user:ann@example.com". It is a no-op if the member already has the role.
// Without [WithCondition] the grant is unconditional, and is never added to a
// binding with a condition. The errors are those of [MakePublic].
func AddMember(ctx context.Context, client *Client, name, role, member string, opts ...MemberOption) error {
	cfg, err := memberOptions(role, member, opts)
	if err != nil {
		return fmt.Errorf("add IAM member: %w", err)
	}
	return policyWrite{client: client, op: "add IAM member to service", name: name, edit: func(p *Policy) error {
		p.Add(role, member, cfg.condition)
		return nil
	}}.run(ctx)
}

// RemoveMember revokes a role on a Service from a member. Without [WithCondition]
// only the unconditional grant is revoked. If the member does not have the role,
// the error matches [ErrNoBinding] and nothing is written. The other errors are
// those of [MakePublic].
func RemoveMember(ctx context.Context, client *Client, name, role, member string, opts ...MemberOption) error {
	cfg, err := memberOptions(role, member, opts)
	if err != nil {
		return fmt.Errorf("remove IAM member: %w", err)
	}
	found := false // in any of the tries: after a lost answer the last one finds nothing left to remove
	err = policyWrite{client: client, op: "remove IAM member from service", name: name, edit: func(p *Policy) error {
		found = p.Remove(role, member, cfg.condition) || found
		return nil
	}}.run(ctx)
	if err == nil && !found {
		return fmt.Errorf("remove %s of %s from %s: %w", member, role, client.resource(kindServices, name), ErrNoBinding)
	}
	return err
}

func memberOptions(role, member string, opts []MemberOption) (memberConfig, error) {
	options, err := collect(edits.Of(opts))
	return edits.Configure(options, memberConfig{}), errors.Join(policy.CheckRole(role), policy.CheckMember(member), err)
}

// GetPolicy reads the IAM policy of a Service. To change it, use
// [Client.UpdatePolicy]. The error of a Service that does not exist satisfies
// IsNotFound of k8s.io/apimachinery/pkg/api/errors; a missing permission is a
// [PermissionError]. On a cluster it fails with [ErrNotOnCluster].
func (c *Client) GetPolicy(ctx context.Context, name string) (*Policy, error) {
	if err := c.checkIAM("get IAM policy of service", name); err != nil {
		return nil, err
	}
	raw, err := c.readPolicy(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := checkPolicy(raw); err != nil {
		return nil, c.unreadablePolicy(name, err)
	}
	p, err := rest.Decode[Policy](raw)
	if err != nil {
		return nil, c.unreadablePolicy(name, err)
	}
	return p, nil
}

func (c *Client) unreadablePolicy(name string, err error) error {
	return fmt.Errorf("get IAM policy %s: %w", c.resource(kindServices, name), err)
}

// UpdatePolicy reads the IAM policy of a Service, calls edit to change its
// bindings, and writes it back. Conditions, audit configs and unknown fields are
// preserved. If edit changes nobody's roles, nothing is written. Unlike those of
// [AddMember], the roles and members of edit are checked by the server only.
//
// After a conflict with a concurrent change, and after a lost response, the
// policy is read and edited again, so edit may be called several times, each time
// on a fresh copy. The write carries the etag of the policy that was edited, so
// it cannot overwrite another one.
//
// The error wraps edit's own, or is one of those of [MakePublic].
func (c *Client) UpdatePolicy(ctx context.Context, name string, edit func(*Policy) error) error {
	return policyWrite{client: c, op: "update IAM policy of service", name: name, edit: edit}.run(ctx)
}

// TestPermissions returns those of the permissions, such as
// "run.services.setIamPolicy", that the account in use has on a Service.
// On a cluster it fails with [ErrNotOnCluster].
func (c *Client) TestPermissions(ctx context.Context, name string, permissions ...string) ([]string, error) {
	const op = "test IAM permissions on service"
	if err := c.checkIAM(op, name); err != nil {
		return nil, err
	}
	if len(permissions) == 0 {
		return nil, fmt.Errorf("%s: no permissions are given", op)
	}
	body, err := json.Marshal(map[string][]string{"permissions": permissions})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	r := c.iamRequest(op, name, http.MethodPost, ":testIamPermissions", body)
	raw, err := c.read(ctx, r) // a POST that changes nothing
	if err != nil {
		return nil, err
	}
	held, err := policy.Permissions(raw, permissions)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", op, r.Resource, notFromIAM(err))
	}
	return held, nil
}

// checkIAM checks what can be checked of an IAM call before anything is sent.
func (c *Client) checkIAM(op, name string) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("%s %q: %w", op, name, err)
	}
	if c.region == "" {
		return fmt.Errorf("%s %q: %w", op, name, ErrNotOnCluster)
	}
	if err := c.checkService(name); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

func (c *Client) iamRequest(op, name, method, verb string, body []byte) rest.Request {
	return rest.Request{
		Op: op, Resource: c.resource(kindServices, name), Method: method, Body: body,
		URL: c.global + "/v1/projects/" + url.PathEscape(c.project) + "/locations/" + url.PathEscape(c.region) +
			"/services/" + url.PathEscape(name) + verb,
	}
}

// readPolicy reads the policy of a Service as the server has it.
func (c *Client) readPolicy(ctx context.Context, name string) ([]byte, error) {
	r := c.iamRequest("get IAM policy", name, http.MethodGet, ":getIamPolicy?options.requestedPolicyVersion=3", nil)
	r.Permission = grant.GetServicePolicy
	return c.read(ctx, r)
}

// classifyPolicy says what an error of IAM means for a write. A Service that
// does not exist has no policy to create.
func classifyPolicy(err error) once.Class {
	if class := classify(err); class != once.Missing && class != once.Exists {
		return class
	}
	return once.Refused
}

// policyError returns the error of a write of a policy, with a type of its own if an
// organization policy forbids the members.
func policyError(err error, members []string) error {
	api, ok := asType[*APIError](err)
	if ok && len(members) > 0 && denial.ByOrganization(err) {
		return &OrgPolicyError{Members: members, Resource: api.Resource, Err: err}
	}
	return err
}

// isYoung reports whether a Service was created moments ago. Whoever created it,
// the servers of IAM may not know it yet.
func (c *Client) isYoung(ctx context.Context, name string) bool {
	s, err := c.GetService(ctx, name)
	return err == nil && time.Since(s.CreationTimestamp.Time) < serviceYouth
}

// publish updates the IAM policy, unless the call leaves it alone.
func publish(ctx context.Context, client *Client, name string, serviceIsNew bool, a access, report *reporter) error {
	if a.isEmpty() {
		return nil
	}
	ctx, end := report.stage(ctx, StagePublish)
	err := policyWrite{
		client: client, op: "set who is allowed to call service", name: name, edit: a.edit,
		serviceIsNew: serviceIsNew, serviceAgentIsNew: a.proxy != "", keepVersion: true,
	}.write(ctx)
	if failure, ok := asType[*once.Failure](err); ok {
		err = failure.Err // the call's own error has the rest
	}
	end(err)
	return err
}

// access returns what becomes of the IAM policy after a write. A new Service is private.
func (c *deployConfig) access(w written) access {
	a := access{public: c.public}
	if w.created && a.public != nil && !*a.public {
		a.public = nil
	}
	if c.iap {
		a.proxy = "serviceAccount:service-" + w.doc.service.Namespace + "@gcp-sa-iap.iam.gserviceaccount.com"
	}
	return a
}
