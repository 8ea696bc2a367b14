package edits

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/redact"
)

// Hidden is an argument that messages do not show.
type Hidden struct{}

// hidden is how a Hidden argument is shown.
const hidden = "…"

// Value returns the value of a key as an argument: Hidden if that of such a key may be secret.
func Value(key, value string) any {
	if redact.Name(key) {
		return Hidden{}
	}
	return value
}

// Variable returns the name of an environment variable as an argument. A value
// that was given with it by mistake, as in "NAME=value", is not shown.
func Variable(name string) string {
	if before, _, both := strings.Cut(name, "="); both {
		return before + "=" + hidden
	}
	return name
}

// Variables is Variable for a list.
func Variables(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = Variable(name)
	}
	return all
}

// Spelled returns an option as its settings have it.
func Spelled(settings []Setting) string {
	var all []string
	for i, s := range settings {
		narrowed := i+1 < len(settings) && strings.HasPrefix(settings[i+1].Option, s.Option+" ")
		if !narrowed && !slices.Contains(all, s.Option) {
			all = append(all, s.Option)
		}
	}
	return strings.Join(all, ", ")
}

// Spell returns an option as a program writes it: WithCPU("2"). It does not
// show texts that are secret by their form, such as a URL with a password.
func Spell(name string, args ...any) string {
	shown := make([]string, len(args))
	for i, a := range args {
		shown[i] = spellArgument(a)
	}
	return name + "(" + strings.Join(shown, ", ") + ")"
}

func spellArgument(a any) string {
	switch a := a.(type) {
	case string:
		if redact.Form(a) {
			return hidden
		}
		return fmt.Sprintf("%.120q", a)
	case Hidden:
		return hidden
	case map[string]string:
		shown := make(map[string]string, len(a))
		for key, value := range a {
			if shown[key] = value; redact.Name(key) || redact.Form(value) {
				shown[key] = hidden
			}
		}
		return fmt.Sprint(shown)
	}
	return fmt.Sprintf("%+v", a)
}

// SpellList returns an option whose arguments are all strings.
func SpellList(name string, args []string) string {
	all := make([]any, len(args))
	for i, s := range args {
		all[i] = s
	}
	return Spell(name, all...)
}
