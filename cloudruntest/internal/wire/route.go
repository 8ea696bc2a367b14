package wire

import (
	"net/http"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
)

// dispatch routes a request by its path. The caller holds the store's lock.
func dispatch(p *control.Plane, c *call) (answer, *apierror.Error) {
	cluster := p.Store.Cluster
	switch s := c.path; {
	case !knownHost(p, c):
		return nowhere(c, cluster), nil
	case len(s) >= 6 && len(s) <= 7 && s[0] == "apis" && s[1] == "serving.knative.dev" && s[2] == "v1" && s[3] == "namespaces":
		return namespaced(p, c)
	case cluster:
		return discover(c), nil
	case len(s) == 2 && s[0] == "v2" && s[1] == "entries:list" && c.r.Method == http.MethodPost:
		return answerOK(p.ListLog(c.to(control.Target{})))
	case len(s) < 3 || s[0] != "v1" || s[1] != "projects":
		return nowhere(c, cluster), nil
	case len(s) == 3 && strings.Contains(s[2], ":"):
		return projectPolicy(p, c)
	case len(s) == 3:
		return getProject(p, c)
	case len(s) == 5 && s[3] == "serviceAccounts":
		return accountPolicy(p, c)
	case len(s) == 5 && s[3] == "secrets":
		return secretPolicy(p, c)
	case len(s) == 5 && s[3] == "services":
		return getAPI(p, c)
	case s[3] == "locations":
		return located(p, c)
	}
	return nowhere(c, cluster), nil
}

// namespaced answers /apis/serving.knative.dev/v1/namespaces/NS/KIND[/NAME].
func namespaced(p *control.Plane, c *call) (answer, *apierror.Error) {
	if c.global && !p.Store.Cluster {
		return nowhere(c, false), nil // the Knative API has regional hosts only
	}
	project, err := p.Project(c.path[4])
	if err != nil {
		return answer{}, err
	}
	t := control.Target{Project: project, Region: c.region, Kind: c.path[5], Name: c.name()}
	if p.Store.Cluster {
		t.Region = "" // a cluster has no regions, whatever its host is called
	}
	return resource(p, c, t)
}

// located answers /v1/projects/P/locations[/L[/KIND[/NAME[:VERB]]]].
func located(p *control.Plane, c *call) (answer, *apierror.Error) {
	project, err := p.Project(c.path[2])
	if err != nil {
		return answer{}, err
	}
	if len(c.path) == 4 {
		return listLocations(p, c, project)
	}
	region := c.path[4]
	switch {
	case len(c.path) < 6 || len(c.path) > 7:
		return nowhere(c, false), nil
	case region == "-":
		region = ""
	case !p.Store.HasRegion(region) || c.region != "" && c.region != region:
		return answer{}, apierror.NotFound("Location " + region + " is not found or access is unauthorized.")
	}
	t := control.Target{Project: project, Region: region, Kind: c.path[5], Name: c.name()}
	if t.Kind == "operations" {
		return getOperation(p, c)
	}
	if name, verb, ok := strings.Cut(t.Name, ":"); ok {
		t.Name = name
		return policy(p, c, t, verb)
	}
	return resource(p, c, t)
}

// handler answers a request for a target.
type handler func(*control.Plane, *call, control.Target) (answer, *apierror.Error)

// method is a verb for a collection or for a named object.
type method struct {
	verb  string
	named bool
}

// handlers returns the handlers of a kind. Another kind adds a case.
func handlers(kind string) map[method]handler {
	switch kind {
	case "services":
		return map[method]handler{
			{http.MethodGet, true}: getService, {http.MethodGet, false}: listServices, {http.MethodPost, false}: createService,
			{http.MethodPut, true}: replaceService, {http.MethodPatch, true}: patchService, {http.MethodDelete, true}: deleteService,
		}
	case "revisions":
		return map[method]handler{
			{http.MethodGet, true}: getRevision, {http.MethodGet, false}: listRevisions, {http.MethodDelete, true}: deleteRevision,
		}
	case "configurations", "routes":
		return map[method]handler{{http.MethodGet, true}: getPart, {http.MethodGet, false}: listParts}
	}
	return nil
}

// resource answers for the kinds of the Knative API.
func resource(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	all := handlers(t.Kind)
	if do, ok := all[method{c.r.Method, t.Name != ""}]; ok {
		return do(p, c, t)
	}
	if p.Store.Cluster && len(all) > 0 {
		return answer{}, &apierror.Error{Code: 405, Reason: "MethodNotAllowed", Message: "the server does not allow this method on the requested resource"}
	}
	return nowhere(c, p.Store.Cluster), nil
}
