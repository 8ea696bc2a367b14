package cloudrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun/internal/denial"
	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/policy"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// Policy is the IAM policy of a Service. Its bindings can be read and changed.
// The rest (the etag, audit configs, fields that this library does not know) is
// preserved, and is visible only in the JSON encoding of the policy.
type Policy struct {
	// Bindings grant roles to members. A binding without members is dropped when
	// the policy is written.
	Bindings []Binding

	raw []byte // as the server sent it
}

// Binding grants a role to members.
type Binding struct {
	// Role is a role such as "roles/run.invoker".
	Role string `json:"role"`
	// Members are members such as "user:ann@example.com" or "allUsers".
	Members []string `json:"members"`
	// Condition restricts the binding; nil for an unconditional one.
	Condition *BindingCondition `json:"condition,omitempty"`
}

// BindingCondition restricts a [Binding], such as to a span of time.
type BindingCondition struct {
	// Title names the condition; IAM requires one.
	Title string `json:"title,omitempty"`
	// Description is for people; it may be empty.
	Description string `json:"description,omitempty"`
	// Expression is the condition, in the Common Expression Language.
	Expression string `json:"expression"`
}

// Has reports whether a member has a role under exactly this condition. Nil is
// for an unconditional grant.
func (p *Policy) Has(role, member string, condition *BindingCondition) bool {
	return slices.ContainsFunc(p.Bindings, func(b Binding) bool {
		return b.is(role, condition) && b.has(member)
	})
}

// Add grants a role to a member under exactly this condition, and reports whether
// that is a change. It extends the binding of the same role and condition if
// there is one. An unconditional grant is never added to a conditional binding.
func (p *Policy) Add(role, member string, condition *BindingCondition) bool {
	if p.Has(role, member, condition) {
		return false
	}
	for i, b := range p.Bindings {
		if b.is(role, condition) {
			p.Bindings[i].Members = append(slices.Clip(b.Members), member)
			return true
		}
	}
	b := Binding{Role: role, Members: []string{member}}
	if condition != nil {
		c := *condition
		b.Condition = &c
	}
	p.Bindings = append(p.Bindings, b)
	return true
}

// Remove revokes a role from a member under exactly this condition, and reports
// whether that is a change. Grants of the role under other conditions are kept. A
// binding without members is dropped.
func (p *Policy) Remove(role, member string, condition *BindingCondition) bool {
	if !p.Has(role, member, condition) {
		return false
	}
	var kept []Binding
	for _, b := range p.Bindings {
		if b.is(role, condition) {
			b.Members = b.without(member)
		}
		if len(b.Members) > 0 {
			kept = append(kept, b)
		}
	}
	p.Bindings = kept
	return true
}

// MarshalJSON encodes the whole policy, with everything that the server sent.
func (p Policy) MarshalJSON() ([]byte, error) {
	bindings, err := json.Marshal(p.Bindings)
	if err != nil {
		return nil, err
	}
	return policy.Merge(p.raw, bindings)
}

// UnmarshalJSON decodes a policy and keeps everything in it.
func (p *Policy) UnmarshalJSON(raw []byte) error {
	encoded, err := policy.Bindings(raw)
	if err != nil {
		return fmt.Errorf("IAM policy: %w", err)
	}
	var bindings []Binding
	if len(encoded) > 0 {
		if err := json.Unmarshal(encoded, &bindings); err != nil {
			return fmt.Errorf("IAM policy: %w", err)
		}
	}
	p.Bindings, p.raw = bindings, slices.Clone(raw)
	return nil
}

func (b *Binding) is(role string, condition *BindingCondition) bool {
	if b.Role != role || b.Condition == nil || condition == nil {
		return b.Role == role && b.Condition == condition
	}
	return *b.Condition == *condition
}

func (b *Binding) has(member string) bool {
	return slices.ContainsFunc(b.Members, func(m string) bool { return policy.Fold(m) == policy.Fold(member) })
}

func (b *Binding) without(member string) []string {
	return slices.DeleteFunc(slices.Clone(b.Members), func(m string) bool { return policy.Fold(m) == policy.Fold(member) })
}

// policyWrite is one edit of the IAM policy of a Service. The etag makes each
// write conditional on the policy that was edited.
type policyWrite struct {
	client            *Client
	op, name          string
	edit              func(*Policy) error
	serviceIsNew      bool // the Service was created during this call, by whomever
	serviceAgentIsNew bool // Google creates the account of one of its services when it is first used
	keepVersion       bool // the version of the policy is raised only if it has to be
}

// run edits the policy. Its error is a [*DeployError], which reports whether anything was written.
func (w policyWrite) run(ctx context.Context) error {
	if err := w.client.checkIAM(w.op, w.name); err != nil {
		return err
	}
	if w.edit == nil {
		return fmt.Errorf("%s %q: the edit is nil", w.op, w.name)
	}
	if err := w.write(ctx); err != nil {
		return writeError(w.op, w.name, StagePublish, err)
	}
	return nil
}

// write edits the policy. Its error is a [*once.Failure].
func (w policyWrite) write(ctx context.Context) error {
	w.client = w.client.forCall(w.name, false)
	_, err := once.Writer[*policyDocument, composedPolicy]{
		Store: &policyStore{w.client, w.name}, Compose: w.compose, Holds: holdsPolicyWrite,
		Classify: classifyPolicy, Delay: rest.Delay, Patience: w.patience(ctx),
		Retrying: w.client.onRetry, Retries: &w.client.rest.Call.Retries,
	}.Run(ctx)
	return err
}

// compose edits the policy. An edit that changes nobody's roles changes nothing.
// What the edit cannot see comes from the base, whatever became of the Policy that it got.
func (w policyWrite) compose(_ context.Context, base *policyDocument) (composedPolicy, error) {
	p, err := rest.Decode[Policy](base.raw)
	if err != nil {
		return composedPolicy{}, &once.StepError{Step: once.StepRead, Err: err}
	}
	if err := w.edit(p); err != nil {
		return composedPolicy{}, err
	}
	raw, err := json.Marshal(Policy{Bindings: p.Bindings, raw: base.raw})
	if err != nil {
		return composedPolicy{}, fmt.Errorf("set IAM policy: %w", err)
	}
	after, err := policy.GrantsOf(raw)
	if err == nil && after.Equal(base.grants) {
		return composedPolicy{body: base.raw}, nil
	}
	if err == nil {
		raw, err = policy.SetRequest(raw, w.keepVersion)
	}
	if err != nil {
		return composedPolicy{}, fmt.Errorf("set IAM policy: %w", err)
	}
	return composedPolicy{body: raw, before: base.grants, after: after}, nil
}

const (
	// serviceSpread is how long a call waits until the servers of IAM know a new Service.
	serviceSpread = 5 * time.Second
	// serviceYouth is the age up to which a Service counts as new. Clocks may differ.
	serviceYouth = 30 * time.Second
)

// patience retries what passes soon after a Service or an account was created.
func (w policyWrite) patience(ctx context.Context) []once.Patience {
	isNew := sync.OnceValue(func() bool { return w.serviceIsNew || w.client.isYoung(ctx, w.name) })
	all := []once.Patience{patience(func(err error) bool { return apierrors.IsNotFound(err) && isNew() }, func() backoff.BackOff {
		return backoff.NewExponentialBackOff(backoff.WithInitialInterval(200*time.Millisecond),
			backoff.WithMaxInterval(time.Second), backoff.WithMaxElapsedTime(serviceSpread))
	})}
	if w.serviceAgentIsNew {
		all = append(all, patience(denial.UnknownMember, func() backoff.BackOff {
			return backoff.WithMaxRetries(backoff.NewConstantBackOff(15*time.Second), 10)
		}))
	}
	return all
}

// patience retries failures with pauses that begin with the first of them.
func patience(applies func(error) bool, pauses func() backoff.BackOff) once.Patience {
	begun := sync.OnceValue(pauses)
	return once.Patience{Applies: applies, Pause: func(error) time.Duration { return begun().NextBackOff() }}
}

// policyDocument is an IAM policy as the server sent it.
type policyDocument struct {
	raw    []byte
	etag   string
	grants policy.Grants
}

// newPolicyDocument reads a policy that can be edited: a write without an etag
// would overwrite concurrent changes.
func newPolicyDocument(raw []byte) (*policyDocument, error) {
	if err := checkPolicy(raw); err != nil {
		return nil, err
	}
	d := &policyDocument{raw: raw, etag: policy.Etag(raw)}
	if d.etag == "" {
		return nil, errNoEtag
	}
	var err error
	d.grants, err = policy.GrantsOf(raw)
	return d, err
}

// checkPolicy returns an error for a response that is not a policy.
func checkPolicy(raw []byte) error {
	if err := policy.Check(raw); err != nil {
		return notFromIAM(err)
	}
	return nil
}

func notFromIAM(err error) error {
	return fmt.Errorf("read the response: %w: %w: check the endpoint", ErrNotAPI, err)
}

var (
	errNoEtag      = errors.New("the IAM policy has no etag, so a write could overwrite a concurrent change: check the endpoint; policies of Cloud Run always have one")
	errOtherPolicy = errors.New("the response is not the IAM policy that was sent")
)

// Bytes returns the text that the server sent.
func (d *policyDocument) Bytes() []byte { return d.raw }

// Version returns the etag. A policy does not count its changes.
func (d *policyDocument) Version() once.Version { return once.Version{Resource: d.etag} }

// composedPolicy is what one edit of a policy came to.
type composedPolicy struct {
	body          []byte
	before, after policy.Grants
}

// Bytes returns the text to send.
func (c composedPolicy) Bytes() []byte { return c.body }

// holdsPolicyWrite reports whether a policy has everything that a write was to change.
func holdsPolicyWrite(_ *policyDocument, body composedPolicy, now *policyDocument) bool {
	return now.grants.Hold(body.before, body.after)
}

// policyStore reads and writes the policy of a Service.
type policyStore struct {
	client *Client
	name   string
}

func (s *policyStore) Read(ctx context.Context) (*policyDocument, error) {
	raw, err := s.client.readPolicy(ctx, s.name)
	if err != nil {
		return nil, err
	}
	d, err := newPolicyDocument(raw)
	if err != nil {
		return nil, s.client.unreadablePolicy(s.name, err)
	}
	return d, nil
}

// Create is never called: every Service has a policy.
func (s *policyStore) Create(ctx context.Context, body composedPolicy) (*policyDocument, error) {
	return s.Replace(ctx, nil, body)
}

// Replace sets the policy. A response that is not the policy as it was sent,
// under a new etag, leaves open whether the write took effect.
func (s *policyStore) Replace(ctx context.Context, base *policyDocument, body composedPolicy) (*policyDocument, error) {
	r := s.client.iamRequest("set IAM policy", s.name, http.MethodPost, ":setIamPolicy", body.body)
	r.Permission = grant.SetServicePolicy
	raw, err := s.client.write(ctx, r)
	if err != nil {
		return nil, policyError(err, policy.Touched(body.before, body.after))
	}
	d, err := newPolicyDocument(raw)
	if err == nil && (!d.grants.Equal(body.after) || base != nil && d.etag == base.etag) {
		err = errOtherPolicy
	}
	if err != nil {
		return nil, rest.Unreadable(r.Op, r.Resource, err)
	}
	return d, nil
}
