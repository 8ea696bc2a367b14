package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoPolicy is matched by the error for a response that is not an IAM policy.
var ErrNoPolicy = errors.New("it is not an IAM policy")

// foreign are fields of other responses: of Kubernetes objects, of Google
// errors, and of the request that sets a policy. No response of IAM has them.
var foreign = []string{"apiVersion", "kind", "metadata", "error", "policy"}

func isForeign(response object) bool {
	return slices.ContainsFunc(foreign, func(field string) bool { return response[field] != nil })
}

// Check returns an error for a response that is not an IAM policy. Cloud Run's
// policies always have an etag, even those without bindings, so an object with
// neither could be anything, and does not mean that nobody has a role.
func Check(raw []byte) error {
	p, bindings, err := parse(raw)
	if err != nil {
		return err
	}
	if isForeign(p) {
		return fmt.Errorf("%w: it has one of the fields %s", ErrNoPolicy, strings.Join(foreign, ", "))
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

// Permissions returns the permissions in the response to a test of permissions.
// An empty object means that the account has none of them.
func Permissions(raw []byte, tested []string) ([]string, error) {
	var response object
	if json.Unmarshal(raw, &response) != nil || response == nil {
		return nil, errNoPermissions
	}
	if len(response) == 0 {
		return nil, nil
	}
	var held []string
	err := json.Unmarshal(response["permissions"], &held)
	isOther := func(p string) bool { return !slices.Contains(tested, p) }
	if err != nil || held == nil || isForeign(response) || slices.ContainsFunc(held, isOther) {
		return nil, errNoPermissions
	}
	return held, nil
}

var errNoPermissions = errors.New("it does not list permissions that were tested")

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
