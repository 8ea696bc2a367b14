package cloudrun

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/cloudrun-go/cloudrun/internal/policy"
)

// Policy is the IAM policy of a Service. Its bindings can be read and changed;
// what else it holds (its etag, audit configs, fields that this library does
// not know) is kept and can only be seen by encoding the policy as JSON.
type Policy struct {
	// Bindings say who has which role. A binding without members is dropped
	// when the policy is written.
	Bindings []Binding

	raw []byte // as the server sent it
}

// Binding gives a role to members.
type Binding struct {
	// Role is such as "roles/run.invoker".
	Role string `json:"role"`
	// Members are such as "user:ann@example.com" or "allUsers".
	Members []string `json:"members"`
	// Condition restricts the binding; nil if it holds always.
	Condition *BindingCondition `json:"condition,omitempty"`
}

// BindingCondition restricts a [Binding], such as to a span of time.
type BindingCondition struct {
	// Title names the condition; IAM requires one.
	Title string `json:"title,omitempty"`
	// Description is for people; it may be empty.
	Description string `json:"description,omitempty"`
	// Expression is what must hold, in the Common Expression Language.
	Expression string `json:"expression"`
}

// Has reports whether a member has a role under exactly this condition; nil
// means without any.
func (p *Policy) Has(role, member string, condition *BindingCondition) bool {
	return slices.ContainsFunc(p.Bindings, func(b Binding) bool {
		return b.is(role, condition) && b.has(member)
	})
}

// Add gives a role to a member and reports whether the member did not have it
// yet under exactly this condition. It extends the binding of the same role and
// condition if there is one: an unconditional grant never ends up in a
// conditional binding.
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

// Remove takes a role from a member and reports whether the member had it under
// exactly this condition. What the member has of the role under other
// conditions stays. A binding that has no members left is dropped.
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

// MarshalJSON encodes the whole policy, with all that the server sent.
func (p Policy) MarshalJSON() ([]byte, error) {
	bindings, err := json.Marshal(p.Bindings)
	if err != nil {
		return nil, err
	}
	return policy.Merge(p.raw, bindings)
}

// UnmarshalJSON decodes a policy and keeps all that it holds.
func (p *Policy) UnmarshalJSON(raw []byte) error {
	var view struct {
		Bindings []Binding `json:"bindings"`
	}
	if err := json.Unmarshal(raw, &view); err != nil {
		return fmt.Errorf("IAM policy: %w", err)
	}
	p.Bindings, p.raw = view.Bindings, slices.Clone(raw)
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

// grant is one member's one role, the unit in which policies are compared: the
// order of bindings and members, and how they are grouped, mean nothing.
type grant struct {
	role, member string
	conditional  bool
	condition    BindingCondition
}

func (p *Policy) grants() map[grant]bool {
	all := map[grant]bool{}
	for _, b := range p.Bindings {
		g := grant{role: b.Role}
		if b.Condition != nil {
			g.conditional, g.condition = true, *b.Condition
		}
		for _, m := range b.Members {
			g.member = policy.Fold(m)
			all[g] = true
		}
	}
	return all
}

// touched names the members of the grants that are in after but not in before,
// or, if there are none, all in after: those whom an organisation policy may forbid.
func touched(before, after map[grant]bool) []string {
	members := map[string]bool{}
	for g := range after {
		if !before[g] {
			members[g.member] = true
		}
	}
	if len(members) == 0 {
		for g := range after {
			members[g.member] = true
		}
	}
	return slices.Sorted(maps.Keys(members))
}
