package preflight

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/policy"
	"github.com/cloudrun-go/cloudrun/internal/task"
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

// accessTo names what an account needs to read a secret.
func accessTo(secret string) string {
	return grant.AccessSecret + " on " + secret + " for the service's account"
}

// secret asks whether the Service's account may read a secret. Its own policy says
// so, or those above it: see [questions.inherit].
func (q questions) secret(ctx context.Context, name string) (finding, error) {
	if q.Account == "" {
		return doubt(accessTo(name) + ": the account is not known"), nil
	}
	raw, err := q.ask(ctx, apiSecrets, http.MethodGet, path(name)+policyVerb, name, nil)
	if isStatus(err, http.StatusNotFound) {
		return problem("the secret " + name + " does not exist"), nil
	}
	if err != nil {
		return unasked(accessTo(name), err)
	}
	switch own, why := judge(raw, q.member()); own {
	case maybe:
		return doubt(accessTo(name) + ": " + why), nil
	case no:
		return finding{secret: name}, nil
	}
	return finding{}, nil
}

// member returns the IAM member of the Service's account.
func (q questions) member() string { return "serviceAccount:" + q.Account }

// projectOf returns the project of a secret. That of the deployment has one name.
func (q questions) projectOf(secret string) string {
	if project := strings.Split(secret, "/")[1]; project != q.Number {
		return project
	}
	return q.Project
}

// inherit replaces the findings about secrets whose own policies do not grant access by
// what their projects grant. It asks once for each project. A project in a folder or an
// organization inherits policies that this does not read.
func (q questions) inherit(ctx context.Context, findings []finding) ([]finding, error) {
	var projects []string
	var steps []func(context.Context) (projectAnswer, error)
	for _, f := range findings {
		if f.secret == "" || slices.Contains(projects, q.projectOf(f.secret)) {
			continue
		}
		project := q.projectOf(f.secret)
		projects = append(projects, project)
		steps = append(steps, func(ctx context.Context) (projectAnswer, error) { return q.askProject(ctx, project) })
	}
	answers, err := task.All(ctx, maxQuestions, steps)
	if err != nil {
		return findings, err
	}
	all := slices.Clone(findings)
	for i, f := range findings {
		if f.secret != "" {
			all[i] = q.inherited(f.secret, answers[slices.Index(projects, q.projectOf(f.secret))])
		}
	}
	return all, nil
}

// inherited is the finding about a secret that what its project grants decides.
func (q questions) inherited(secret string, above projectAnswer) finding {
	switch above.verdict {
	case no:
		return finding{Report: Report{Missing: []Missing{{Permission: grant.AccessSecret, Resource: secret, Member: q.member()}}}}
	case maybe:
		return doubt(accessTo(secret) + ": the secret's own policy does not grant it; " + above.why)
	}
	return finding{}
}

func (q questions) askProject(ctx context.Context, project string) (projectAnswer, error) {
	resource := "projects/" + project
	raw, err := q.ask(ctx, apiProjects, http.MethodPost, path(resource)+policyVerb, resource, []byte(`{"options": {"requestedPolicyVersion": 3}}`))
	if err != nil && answerOf(err) == nil {
		return projectAnswer{}, err
	}
	if err != nil {
		return projectAnswer{maybe, "that of the project cannot be read: " + err.Error()}, nil //nolint:nilerr // it is in the report
	}
	if found, why := judge(raw, q.member()); found != no {
		return projectAnswer{found, why}, nil
	}
	raw, err = q.ask(ctx, apiProjects, http.MethodGet, path(resource), resource, nil)
	if err != nil && answerOf(err) == nil {
		return projectAnswer{}, err
	}
	var place struct {
		ID     string          `json:"projectId"`
		Parent json.RawMessage `json:"parent"`
	}
	if err != nil || json.Unmarshal(raw, &place) != nil || place.ID == "" {
		return projectAnswer{maybe, "whether the project inherits a grant is not known"}, nil //nolint:nilerr // it is in the report
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
