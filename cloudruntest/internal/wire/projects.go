package wire

import (
	"net/http"
	"slices"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// knownHost reports whether the host serves an API.
func knownHost(p *control.Plane, c *call) bool {
	return p.Store.Cluster || c.region == "" || p.Store.HasRegion(c.region)
}

// listLocations answers /v1/projects/P/locations, in pages.
func listLocations(p *control.Plane, c *call, project *store.Project) (answer, *apierror.Error) {
	if c.r.Method != http.MethodGet {
		return nowhere(c, false), nil
	}
	regions := slices.Sorted(slices.Values(p.Store.Regions))
	if after := c.query.Get("pageToken"); after != "" {
		i, found := slices.BinarySearch(regions, after)
		if !found {
			return answer{}, apierror.Invalid("Invalid page token.")
		}
		regions = regions[i+1:]
	}
	page := tree.Object{}
	if size := c.number("pageSize"); size > 0 && size < len(regions) {
		page["nextPageToken"] = regions[size-1]
		regions = regions[:size]
	}
	list := make([]any, len(regions))
	for i, r := range regions {
		list[i] = tree.Object{"name": "projects/" + project.Name() + "/locations/" + r, "locationId": r, "displayName": r,
			"labels": tree.Object{"cloud.googleapis.com/region": r}}
	}
	page["locations"] = list
	return answerJSON(http.StatusOK, page), nil
}

// getProject answers cloudresourcemanager's /v1/projects/P.
func getProject(p *control.Plane, c *call) (answer, *apierror.Error) {
	project, err := p.Project(c.path[2])
	if err != nil || c.r.Method != http.MethodGet {
		return nowhere(c, false), err
	}
	return answerJSON(http.StatusOK, tree.Object{
		"projectId": project.Name(), "projectNumber": project.Number, "name": project.Name(), "lifecycleState": "ACTIVE",
	}), nil
}

// getAPI answers serviceusage's /v1/projects/P/services/API. Every API is enabled.
func getAPI(p *control.Plane, c *call) (answer, *apierror.Error) {
	project, err := p.Project(c.path[2])
	if err != nil || c.r.Method != http.MethodGet {
		return nowhere(c, false), err
	}
	parent := "projects/" + project.Number
	return answerJSON(http.StatusOK, tree.Object{"name": parent + "/services/" + c.path[4], "parent": parent, "state": "ENABLED"}), nil
}
