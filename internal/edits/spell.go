package edits

import (
	"fmt"
	"strings"
)

// Hidden is an argument that messages do not show.
type Hidden struct{}

// Spell returns an option as a program writes it: WithCPU("2").
func Spell(name string, args ...any) string {
	shown := make([]string, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			shown[i] = fmt.Sprintf("%.120q", a)
		case Hidden:
			shown[i] = "…"
		default:
			shown[i] = fmt.Sprintf("%+v", a)
		}
	}
	return name + "(" + strings.Join(shown, ", ") + ")"
}

// SpellList returns an option whose arguments are all strings.
func SpellList(name string, args []string) string {
	all := make([]any, len(args))
	for i, s := range args {
		all[i] = s
	}
	return Spell(name, all...)
}
