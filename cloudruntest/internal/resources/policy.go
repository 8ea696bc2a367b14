package resources

import (
	"crypto/rand"
	"encoding/base64"
	"slices"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// ShownPolicy returns a policy as a read of a version shows it. Below version 3,
// conditional bindings lose their condition and get a marked role.
func ShownPolicy(policy tree.Object, version int) tree.Object {
	if policy == nil {
		return tree.Object{"etag": noPolicyEtag}
	}
	if version >= 3 || !conditional(policy) {
		return policy
	}
	shown := tree.With(policy, "version", 1)
	var bindings []any
	for _, b := range tree.Objects(policy, "bindings") {
		if b["condition"] != nil {
			hash := store.ShortHash(string(tree.Encode(b["condition"])))
			b = tree.With(tree.Without(b, "condition"), "role", tree.Text(b, "role")+"_withcond_"+hash)
		}
		bindings = append(bindings, b)
	}
	shown["bindings"] = bindings
	return shown
}

// noPolicyEtag is the etag of a policy that was never set.
const noPolicyEtag = "ACAB"

func conditional(policy tree.Object) bool {
	return slices.ContainsFunc(tree.Objects(policy, "bindings"), func(b tree.Object) bool { return b["condition"] != nil })
}

// StoredPolicy returns a policy as it is stored: normalized and with a new etag.
func StoredPolicy(policy tree.Object) tree.Object {
	policy = tree.Clone(policy)
	var bindings []any
	for _, b := range tree.Objects(policy, "bindings") {
		if len(tree.Items(b, "members")) > 0 {
			bindings = append(bindings, b)
		}
	}
	delete(policy, "bindings")
	if len(bindings) > 0 {
		policy["bindings"] = bindings
	}
	policy["version"] = 1
	if conditional(policy) {
		policy["version"] = 3
	}
	var etag [8]byte
	_, _ = rand.Read(etag[:])
	policy["etag"] = base64.StdEncoding.EncodeToString(append([]byte{7, 6}, etag[:7]...))
	return policy
}

// GrantsInvoker reports whether a policy lets everybody call the Service.
func GrantsInvoker(policy tree.Object) bool {
	return slices.ContainsFunc(tree.Objects(policy, "bindings"), func(b tree.Object) bool {
		return tree.Text(b, "role") == "roles/run.invoker" && b["condition"] == nil && grantsTo(b, "allUsers")
	})
}

func grantsTo(binding tree.Object, member string) bool {
	return slices.Contains(tree.Items(binding, "members"), any(member))
}
