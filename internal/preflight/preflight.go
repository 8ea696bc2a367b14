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
)

// Ask sends a request that changes nothing to an API. The error of a response is a [*rest.Error].
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

// Run asks about a deployment. The error is that of a request without a response.
func Run(ctx context.Context, ask Ask, d Deployment) (Report, error) {
	if !isNumber(d.Number) {
		d.Number = ""
	}
	if isNumber(d.Project) {
		d.Number = d.Project
	}
	r := &run{ctx: ctx, ask: ask, Deployment: d}
	steps := []func() error{r.caller, r.optional, r.account}
	for _, secret := range d.Secrets {
		steps = append(steps, func() error { return r.secret(secret) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return r.report, err
		}
	}
	return r.report, nil
}

type run struct {
	ctx context.Context
	ask Ask
	Deployment
	report Report

	project *projectAnswer // nil until it is asked
}

// caller asks for the permissions of the caller on the Service, or on the project.
func (r *run) caller() error {
	api, resource := APIRun, r.Service
	if r.Service == "" {
		api, resource = apiProjects, "projects/"+r.Project
	}
	return r.test(api, resource, r.Required, false)
}

func (r *run) optional() error {
	if len(r.Optional) == 0 {
		return nil
	}
	return r.test(apiProjects, "projects/"+r.Project, r.Optional, true)
}

// account asks whether the caller may use the Service's account.
func (r *run) account() error {
	account, err := r.email()
	if err != nil || account == "" {
		return err
	}
	return r.test(apiAccounts, "projects/-/serviceAccounts/"+account, []string{grant.ActAs}, false)
}

// email returns the address of the Service's account; empty if that is not known.
func (r *run) email() (string, error) {
	if r.Account == "" && r.Number == "" {
		body, err := r.ask(r.ctx, apiProjects, http.MethodGet, path("projects/"+r.Project), "projects/"+r.Project, nil)
		if err != nil {
			return "", r.unasked("the use of the default service account: its name has the number of the project", err)
		}
		var project struct {
			Number string `json:"projectNumber"`
		}
		if json.Unmarshal(body, &project) != nil || project.Number == "" {
			r.doubt("the use of the default service account: the response has no number of the project")
			return "", nil
		}
		r.Number = project.Number
	}
	if r.Account == "" {
		r.Account = r.Number + "-compute@developer.gserviceaccount.com"
	}
	return r.Account, nil
}

// test asks which permissions the caller has on a resource, and notes those that are missing.
func (r *run) test(api, resource string, permissions []string, optional bool) error {
	body, _ := json.Marshal(map[string][]string{"permissions": permissions}) // texts always have JSON
	raw, err := r.ask(r.ctx, api, http.MethodPost, path(resource)+testVerb, resource, body)
	if isStatus(err, http.StatusNotFound) && api == apiAccounts {
		r.report.Problems = append(r.report.Problems, "the service account "+resource[strings.LastIndex(resource, "/")+1:]+" does not exist")
		return nil
	}
	what := strings.Join(permissions, ", ") + " on " + resource
	if err != nil {
		return r.unasked(what, err)
	}
	held, err := policy.Permissions(raw, permissions)
	if err != nil {
		r.doubt(what + ": " + err.Error())
		return nil
	}
	for _, name := range permissions {
		if !slices.Contains(held, name) {
			r.report.Missing = append(r.report.Missing, Missing{Permission: name, Resource: resource, Optional: optional})
		}
	}
	return nil
}

// unasked notes that something could not be asked. It returns the error of a request
// that had no response.
func (r *run) unasked(what string, err error) error {
	if answerOf(err) == nil {
		return err
	}
	r.doubt(what + ": " + err.Error())
	return nil
}

func (r *run) doubt(text string) {
	if len(r.report.Unchecked) < maxProblems {
		r.report.Unchecked = append(r.report.Unchecked, text)
	}
}

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
