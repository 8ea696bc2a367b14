package rest

import (
	"encoding/json"
	"errors"
	"strings"
)

// Bounds of a quantity in a response. No real one is longer, and decoding or
// encoding a far longer one takes minutes.
const (
	maxQuantity = 40
	maxExponent = 3
)

var errQuantity = errors.New("a quantity is too long")

// podSpec holds the quantities of a template or a Revision as they are spelled.
type podSpec struct {
	Containers, InitContainers []container
	Volumes                    []struct {
		EmptyDir *struct{ SizeLimit json.RawMessage }
	}
}

type container struct {
	Resources struct{ Limits, Requests map[string]json.RawMessage }
}

// checkQuantities returns an error if a Service or a Revision has a quantity
// that takes too long to decode. It decodes only what looks as if it had one.
func checkQuantities(raw []byte) error {
	if !hasLongNumber(raw) {
		return nil
	}
	var o struct {
		Spec struct {
			podSpec
			Template struct{ Spec podSpec }
		}
	}
	if json.Unmarshal(raw, &o) != nil {
		return nil //nolint:nilerr // the caller's decoding fails too
	}
	return errors.Join(o.Spec.check(), o.Spec.Template.Spec.check())
}

func (p *podSpec) check() error {
	for _, q := range p.quantities() {
		if absurd(string(q)) {
			return errQuantity
		}
	}
	return nil
}

func (p *podSpec) quantities() []json.RawMessage {
	var all []json.RawMessage
	for _, containers := range [][]container{p.Containers, p.InitContainers} {
		for _, c := range containers {
			for _, list := range []map[string]json.RawMessage{c.Resources.Limits, c.Resources.Requests} {
				for _, q := range list {
					all = append(all, q)
				}
			}
		}
	}
	for _, v := range p.Volumes {
		if v.EmptyDir != nil {
			all = append(all, v.EmptyDir.SizeLimit)
		}
	}
	return all
}

// absurd reports whether a quantity, as it is spelled, is too long.
func absurd(quantity string) bool {
	if len(quantity) > maxQuantity {
		return true
	}
	_, exponent, _ := strings.Cut(strings.ToLower(strings.Trim(quantity, `"`)), "e")
	return len(strings.TrimLeft(exponent, "+-")) > maxExponent
}

// hasLongNumber reports whether a text has a number with too many digits, in itself or in its exponent.
func hasLongNumber(raw []byte) bool {
	digits, exponent := 0, false
	for _, b := range raw {
		switch {
		case b >= '0' && b <= '9':
			if digits++; digits > maxQuantity/2 || exponent && digits > maxExponent {
				return true
			}
		case b == '+' || b == '-':
			digits = 0
		default:
			digits, exponent = 0, b == 'e' || b == 'E'
		}
	}
	return false
}
