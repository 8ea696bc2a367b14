package cloudruntest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// iam answers SERVICE:getIamPolicy, :setIamPolicy and :testIamPermissions.
func (s *Server) iam(c *call, t target, verb string) (answer, *apiError) {
	if t.kind != "services" {
		return s.nowhere(c), nil
	}
	switch {
	case verb == "getIamPolicy" && (c.r.Method == http.MethodGet || c.r.Method == http.MethodPost):
		return s.getPolicy(c, t)
	case verb == "setIamPolicy" && c.r.Method == http.MethodPost:
		return s.setPolicy(c, t)
	case verb == "testIamPermissions" && c.r.Method == http.MethodPost:
		return s.testPermissions(c, t)
	}
	return s.nowhere(c), nil
}

func resourceName(t target) string {
	return "projects/" + t.project.name() + "/locations/" + t.region + "/services/" + t.name
}

func (s *Server) iamService(c *call, t target, permission string) (*service, *apiError) {
	if err := s.permit(permission, resourceName(t)); err != nil {
		return nil, err
	}
	if sv := s.find(t, c); sv != nil {
		return sv, nil
	}
	return nil, s.missing("SERVICE", "services", t)
}

func (s *Server) getPolicy(c *call, t target) (answer, *apiError) {
	sv, err := s.iamService(c, t, "run.services.getIamPolicy")
	if err != nil {
		return answer{}, err
	}
	version := atoi(c.query.Get("options.requestedPolicyVersion"))
	if c.r.Method == http.MethodPost {
		if o, err := decode(c.body); err == nil {
			n, _ := number(at(o, "options")["requestedPolicyVersion"])
			version = int(n)
		}
	}
	if !slices.Contains([]int{0, 1, 3}, version) {
		return answer{}, invalid("Requested policy version must be one of 0, 1 or 3.")
	}
	return answerJSON(http.StatusOK, shownPolicy(sv.policy, version)), nil
}

// shownPolicy is a policy as a reader of a version sees it: who did not ask for
// version 3 gets conditional bindings without their condition, marked so.
func shownPolicy(policy object, version int) object {
	if policy == nil {
		return object{"etag": noPolicyEtag}
	}
	if version >= 3 || !conditional(policy) {
		return policy
	}
	shown := with(policy, "version", 1)
	var bindings []any
	for _, b := range objects(policy, "bindings") {
		if b["condition"] != nil {
			hash := hostHash(string(encode(b["condition"])))
			b = with(without(b, "condition"), "role", text(b, "role")+"_withcond_"+hash)
		}
		bindings = append(bindings, b)
	}
	shown["bindings"] = bindings
	return shown
}

// noPolicyEtag is the etag of a Service whose policy was never set.
const noPolicyEtag = "ACAB"

func conditional(policy object) bool {
	return slices.ContainsFunc(objects(policy, "bindings"), func(b object) bool { return b["condition"] != nil })
}

func (s *Server) setPolicy(c *call, t target) (answer, *apiError) {
	sv, err := s.iamService(c, t, "run.services.setIamPolicy")
	if err != nil {
		return answer{}, err
	}
	request, decodeErr := decode(c.body)
	policy, ok := request["policy"].(object)
	if decodeErr != nil || !ok {
		return answer{}, invalid("Invalid JSON payload received. The request must contain a policy.")
	}
	if err := s.checkPolicy(sv, policy); err != nil {
		return answer{}, err
	}
	if err := s.checkPublic(policy, resourceName(t)); err != nil {
		return answer{}, err
	}
	sv.policy = storedPolicy(policy)
	s.notify()
	s.history(Write{Kind: "setIamPolicy", Body: c.body}, sv, c.now)
	return answerJSON(http.StatusOK, sv.policy), nil
}

// storedPolicy is what becomes of a policy when it is set.
func storedPolicy(policy object) object {
	policy = clone(policy)
	var bindings []any
	for _, b := range objects(policy, "bindings") {
		if len(items(b, "members")) > 0 {
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

func (s *Server) checkPolicy(sv *service, policy object) *apiError {
	etag := text(policy, "etag")
	sent, ok := decodeEtag(etag)
	if !ok {
		return invalid("Invalid value at 'policy.etag' (TYPE_BYTES), Base64 decoding failed for \"%s\"", etag)
	}
	current, _ := decodeEtag(or(text(sv.policy, "etag"), noPolicyEtag))
	if etag != "" && sent != current {
		return conflict("There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.")
	}
	version, _ := number(policy["version"])
	switch {
	case version != 0 && version != 1 && version != 3:
		return invalid("Policy version must be one of 0, 1 or 3.")
	case version != 3 && conditional(policy):
		return invalid("The specified policy version (%d) cannot support conditions. Please set the policy version to 3.", version)
	case version != 3 && etag != "" && conditional(sv.policy):
		return invalid("The existing policy has conditions: set the policy version to 3, or leave out the etag to overwrite it.")
	}
	for _, b := range objects(policy, "bindings") {
		if err := checkBinding(b); err != nil {
			return err
		}
	}
	return nil
}

// decodeEtag reads base64 in any of its spellings: gcloud sends back the one for URLs.
func decodeEtag(etag string) (string, bool) {
	etag = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(etag, "="))
	b, err := base64.RawStdEncoding.DecodeString(etag)
	return string(b), err == nil
}

func checkBinding(b object) *apiError {
	role := text(b, "role")
	known := strings.HasPrefix(role, "roles/") ||
		strings.Contains(role, "/roles/") && (strings.HasPrefix(role, "projects/") || strings.HasPrefix(role, "organizations/"))
	if !known {
		return invalid("Role %s is not supported for this resource.", or(role, "(unset)"))
	}
	for _, m := range items(b, "members") {
		if m, _ := m.(string); !validMember(m) {
			return invalid("Invalid member: \"%s\". Members must be of the form \"<type>:<value>\" or \"allUsers\" or \"allAuthenticatedUsers\".", m)
		}
	}
	return nil
}

func validMember(m string) bool {
	if m == "allUsers" || m == "allAuthenticatedUsers" {
		return true
	}
	kind, value, _ := strings.Cut(m, ":")
	switch strings.TrimPrefix(kind, "deleted:") {
	case "user", "serviceAccount", "group":
		return strings.Contains(value, "@")
	case "domain", "principal", "principalSet", "projectOwner", "projectEditor", "projectViewer", "deleted":
		return value != ""
	}
	return false
}

// checkPublic applies the organisation policy of ForbidAllUsers.
func (s *Server) checkPublic(policy object, resource string) *apiError {
	if !s.noPublic {
		return nil
	}
	for _, b := range objects(policy, "bindings") {
		if slices.Contains(items(b, "members"), any("allUsers")) || slices.Contains(items(b, "members"), any("allAuthenticatedUsers")) {
			e := precondition("One or more users named in the policy do not belong to a permitted customer,  perhaps due to an organization policy.")
			e.details = []any{object{
				"@type": "type.googleapis.com/google.rpc.PreconditionFailure",
				"violations": []any{object{
					"type":        "constraints/iam.allowedPolicyMemberDomains",
					"subject":     "orgpolicy:" + resource + "?configvalue=" + "allUsers",
					"description": "User allUsers is not in permitted organization.",
				}},
			}}
			return e
		}
	}
	return nil
}

func (s *Server) testPermissions(c *call, t target) (answer, *apiError) {
	request, err := decode(c.body)
	if err != nil {
		return answer{}, invalid("Invalid JSON payload received.")
	}
	held := []any{}
	for _, p := range items(request, "permissions") {
		if p, ok := p.(string); ok && !s.denied[p] {
			held = append(held, p)
		}
	}
	if len(held) == 0 {
		return answerJSON(http.StatusOK, object{}), nil
	}
	return answerJSON(http.StatusOK, object{"permissions": held}), nil
}

// public reports whether everybody may call a Service.
func (sv *service) public() bool {
	if strings.EqualFold(sv.annotation(noCheckAnnotation), "true") {
		return true
	}
	return slices.ContainsFunc(objects(sv.policy, "bindings"), func(b object) bool {
		return text(b, "role") == "roles/run.invoker" && b["condition"] == nil && slices.Contains(items(b, "members"), any("allUsers"))
	})
}

// Policy returns the IAM policy of a Service, or nil if there is no such Service.
func (s *Server) Policy(project, name string) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	sv := s.lookUpAny(project, name)
	if sv == nil {
		return nil
	}
	return encode(shownPolicy(sv.policy, 3))
}

// SetPolicy sets the IAM policy of a Service, as somebody else would: the etag changes.
func (s *Server) SetPolicy(project, name string, policy json.RawMessage) error {
	o, err := decode(policy)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sv := s.lookUpAny(project, name)
	if sv == nil {
		return errNoService(project, name)
	}
	etag := text(o, "etag")
	sv.policy = storedPolicy(o)
	if etag != "" {
		sv.policy["etag"] = etag
	}
	return nil
}
