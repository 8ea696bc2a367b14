// Package preflight asks Google's APIs which permissions a deployment lacks. It
// reports what it could not ask, and guesses nothing.
package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/policy"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/task"
)

// The APIs that are asked.
const (
	APIRun      = "run"
	apiProjects = "cloudresourcemanager"
	apiAccounts = "iam"
	apiSecrets  = "secretmanager"
	testVerb    = ":testIamPermissions"
	policyVerb  = ":getIamPolicy"
	maxProblems = 100
	// maxQuestions bounds how many are asked at once.
	maxQuestions = 8
)

// Ask sends a request that changes nothing to an API. It is called concurrently. The error of a response is a [*rest.Error].
type Ask func(ctx context.Context, api, method, path, resource string, body []byte) ([]byte, error)

// Deployment is what a deployment is about to do.
type Deployment struct {
	Project, Service string   // the Service is its full name; empty if it does not exist
	Required         []string // permissions on the Service, or on the project for a new one
	Optional         []string // permissions on the project that only help
	Number           string   // of the project; empty if unknown
	Account          string   // the email address of the Service's account; empty for the default one
	Secrets          []string // the secrets that the account reads, such as "projects/p/secrets/s"
}

// Missing is a permission that an account lacks.
type Missing struct {
	Permission, Resource string
	Member               string // empty for the caller
	Optional             bool
}

// Report is what was found.
type Report struct {
	Missing   []Missing
	Problems  []string // that are not about permissions
	Unchecked []string // what could not be asked, and why
}

// Run asks about a deployment. It asks several questions at once, and lists the
// answers in the same order each time. The error is that of a request without a response.
func Run(ctx context.Context, ask Ask, d Deployment) (Report, error) {
	if !isNumber(d.Number) {
		d.Number = ""
	}
	if isNumber(d.Project) {
		d.Number = d.Project
	}
	q := questions{ask: ask, Deployment: d}
	account, report, err := q.email(ctx)
	if err != nil {
		return report, err
	}
	q.Account = account
	steps := []func(context.Context) (finding, error){q.caller, q.optional, q.actAs}
	for _, name := range d.Secrets {
		steps = append(steps, func(ctx context.Context) (finding, error) { return q.secret(ctx, name) })
	}
	findings, err := task.All(ctx, maxQuestions, steps)
	if err == nil {
		findings, err = q.inherit(ctx, findings)
	}
	for _, f := range findings {
		report.add(f.Report)
	}
	return report, err
}

func (r *Report) add(other Report) {
	r.Missing = append(r.Missing, other.Missing...)
	r.Problems = append(r.Problems, other.Problems...)
	r.Unchecked = append(r.Unchecked, other.Unchecked...)
	r.Unchecked = r.Unchecked[:min(len(r.Unchecked), maxProblems)]
}

// questions are what is asked about a deployment.
type questions struct {
	ask Ask
	Deployment
}

// finding is the answer to a question.
type finding struct {
	Report
	secret string // that the account may read only if a policy above it says so; empty for other findings
}

// caller asks for the permissions of the caller on the Service, or on the project.
func (q questions) caller(ctx context.Context) (finding, error) {
	api, resource := APIRun, q.Service
	if q.Service == "" {
		api, resource = apiProjects, "projects/"+q.Project
	}
	return q.test(ctx, api, resource, q.Required, false)
}

func (q questions) optional(ctx context.Context) (finding, error) {
	if len(q.Optional) == 0 {
		return finding{}, nil
	}
	return q.test(ctx, apiProjects, "projects/"+q.Project, q.Optional, true)
}

// actAs asks whether the caller may use the Service's account.
func (q questions) actAs(ctx context.Context) (finding, error) {
	if q.Account == "" {
		return finding{}, nil
	}
	return q.test(ctx, apiAccounts, "projects/-/serviceAccounts/"+q.Account, []string{grant.ActAs}, false)
}

// email returns the address of the Service's account; empty if that is not known.
func (q questions) email(ctx context.Context) (string, Report, error) {
	const what, suffix = "the use of the default service account: ", "-compute@developer.gserviceaccount.com"
	switch {
	case q.Account != "":
		return q.Account, Report{}, nil
	case q.Number != "":
		return q.Number + suffix, Report{}, nil
	}
	body, err := q.ask(ctx, apiProjects, http.MethodGet, path("projects/"+q.Project), "projects/"+q.Project, nil)
	if err != nil {
		f, err := unasked(what+"its name has the number of the project", err)
		return "", f.Report, err
	}
	var project struct {
		Number string `json:"projectNumber"`
	}
	if json.Unmarshal(body, &project) != nil || !isNumber(project.Number) {
		return "", doubt(what + "the response has no number of the project").Report, nil //nolint:nilerr // it is in the report
	}
	return project.Number + suffix, Report{}, nil
}

// test asks which permissions the caller has on a resource, and returns those that are missing.
func (q questions) test(ctx context.Context, api, resource string, permissions []string, optional bool) (finding, error) {
	body, _ := json.Marshal(map[string][]string{"permissions": permissions}) // texts always have JSON
	raw, err := q.ask(ctx, api, http.MethodPost, path(resource)+testVerb, resource, body)
	if isStatus(err, http.StatusNotFound) && api == apiAccounts {
		return problem("the service account " + resource[strings.LastIndex(resource, "/")+1:] + " does not exist"), nil
	}
	what := strings.Join(permissions, ", ") + " on " + resource
	if err != nil {
		return unasked(what, err)
	}
	held, err := policy.Permissions(raw, permissions)
	if err != nil {
		return doubt(what + ": " + err.Error()), nil //nolint:nilerr // it is in the report
	}
	var f finding
	for _, name := range permissions {
		if !slices.Contains(held, name) {
			f.Missing = append(f.Missing, Missing{Permission: name, Resource: resource, Optional: optional})
		}
	}
	return f, nil
}

// unasked is the finding that something could not be asked. The error is that of a
// request that had no response.
func unasked(what string, err error) (finding, error) {
	if answerOf(err) == nil {
		return finding{}, err
	}
	return doubt(what + ": " + err.Error()), nil
}

func doubt(text string) finding   { return finding{Report: Report{Unchecked: []string{text}}} }
func problem(text string) finding { return finding{Report: Report{Problems: []string{text}}} }

func answerOf(err error) *rest.Answer {
	var failed *rest.Error
	if !errors.As(err, &failed) {
		return nil
	}
	return failed.Answer
}

func isStatus(err error, code int) bool {
	a := answerOf(err)
	return a != nil && !a.NotAPI && a.StatusCode == code
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// path returns the path of a resource in version 1 of an API.
func path(resource string) string {
	parts := strings.Split(resource, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return "/v1/" + strings.Join(parts, "/")
}

// FullSecret returns the full name of a secret that a Service of a project names.
func FullSecret(project, secret string) string {
	if strings.HasPrefix(secret, "projects/") {
		return secret
	}
	return fmt.Sprintf("projects/%s/secrets/%s", project, secret)
}
