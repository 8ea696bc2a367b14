package cloudrun

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// policyUpdate writes an IAM policy once, whatever happens to the requests: it
// reads, edits and writes, and does so again after a conflict or a lost answer.
// The etag makes each write conditional on the policy that was edited. If the
// lost one took effect, the edit has nothing left to change.
type policyUpdate struct {
	client *Client
	op     string
	name   string
	mode   policyMode
	edit   func(*Policy) error

	lost error // the failure of the last write whose answer was lost
}

// policyMode is how a deployment differs from a call that is about the policy alone.
type policyMode struct {
	fresh         bool // the Service was created a moment ago: the servers of IAM may not know it yet
	versionAsRead bool // the policy's version is not raised without need
	newAgent      bool // a member may be the account of a Google service, which is made when it is first used
}

// updatePolicy edits the policy of a Service. The error is a [*DeployError],
// which says whether anything was written.
func (c *Client) updatePolicy(ctx context.Context, op, name string, mode policyMode, edit func(*Policy) error) error {
	if err := c.checkIAM(op, name); err != nil {
		return err
	}
	if edit == nil {
		return fmt.Errorf("%s %q: the edit is nil", op, name)
	}
	u := &policyUpdate{client: c, op: op, name: name, mode: mode, edit: edit}
	return u.run(ctx)
}

func (u *policyUpdate) run(ctx context.Context) error {
	err := u.client.writeAnew(ctx, newPolicyPauses(u.mode).after, func() error { return u.try(ctx) })
	if err != nil {
		return u.failure(err)
	}
	return nil
}

// try reads, edits and writes once.
func (u *policyUpdate) try(ctx context.Context) error {
	p, err := u.client.readPolicy(ctx, u.name)
	if err != nil {
		return err
	}
	before := p.grants()
	if err := u.edit(p); err != nil {
		return err
	}
	after := p.grants()
	if maps.Equal(before, after) {
		return nil
	}
	err = u.client.writePolicy(ctx, u.name, p, u.mode.versionAsRead)
	switch {
	case err == nil:
		return nil
	case apierrors.IsConflict(err):
		return &retryError{errConflict, err}
	case outcomeOf(err) == WriteUnknown:
		u.lost = err
		return &retryError{errLost, err}
	}
	return iamError(err, permissionSetPolicy, touched(before, after))
}

// failure tells what a failed update may have written.
func (u *policyUpdate) failure(err error) error {
	return writeFailure(u.op, u.name, StagePublish, err, u.lost)
}

// policyPauses says how long to wait before a policy is updated anew.
type policyPauses struct {
	*pauses
	births backoff.BackOff // of a Service that IAM does not know yet
	agents backoff.BackOff // of the account of a Google service
}

func newPolicyPauses(mode policyMode) *policyPauses {
	p := &policyPauses{pauses: newPauses(), births: &backoff.StopBackOff{}, agents: &backoff.StopBackOff{}}
	if mode.newAgent {
		p.agents = backoff.WithMaxRetries(backoff.NewConstantBackOff(15*time.Second), 10)
	}
	if mode.fresh {
		p.births = backoff.NewExponentialBackOff(backoff.WithInitialInterval(200*time.Millisecond),
			backoff.WithMaxInterval(time.Second), backoff.WithMaxElapsedTime(birth))
	}
	return p
}

// after is the pause after a failure; backoff.Stop if that is final.
func (p *policyPauses) after(err error) time.Duration {
	if isMissing(err) {
		return p.births.NextBackOff()
	}
	if api, ok := asType[*APIError](err); ok && api.StatusCode() == http.StatusBadRequest && strings.Contains(err.Error(), "does not exist") {
		return p.agents.NextBackOff()
	}
	return p.pauses.after(err)
}

// iamError tells a missing permission and a forbidding organisation policy from
// other refusals. The members are those whom such a policy may forbid.
func iamError(err error, permission string, members []string) error {
	api, ok := asType[*APIError](err)
	switch {
	case !ok || api.notAPI():
		return err
	case api.StatusCode() == http.StatusForbidden && lacksPermission(api):
		return &PermissionError{Permission: namedPermission(api, permission), Resource: api.Resource, Err: err}
	case len(members) > 0 && forbiddenByOrganization(api):
		return &OrgPolicyError{Members: members, Resource: api.Resource, Err: err}
	}
	return err
}

// lacksPermission tells a 403 for want of a permission from one for another
// reason, such as an API that is not enabled, which the server then names.
func lacksPermission(e *APIError) bool {
	reason, _ := errorInfo(e)
	return reason == "" || reason == "IAM_PERMISSION_DENIED"
}

var permissionRE = regexp.MustCompile(`(?i)permission '?([a-z]+(?:\.[a-z]+){2,})`)

// namedPermission is the permission that the server says is missing, or the one that is known to be needed.
func namedPermission(e *APIError, needed string) string {
	_, metadata := errorInfo(e)
	if named, ok := metadata["permission"].(string); ok && named != "" {
		return printable(named, 200)
	}
	if m := permissionRE.FindStringSubmatch(e.err.Message); m != nil {
		return m[1]
	}
	return needed
}

// forbiddenByOrganization reports whether a constraint of an organisation
// policy refused a write. Some servers tell by the message alone, others by one
// of two kinds of details, so the whole body is looked through.
func forbiddenByOrganization(e *APIError) bool {
	if e.StatusCode() != http.StatusBadRequest && e.StatusCode() != http.StatusPreconditionFailed {
		return false
	}
	text := strings.ToLower(e.err.Body)
	return slices.ContainsFunc([]string{"permitted customer", "organization policy", "org policy", "org_policy", "constraints/iam."},
		func(sign string) bool { return strings.Contains(text, sign) })
}

// errorInfo is the google.rpc.ErrorInfo of an answer; empty if it has none.
func errorInfo(e *APIError) (reason string, metadata map[string]any) {
	for _, detail := range e.err.Details {
		fields, _ := detail.(map[string]any)
		if kind, _ := fields["@type"].(string); strings.HasSuffix(kind, "google.rpc.ErrorInfo") {
			reason, _ = fields["reason"].(string)
			metadata, _ = fields["metadata"].(map[string]any)
			return reason, metadata
		}
	}
	return "", nil
}
