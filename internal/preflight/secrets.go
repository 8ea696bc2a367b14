package preflight

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/policy"
)

// verdict is what a policy says about a member.
type verdict int

const (
	no verdict = iota
	maybe
	yes
)

// projectAnswer is what the policy and the place of the project say about the account.
type projectAnswer struct {
	verdict verdict
	why     string // of maybe
}

// secret asks whether the Service's account may read a secret. Its own policy says
// so, or that of the project. A project in a folder or an organization inherits
// policies that this does not read.
func (r *run) secret(name string) error {
	what := grant.AccessSecret + " on " + name + " for the service's account"
	member := "serviceAccount:" + r.Account
	if r.Account == "" {
		r.doubt(what + ": the account is not known")
		return nil
	}
	raw, err := r.ask(r.ctx, apiSecrets, http.MethodGet, path(name)+policyVerb, name, nil)
	if isStatus(err, http.StatusNotFound) {
		r.report.Problems = append(r.report.Problems, "the secret "+name+" does not exist")
		return nil
	}
	if err != nil {
		return r.unasked(what, err)
	}
	own, why := judge(raw, member)
	if own != no {
		if own == maybe {
			r.doubt(what + ": " + why)
		}
		return nil
	}
	above, err := r.projectGrants(name, member)
	switch {
	case err != nil:
		return err
	case above.verdict == no:
		r.report.Missing = append(r.report.Missing, Missing{Permission: grant.AccessSecret, Resource: name, Member: member})
	case above.verdict == maybe:
		r.doubt(what + ": the secret's own policy does not grant it; " + above.why)
	}
	return nil
}

// projectGrants returns what the project of a secret grants the account. It asks once
// for the project of the deployment.
func (r *run) projectGrants(secret, member string) (projectAnswer, error) {
	project := strings.Split(secret, "/")[1]
	own := project == r.Project || project == r.Number
	if own && r.project != nil {
		return *r.project, nil
	}
	a, err := r.askProject(project, member)
	if own && err == nil {
		r.project = &a
	}
	return a, err
}

func (r *run) askProject(project, member string) (projectAnswer, error) {
	resource := "projects/" + project
	raw, err := r.ask(r.ctx, apiProjects, http.MethodPost, path(resource)+policyVerb, resource, []byte(`{"options": {"requestedPolicyVersion": 3}}`))
	if err != nil && answerOf(err) == nil {
		return projectAnswer{}, err
	}
	if err != nil {
		return projectAnswer{maybe, "that of the project cannot be read: " + err.Error()}, nil
	}
	if found, why := judge(raw, member); found != no {
		return projectAnswer{found, why}, nil
	}
	raw, err = r.ask(r.ctx, apiProjects, http.MethodGet, path(resource), resource, nil)
	if err != nil && answerOf(err) == nil {
		return projectAnswer{}, err
	}
	var place struct {
		ID     string          `json:"projectId"`
		Parent json.RawMessage `json:"parent"`
	}
	if err != nil || json.Unmarshal(raw, &place) != nil || place.ID == "" {
		return projectAnswer{maybe, "whether the project inherits a grant is not known"}, nil
	}
	if len(place.Parent) > 0 {
		return projectAnswer{maybe, "nor does the project's, but it may inherit the grant from a folder or the organization"}, nil
	}
	return projectAnswer{}, nil
}

// judge returns whether a policy lets a member read secrets, and why that is not known.
func judge(raw []byte, member string) (verdict, string) {
	if policy.Check(raw) != nil {
		return maybe, "the response is not a policy"
	}
	var p struct {
		Bindings []struct {
			Role      string          `json:"role"`
			Members   []string        `json:"members"`
			Condition json.RawMessage `json:"condition"`
		} `json:"bindings"`
	}
	if json.Unmarshal(raw, &p) != nil {
		return maybe, "the response is not a policy"
	}
	found, why := no, ""
	for _, b := range p.Bindings {
		reads, known := readsSecrets(b.Role)
		named := slices.ContainsFunc(b.Members, func(m string) bool {
			return policy.Fold(m) == policy.Fold(member) || m == "allUsers" || m == "allAuthenticatedUsers"
		})
		grouped := slices.ContainsFunc(b.Members, func(m string) bool {
			return strings.HasPrefix(m, "group:") || strings.HasPrefix(m, "domain:") || strings.HasPrefix(m, "principalSet:")
		})
		switch {
		case !reads || !named && !grouped:
		case named && known && len(b.Condition) == 0:
			return yes, ""
		default:
			found, why = maybe, fmt.Sprintf("a binding of %.100q may grant it", b.Role)
		}
	}
	return found, why
}

// readsSecrets reports whether a role may have the permission to read secrets, and
// whether it is known to.
func readsSecrets(role string) (may, known bool) {
	switch role {
	case "roles/secretmanager.secretAccessor", "roles/secretmanager.admin", "roles/owner":
		return true, true
	}
	return !strings.HasPrefix(role, "roles/"), false
}
