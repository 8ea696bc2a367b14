package wire

import (
	"net/http"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// policy answers SERVICE:getIamPolicy, :setIamPolicy and :testIamPermissions.
func policy(p *control.Plane, c *call, t control.Target, verb string) (answer, *apierror.Error) {
	if t.Kind != "services" {
		return nowhere(c, false), nil
	}
	request := c.to(t)
	post := c.r.Method == http.MethodPost
	switch {
	case verb == "getIamPolicy" && (post || c.r.Method == http.MethodGet):
		return answerOK(p.GetPolicy(request, policyVersion(c)))
	case verb == "setIamPolicy" && post:
		return answerOK(p.SetPolicy(request))
	case verb == "testIamPermissions" && post:
		return answerOK(p.TestPermissions(request))
	}
	return nowhere(c, false), nil
}

// policyVersion returns the requested version: a parameter of a GET, a field of a POST.
func policyVersion(c *call) int {
	if c.r.Method == http.MethodPost {
		if o, err := tree.Decode(c.body); err == nil {
			n, _ := tree.Number(tree.At(o, "options")["requestedPolicyVersion"])
			return int(n)
		}
	}
	return c.number("options.requestedPolicyVersion")
}

// projectPolicy answers cloudresourcemanager's /v1/projects/P:VERB.
func projectPolicy(p *control.Plane, c *call) (answer, *apierror.Error) {
	id, verb, _ := strings.Cut(c.path[2], ":")
	project, err := p.Project(id)
	switch {
	case err != nil || c.r.Method != http.MethodPost:
		return nowhere(c, false), err
	case verb == "testIamPermissions":
		return answerOK(p.TestPermissions(c.to(control.Target{})))
	case verb == "getIamPolicy":
		return answerOK(p.GrantedPolicy("resourcemanager.projects.getIamPolicy", "projects/"+project.Name()))
	}
	return nowhere(c, false), nil
}

// accountPolicy answers iam's /v1/projects/-/serviceAccounts/EMAIL:testIamPermissions.
func accountPolicy(p *control.Plane, c *call) (answer, *apierror.Error) {
	if !strings.HasSuffix(c.path[4], ":testIamPermissions") || c.r.Method != http.MethodPost {
		return nowhere(c, false), nil
	}
	return answerOK(p.TestPermissions(c.to(control.Target{})))
}

// secretPolicy answers secretmanager's /v1/projects/P/secrets/S:VERB.
func secretPolicy(p *control.Plane, c *call) (answer, *apierror.Error) {
	name, verb, _ := strings.Cut(c.path[4], ":")
	project, err := p.Project(c.path[2])
	switch {
	case err != nil:
		return answer{}, err
	case verb == "testIamPermissions" && c.r.Method == http.MethodPost:
		return answerOK(p.TestPermissions(c.to(control.Target{})))
	case verb == "getIamPolicy" && c.r.Method == http.MethodGet:
		return answerOK(p.GrantedPolicy("secretmanager.secrets.getIamPolicy", "projects/"+project.Name()+"/secrets/"+name))
	}
	return nowhere(c, false), nil
}
