// Package edits is the algebra of options: it collects the settings that
// options stand for, checks them as a set, puts them in order, and runs them.
//
// It knows no feature. What a setting does is a function of the package that
// offers the option: one that configures a call (see [Configure]), or an edit
// of whatever the options are about (see [Set.Apply]).
package edits

import (
	"errors"
	"fmt"
	"slices"
)

// Phase is when a setting is applied, in the order of the constants.
type Phase int

// The phases. Elements are what other settings can be about, see [Within].
const (
	PhaseDropElements Phase = iota // elements are removed
	PhaseAddElements               // elements are added, with what identifies them
	PhaseEmpty                     // collections are emptied: SetX and ClearX
	PhaseRemove                    // items are removed: WithoutX
	PhaseSet                       // items are added and values are set: WithX
	PhaseDerive                    // values that follow from other settings
	PhaseCustom                    // the caller's own edits, in the caller's order
)

// Claim is what a setting decides: a thing, and its value. Two settings of one
// layer that claim different values for a thing contradict each other.
type Claim struct {
	Thing string // in words, for messages: "the CPU limit"
	// value is only compared, because it may be a secret. It is a function, so
	// that package fmt prints an address, even inside of unexported fields.
	value func() string
}

// Claims are all that a setting decides.
type Claims []Claim

// Decides claims a value for a thing.
func Decides(thing, value string) Claims { return Claims{claim(thing, value)} }

func claim(thing, value string) Claim { return Claim{thing, func() string { return value }} }

// And claims a value for another thing too.
func (c Claims) And(thing, value string) Claims {
	return append(slices.Clip(c), claim(thing, value))
}

// Setting is one thing that an option asks for. An option may have several.
type Setting struct {
	// Option is the option as the program wrote it, without secrets; see [Spell].
	Option string
	// Err is what is wrong with the argument of the option.
	Err error
	// WholeErr is what is wrong with it where the setting is about the whole:
	// [Within] drops it.
	WholeErr error
	// Claims are what the setting decides.
	Claims Claims
	// Scope is the element that the claims are about, in words; empty for the whole.
	Scope string

	// Phase, Rank and Order place the setting: settings of a phase are sorted by
	// Rank, then by Order, which is the thing of the first claim by default.
	Phase Phase
	Rank  int
	Order string

	// Unless is a thing: the setting is skipped if another one decides it.
	Unless string

	// Do is the function that carries the setting out. A func(*C) configures a
	// C; every other type is for the [Target] to know.
	Do any
}

// Option is what a caller passes to a function.
type Option interface{ Settings() []Setting }

// Of returns the settings of options. A nil option becomes a setting that is
// in error.
func Of[O Option](opts []O) []Setting {
	var all []Setting
	for i, o := range opts {
		if any(o) == nil {
			all = append(all, Setting{Option: fmt.Sprintf("option %d", i+1), Err: errors.New("it is nil")})
			continue
		}
		all = append(all, o.Settings()...)
	}
	return all
}

// Configures returns a setting that decides one thing of a configuration.
func Configures[C any](option, thing, value string, err error, set func(*C)) Setting {
	return Setting{Option: option, Phase: PhaseSet, Claims: Decides(thing, value), Err: err, Do: set}
}

// Within returns the settings of an option that is an argument of another one,
// which narrows them down to the scope.
func Within(option, scope string, settings []Setting) []Setting {
	narrowed := slices.Clone(settings)
	for i := range narrowed {
		narrowed[i].Option = option + " " + narrowed[i].Option
		narrowed[i].Scope = scope
		narrowed[i].WholeErr = nil
	}
	return narrowed
}

// claims reports whether the setting decides a thing, in its own scope.
func (s Setting) claims(thing string) bool {
	return slices.ContainsFunc(s.Claims, func(c Claim) bool { return c.Thing == thing })
}

// spell names a thing of a scope.
func spell(thing, scope string) string {
	if scope == "" {
		return thing
	}
	return thing + " of " + scope
}

// sortKey orders the settings of one phase and rank.
func (s Setting) sortKey() string {
	if s.Order != "" || len(s.Claims) == 0 {
		return s.Order
	}
	return spell(s.Claims[0].Thing, s.Scope)
}
