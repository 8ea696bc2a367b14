package preflight_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/preflight"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

const (
	all     = "all"
	project = `{"projectId": "p", "projectNumber": "12"}`
	inOrg   = `{"projectId": "p", "projectNumber": "12", "parent": {"type": "organization", "id": "1"}}`
	empty   = `{"etag": "ACAB"}`
	account = "serviceAccount:12-compute@developer.gserviceaccount.com"
	granted = `{"etag": "x", "bindings": [{"role": "roles/secretmanager.secretAccessor", "members": ["` + account + `"]}]}`
)

func bound(role, member, more string) string {
	return `{"etag": "x", "bindings": [{"role": "` + role + `", "members": ["` + member + `"]` + more + `}]}`
}

// answers has the answer to each question; a number is the status of an error.
type answers map[string]string

func (a answers) ask(_ context.Context, api, method, path, _ string, body []byte) ([]byte, error) {
	key := api + " " + method + " " + path
	for _, defaults := range []answers{a, {
		"run POST /v1/projects/p/locations/r/services/s:testIamPermissions":                                   all,
		"cloudresourcemanager POST /v1/projects/p:testIamPermissions":                                         all,
		"cloudresourcemanager GET /v1/projects/p":                                                             project,
		"cloudresourcemanager POST /v1/projects/p:getIamPolicy":                                               empty,
		"iam POST /v1/projects/-/serviceAccounts/12-compute@developer.gserviceaccount.com:testIamPermissions": all,
		"secretmanager GET /v1/projects/p/secrets/db:getIamPolicy":                                            granted,
	}} {
		switch answer := defaults[key]; answer {
		case "":
		case all:
			return body, nil // lists what it asks for
		case "lost":
			return nil, &rest.Error{Op: "check", Resource: path, Cause: errors.New("reset")}
		case "403", "404":
			return nil, &rest.Error{Op: "check", Resource: path, Answer: &rest.Answer{StatusCode: int(answer[2]-'0') + 400, Message: "refused"}}
		default:
			return []byte(answer), nil
		}
	}
	return nil, errors.New("unexpected question: " + key)
}

// What is missing, what is wrong, and what is not known, for each answer.
func TestRun(t *testing.T) {
	t.Parallel()
	const (
		onService = "run POST /v1/projects/p/locations/r/services/s:testIamPermissions"
		onProject = "cloudresourcemanager POST /v1/projects/p:testIamPermissions"
		onAccount = "iam POST /v1/projects/-/serviceAccounts/12-compute@developer.gserviceaccount.com:testIamPermissions"
		secret    = "secretmanager GET /v1/projects/p/secrets/db:getIamPolicy"
		above     = "cloudresourcemanager POST /v1/projects/p:getIamPolicy"
		place     = "cloudresourcemanager GET /v1/projects/p"
	)
	access := preflight.Missing{Permission: "secretmanager.versions.access", Resource: "projects/p/secrets/db", Member: account}
	for name, tc := range map[string]struct {
		answers             answers
		missing             []preflight.Missing
		problems, unchecked string
	}{
		"nothing":                {},
		"on the service":         {answers: answers{onService: `{}`}, missing: []preflight.Missing{{Permission: "a", Resource: "projects/p/locations/r/services/s"}}},
		"optional":               {answers: answers{onProject: `{}`}, missing: []preflight.Missing{{Permission: "o", Resource: "projects/p", Optional: true}}},
		"on the account":         {answers: answers{onAccount: `{}`}, missing: []preflight.Missing{{Permission: "iam.serviceAccounts.actAs", Resource: "projects/-/serviceAccounts/12-compute@developer.gserviceaccount.com"}}},
		"no account":             {answers: answers{onAccount: "404"}, problems: "the service account 12-compute@developer.gserviceaccount.com does not exist"},
		"service not asked":      {answers: answers{onService: "403"}, unchecked: "a on projects/p/locations/r/services/s: check"},
		"service not understood": {answers: answers{onService: `[]`}, unchecked: "a on projects/p/locations/r/services/s: it does not list permissions"},
		"account not asked":      {answers: answers{onAccount: "403"}, unchecked: "iam.serviceAccounts.actAs on projects/-/serviceAccounts/12-compute"},
		"number not asked":       {answers: answers{place: "403"}, unchecked: "the use of the default service account: its name has the number of the project: check"},
		"no number":              {answers: answers{place: `{}`}, unchecked: "the response has no number"},
		"on the secret":          {answers: answers{secret: empty}, missing: []preflight.Missing{access}},
		"no secret":              {answers: answers{secret: "404"}, problems: "the secret projects/p/secrets/db does not exist"},
		"secret not asked":       {answers: answers{secret: "403"}, unchecked: "secretmanager.versions.access on projects/p/secrets/db for the service's account: check"},
		"secret not understood":  {answers: answers{secret: `[]`}, unchecked: "the response is not a policy"},
		"granted to all":         {answers: answers{secret: bound("roles/secretmanager.secretAccessor", "allUsers", "")}},
		"granted by an owner":    {answers: answers{secret: bound("roles/owner", account, "")}},
		"granted to another":     {answers: answers{secret: bound("roles/secretmanager.secretAccessor", "user:a@b", "")}, missing: []preflight.Missing{access}},
		"another role":           {answers: answers{secret: bound("roles/editor", account, "")}, missing: []preflight.Missing{access}},
		"a custom role":          {answers: answers{secret: bound("projects/p/roles/x", account, "")}, unchecked: `a binding of "projects/p/roles/x" may grant it`},
		"a condition":            {answers: answers{secret: bound("roles/secretmanager.secretAccessor", account, `, "condition": {"title": "t", "expression": "e"}`)}, unchecked: "may grant it"},
		"a group":                {answers: answers{secret: bound("roles/secretmanager.secretAccessor", "group:a@b", "")}, unchecked: "may grant it"},
		"granted by the project": {answers: answers{secret: empty, above: granted}},
		"the project's group":    {answers: answers{secret: empty, above: bound("roles/secretmanager.admin", "domain:b", "")}, unchecked: "the secret's own policy does not grant it; a binding"},
		"project not asked":      {answers: answers{secret: empty, above: "403"}, unchecked: "that of the project cannot be read"},
		"an organization":        {answers: answers{secret: empty, place: inOrg}, unchecked: "may inherit the grant from a folder or the organization"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := preflight.Run(t.Context(), tc.answers.ask, preflight.Deployment{
				Project: "p", Service: "projects/p/locations/r/services/s", Required: []string{"a"}, Optional: []string{"o"}, Number: "p",
				Secrets: []string{preflight.FullSecret("p", "db")},
			})
			require.NoError(t, err)
			require.Equal(t, tc.missing, r.Missing)
			require.Equal(t, tc.problems, strings.Join(r.Problems, "\n"))
			require.Equal(t, tc.unchecked == "", len(r.Unchecked) == 0, r.Unchecked)
			require.Contains(t, strings.Join(r.Unchecked, "\n"), tc.unchecked)
		})
	}
	for _, key := range []string{onService, onProject, onAccount, secret} {
		_, err := preflight.Run(t.Context(), answers{key: "lost"}.ask, preflight.Deployment{
			Project: "p", Service: "projects/p/locations/r/services/s", Required: []string{"a"}, Optional: []string{"o"}, Number: "12", Secrets: []string{"projects/p/secrets/db"}})
		require.ErrorContains(t, err, "reset", "a question without an answer is an error: %s", key)
	}
}

// A new Service is asked about on its project, whose number may be its name.
func TestRunForANewService(t *testing.T) {
	t.Parallel()
	r, err := preflight.Run(t.Context(), answers{
		"cloudresourcemanager POST /v1/projects/12:testIamPermissions": `{"permissions": ["b"]}`,
	}.ask, preflight.Deployment{Project: "12", Required: []string{"a", "b"}, Secrets: []string{preflight.FullSecret("12", "projects/p/secrets/db")}})
	require.NoError(t, err)
	require.Equal(t, preflight.Report{Missing: []preflight.Missing{{Permission: "a", Resource: "projects/12"}}}, r)
}

// Questions are asked at the same time, within a bound, and the report has one order.
// A project is asked once for all its secrets.
func TestRunAsksConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := preflight.Deployment{Project: "p", Service: "projects/p/locations/r/services/s", Required: []string{"a"}, Optional: []string{"o"}, Number: "12"}
		var missing []preflight.Missing
		replies := answers{}
		for i := range 20 {
			name := fmt.Sprintf("projects/%s/secrets/s%02d", []string{"p", "12"}[i%2], i)
			d.Secrets = append(d.Secrets, name)
			missing = append(missing, preflight.Missing{Permission: "secretmanager.versions.access", Resource: name, Member: account})
			replies["secretmanager GET /v1/"+name+":getIamPolicy"] = empty
		}
		var atOnce, most, asked atomic.Int32
		ask := func(ctx context.Context, api, method, path, resource string, body []byte) ([]byte, error) {
			defer atOnce.Add(-1)
			most.Store(max(most.Load(), atOnce.Add(1)))
			time.Sleep(time.Second + time.Millisecond*time.Duration(20-asked.Add(1)%20))
			return replies.ask(ctx, api, method, path, resource, body)
		}
		began := time.Now()
		r, err := preflight.Run(t.Context(), ask, d)
		require.NoError(t, err)
		require.Equal(t, preflight.Report{Missing: missing}, r)
		require.Equal(t, 5, int(time.Since(began).Seconds()), "three rounds for 23 questions, and two about the project")
		require.EqualValues(t, 25, asked.Load())
		require.EqualValues(t, 8, most.Load())
	})
}
