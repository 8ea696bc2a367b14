package cloudrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/policy"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

const (
	roleInvoker = "roles/run.invoker"
	allUsers    = "allUsers"

	permissionGetPolicy = "run.services.getIamPolicy"
	permissionSetPolicy = "run.services.setIamPolicy"
)

// ErrNoBinding is matched by the error of [RemoveMember] when the member does
// not have the role under the condition given, so that there is nothing to remove.
var ErrNoBinding = errors.New("the IAM policy has no such binding")

// MakePublic lets everybody call a Service: it gives allUsers the role
// roles/run.invoker. It writes nothing if that is so already, and loses nothing
// else that the policy holds, whoever changes it at the same time.
//
// The error is an [OrgPolicyError] if an organisation policy forbids this, and a
// [PermissionError] if the account in use may not read or write the policy.
func MakePublic(ctx context.Context, client *Client, name string) error {
	return policyWrite{client: client, op: "make public service", name: name, edit: publicAccess(true).edit}.run(ctx)
}

// MakePrivate undoes [MakePublic]: it takes the role roles/run.invoker from
// allUsers, and writes nothing if they do not have it. What other members have,
// allAuthenticatedUsers among them, and what allUsers have under a condition,
// stays. The errors are those of MakePublic.
func MakePrivate(ctx context.Context, client *Client, name string) error {
	return policyWrite{client: client, op: "make private service", name: name, edit: publicAccess(false).edit}.run(ctx)
}

// IsPublic reports whether everybody can call a Service: whether its policy
// gives allUsers the role roles/run.invoker without a condition. It does not
// see what else decides: a Service with its invoker IAM check switched off is
// open to all too, and its ingress setting may keep the internet out.
func IsPublic(ctx context.Context, client *Client, name string) (bool, error) {
	p, err := client.GetPolicy(ctx, name)
	if err != nil {
		return false, err
	}
	return p.Has(roleInvoker, allUsers, nil), nil
}

// access is who may call a Service, as far as a deployment decides it.
type access struct {
	public *bool  // nil leaves that as it is
	proxy  string // the member that Identity-Aware Proxy is; empty leaves that as it is
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

// WithCondition names the binding with a condition: [AddMember] gives the role
// under it, [RemoveMember] takes only what was given under it. Conditions are
// the same if title, description and expression are. IAM requires a title and an expression.
func WithCondition(condition BindingCondition) MemberOption {
	var err error
	if condition.Title == "" || condition.Expression == "" {
		err = errors.New("a condition must have a title and an expression")
	}
	return onMember(edits.Configures(edits.Spell("WithCondition", condition.Title), "the condition of the binding", fmt.Sprintf("%q", condition), err,
		func(c *memberConfig) { c.condition = &condition }))
}

// AddMember gives a role on a Service to a member, such as "roles/run.invoker"
// to "user:ann@example.com". It writes nothing if the member has it already.
// Without [WithCondition] the role is given unconditionally, and never added to
// a binding that has a condition. The errors are those of [MakePublic].
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

// RemoveMember takes a role on a Service from a member. Without [WithCondition]
// only what was given unconditionally is taken. A member that does not have the
// role is an error that matches [ErrNoBinding]; nothing is written then. The
// other errors are those of [MakePublic].
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

// GetPolicy reads the IAM policy of a Service. To change it use
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
	p, err := rest.Decode[Policy](raw)
	if err != nil {
		return nil, c.unreadablePolicy(name, err)
	}
	return p, nil
}

func (c *Client) unreadablePolicy(name string, err error) error {
	return fmt.Errorf("get IAM policy %s: %w", c.resource(kindServices, name), err)
}

// UpdatePolicy reads the IAM policy of a Service, has edit change its bindings,
// and writes it back without losing anything: conditions, audit configs and
// unknown fields stay as they are. An edit that changes nobody's roles writes
// nothing. Unlike those of [AddMember], the roles and members of edit are left
// to the server to check.
//
// When somebody else changed the policy in between, it is read and edited
// again, so edit may be called several times, each time on a fresh copy. So it
// is when an answer is lost. The write carries the etag of the policy that was
// edited, so it never takes effect on another.
//
// The error is edit's own, or one of those of [MakePublic].
func (c *Client) UpdatePolicy(ctx context.Context, name string, edit func(*Policy) error) error {
	return policyWrite{client: c, op: "update IAM policy of service", name: name, edit: edit}.run(ctx)
}

// TestPermissions tells which of some permissions, such as
// "run.services.setIamPolicy", the account in use has on a Service.
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
	answer, err := rest.Decode[struct {
		Permissions []string `json:"permissions"`
	}](raw)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", op, r.Resource, err)
	}
	return answer.Permissions, nil
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
	raw, err := c.read(ctx, c.iamRequest("get IAM policy", name, http.MethodGet, ":getIamPolicy?options.requestedPolicyVersion=3", nil))
	if err != nil {
		return nil, iamError(err, permissionGetPolicy, nil)
	}
	return raw, nil
}
