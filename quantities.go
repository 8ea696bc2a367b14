package cloudrun

import (
	"encoding/json"
	"errors"
	"strings"
)

// The longest quantity of a server that is read, and the longest exponent. Nobody
// needs more, and reading or encoding a far longer one takes minutes.
const (
	maxQuantity = 40
	maxExponent = 3
)

var errQuantity = errors.New("a quantity is too long")

// podQuantities are the quantities of a template or a Revision as they are spelled.
type podQuantities struct {
	Containers, InitContainers []struct {
		Resources struct{ Limits, Requests map[string]json.RawMessage }
	}
	Volumes []struct {
		EmptyDir *struct{ SizeLimit json.RawMessage }
	}
}

func (p *podQuantities) check() error {
	for _, containers := range [][]struct {
		Resources struct{ Limits, Requests map[string]json.RawMessage }
	}{p.Containers, p.InitContainers} {
		for _, c := range containers {
			for _, list := range []map[string]json.RawMessage{c.Resources.Limits, c.Resources.Requests} {
				for _, q := range list {
					if absurd(string(q)) {
						return errQuantity
					}
				}
			}
		}
	}
	for _, v := range p.Volumes {
		if v.EmptyDir != nil && absurd(string(v.EmptyDir.SizeLimit)) {
			return errQuantity
		}
	}
	return nil
}

// checkQuantities refuses a Service or Revision with a quantity that takes too
// long to read. It looks closer only where something looks like one.
func checkQuantities(raw []byte) error {
	if !hasLongNumber(raw) {
		return nil
	}
	var o struct {
		Spec struct {
			podQuantities
			Template struct{ Spec podQuantities }
		}
	}
	if json.Unmarshal(raw, &o) != nil {
		return nil // decoding it will tell
	}
	return errors.Join(o.Spec.check(), o.Spec.Template.Spec.check())
}

// absurd reports whether a quantity, as it is spelled, is too long.
func absurd(quantity string) bool {
	if len(quantity) > maxQuantity {
		return true
	}
	_, exponent, _ := strings.Cut(strings.ToLower(strings.Trim(quantity, `"`)), "e")
	return len(strings.TrimLeft(exponent, "+-")) > maxExponent
}

// hasLongNumber reports whether there is a number in a text with too many digits, or in its exponent.
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
