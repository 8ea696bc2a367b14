// Package policy edits IAM policies as JSON, without losing what it does not know.
package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// newestVersion is the version of policies with conditions.
const newestVersion = "3"

type object = map[string]json.RawMessage

// Merge replaces the bindings of a policy. A binding with the same role and
// condition as an existing one keeps the fields that this package does not know.
// If several have them, the members decide which one is continued. Bindings
// without members are dropped. Everything else in the policy (version, etag,
// audit configs, unknown fields) is preserved.
func Merge(policy, bindings []byte) ([]byte, error) {
	merged := object{}
	if len(policy) > 0 {
		if err := json.Unmarshal(policy, &merged); err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
	}
	have, err := list(merged["bindings"])
	if err != nil {
		return nil, err
	}
	want, err := list(bindings)
	if err != nil {
		return nil, err
	}
	if merged == nil {
		merged = object{}
	}
	delete(merged, "bindings")
	if result := mergeBindings(have, want); len(result) > 0 {
		if merged["bindings"], err = json.Marshal(result); err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
	}
	return json.Marshal(merged)
}

// SetRequest returns the body of the request that sets a policy. It sets the
// newest version, which supports everything that older ones do. With asRead it
// keeps the version, unless there are conditions: with a lower one the server
// would drop or reject them.
func SetRequest(policy []byte, asRead bool) ([]byte, error) {
	body := object{}
	if err := json.Unmarshal(policy, &body); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	bindings, err := list(body["bindings"])
	if err != nil {
		return nil, err
	}
	if !asRead || slices.ContainsFunc(bindings, func(b object) bool { return len(b["condition"]) > 0 }) {
		body["version"] = json.RawMessage(newestVersion)
	}
	return json.Marshal(map[string]object{"policy": body})
}

// key identifies a binding of a policy.
type key struct {
	role        string
	conditional bool
	condition   condition
}

type condition struct{ Title, Description, Expression string }

// keyOf reads fields of an unexpected type as empty: no caller's binding has any.
func keyOf(binding object) key {
	var k key
	_ = json.Unmarshal(binding["role"], &k.role)
	var c *condition
	_ = json.Unmarshal(binding["condition"], &c)
	if c != nil {
		k.conditional, k.condition = true, *c
	}
	return k
}

func hasMembers(binding object) bool {
	var members []json.RawMessage
	return json.Unmarshal(binding["members"], &members) == nil && len(members) > 0
}

func list(raw json.RawMessage) ([]object, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var bindings []object
	if err := json.Unmarshal(raw, &bindings); err != nil {
		return nil, fmt.Errorf("policy: bindings: %w", err)
	}
	if slices.ContainsFunc(bindings, func(b object) bool { return b == nil }) {
		return nil, errors.New("policy: a binding is null")
	}
	return bindings, nil
}
