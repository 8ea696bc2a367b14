package wire

import (
	"net/http"

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
