package runflags

import (
	"errors"
	"slices"

	"github.com/spf13/pflag"

	"github.com/cloudrun-go/cloudrun"
)

// MemberFlags are the flags of "gcloud run services add-iam-policy-binding" and
// "remove-iam-policy-binding" on a flag set.
type MemberFlags struct{ parsed *parsed }

// RegisterMember defines the flags on a flag set, like [Register].
func RegisterMember(fs *pflag.FlagSet, opts ...Option) *MemberFlags {
	c := configOf(opts)
	chosen, problems := c.choose(memberFlags())
	f := &MemberFlags{parsed: newParsed(c.prefix, append(c.problems, problems...)...)}
	f.parsed.register(fs, chosen)
	return f
}

func memberFlags() []*flag {
	return group("Binding flags", []*flag{
		{name: "member", metavar: "PRINCIPAL", usage: "principal to grant the role to, such as user:ann@example.com or allUsers"},
		{name: "role", usage: "role, such as roles/run.invoker"},
		{name: "condition", metavar: "[KEY=VALUE,...]", usage: "expression, title and description of the condition; None for no condition"},
		{name: "condition-from-file", metavar: "PATH_TO_FILE", usage: "YAML or JSON file with the condition"},
		{name: "all", takes: takesNone, usage: "remove the member from the role under all conditions"},
	})
}

// Binding is the role and the member that were given.
type Binding struct {
	Member, Role string
	// Condition is the condition of the binding; nil if it has none.
	Condition *cloudrun.BindingCondition
	// AnyCondition reports whether no flag mentions a condition.
	AnyCondition bool
	// AllConditions reports whether --all was given.
	AllConditions bool

	found bool // by any call of Remove: after a lost answer the last call finds nothing left
}

// Binding returns the binding that was given. The error joins one for every problem.
func (f *MemberFlags) Binding() (*Binding, error) {
	if f == nil || f.parsed == nil {
		return nil, errNotRegistered
	}
	g := given{section: f.parsed.sections[0]}
	problems := append(slices.Clone(f.parsed.problems), checkExclusive([]exclusive{{"--all", "--condition", "--condition-from-file"}}, f.parsed.sections))
	b := &Binding{Member: g.text("member"), Role: g.text("role"), AllConditions: g.has("all")}
	for _, name := range []string{"member", "role"} {
		if g.text(name) == "" {
			problems = append(problems, g.problems(name, errors.New("must be specified")))
		}
	}
	b.AnyCondition = !g.has("condition") && !g.has("condition-from-file")
	condition, err := readCondition(g)
	problems = append(problems, err)
	if slices.Contains([]string{"roles/editor", "roles/owner", "roles/viewer"}, b.Role) && condition != nil {
		problems = append(problems, errors.New("binding with a condition and a basic role is not allowed: basic roles are roles/editor, roles/owner and roles/viewer"))
	}
	b.Condition = condition
	return b, errors.Join(problems...)
}

func readCondition(g given) (*cloudrun.BindingCondition, error) {
	switch {
	case g.has("condition-from-file"):
		condition, err := conditionFile(g.text("condition-from-file"))
		return condition, g.problems("condition-from-file", err)
	case g.has("condition") && g.text("condition") != "None":
		condition, err := parseCondition(g.text("condition"))
		return condition, g.problems("condition", err)
	}
	return nil, nil
}

func parseCondition(raw string) (*cloudrun.BindingCondition, error) {
	dict, err := parseDict(raw)
	if err != nil {
		return nil, err
	}
	return newCondition(dict)
}

func conditionFile(path string) (*cloudrun.BindingCondition, error) {
	dict, err := readYAML[string](path)
	if err != nil {
		return nil, err
	}
	return newCondition(dict)
}

func newCondition(dict map[string]string) (*cloudrun.BindingCondition, error) {
	for _, key := range sortedKeys(dict) {
		if err := oneOf(key, "expression", "title", "description"); err != nil {
			return nil, err
		}
	}
	if dict["expression"] == "" || dict["title"] == "" {
		return nil, errors.New("the condition must be None, or have an expression and a title")
	}
	return &cloudrun.BindingCondition{Title: dict["title"], Expression: dict["expression"], Description: dict["description"]}, nil
}

var errNoPolicy = errors.New("the policy is nil")

// Add grants the role to the member. It is an edit for [cloudrun.Client.UpdatePolicy].
func (b *Binding) Add(p *cloudrun.Policy) error {
	if p == nil {
		return errNoPolicy
	}
	if b.AnyCondition && hasConditions(p) {
		return errors.New("the policy has bindings with conditions: use --condition=None to add one without")
	}
	p.Add(b.Role, b.Member, b.Condition)
	return nil
}

// Remove revokes the role from the member. It returns an error if the member
// does not have it. It is an edit for [cloudrun.Client.UpdatePolicy].
func (b *Binding) Remove(p *cloudrun.Policy) error {
	if p == nil {
		return errNoPolicy
	}
	if b.AnyCondition && !b.AllConditions && hasConditions(p) {
		return errors.New("the policy has bindings with conditions: use --condition=None to remove the one without, or --all")
	}
	conditions := []*cloudrun.BindingCondition{b.Condition}
	for _, binding := range p.Bindings {
		if b.AllConditions && binding.Role == b.Role {
			conditions = append(conditions, binding.Condition)
		}
	}
	for _, condition := range conditions {
		b.found = p.Remove(b.Role, b.Member, condition) || b.found
	}
	if !b.found {
		return cloudrun.ErrNoBinding
	}
	return nil
}

func hasConditions(p *cloudrun.Policy) bool {
	return slices.ContainsFunc(p.Bindings, func(b cloudrun.Binding) bool { return b.Condition != nil })
}
