package policy

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrNoPolicy is matched by the error for a response that is not an IAM policy.
var ErrNoPolicy = errors.New("it is not an IAM policy")

// foreign are fields of other responses: of Kubernetes objects, of Google
// errors, and of the request that sets a policy. No policy has them.
var foreign = []string{"apiVersion", "kind", "metadata", "error", "policy"}

// Check returns an error for a response that is not an IAM policy. Cloud Run's
// policies always have an etag, even those without bindings, so an object with
// neither could be anything, and does not mean that nobody has a role.
func Check(raw []byte) error {
	p, bindings, err := parse(raw)
	if err != nil {
		return err
	}
	for _, field := range foreign {
		if _, ok := p[field]; ok {
			return fmt.Errorf("%w: it has the field %q", ErrNoPolicy, field)
		}
	}
	for i, b := range bindings {
		if text(b["role"]) == "" {
			return fmt.Errorf("%w: bindings[%d] has no role", ErrNoPolicy, i)
		}
	}
	if text(p["etag"]) == "" && len(bindings) == 0 {
		return fmt.Errorf("%w: it has neither an etag nor bindings", ErrNoPolicy)
	}
	return nil
}

// Etag returns the etag of a policy; empty if it has none.
func Etag(raw []byte) string {
	p, _, err := parse(raw)
	if err != nil {
		return ""
	}
	return text(p["etag"])
}

// Bindings returns the bindings of a policy; nil if it has none. Unlike
// encoding/json it does not accept the name of the field in another case: the
// server does not either, and would ignore what was read there.
func Bindings(raw []byte) (json.RawMessage, error) {
	p, _, err := parse(raw)
	return p["bindings"], err
}

// parse returns the fields of a policy and its bindings.
func parse(raw []byte) (object, []object, error) {
	var p object
	if json.Unmarshal(raw, &p) != nil || p == nil {
		return nil, nil, fmt.Errorf("%w: it is not a JSON object", ErrNoPolicy)
	}
	bindings, err := list(p["bindings"])
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNoPolicy, err)
	}
	return p, bindings, nil
}

// text returns a JSON string; empty for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
