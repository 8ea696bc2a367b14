package cloudruntest

import (
	"net/http"
	"slices"
	"strings"
)

// allRegions are Cloud Run's regions, beginning with the one that is used when none is told.
func allRegions() []string {
	return append([]string{"us-central1"}, strings.Fields(`
		africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2
		asia-southeast1 asia-southeast2 asia-southeast3 australia-southeast1 australia-southeast2
		europe-central2 europe-north1 europe-north2 europe-southwest1 europe-west1 europe-west10 europe-west12
		europe-west2 europe-west3 europe-west4 europe-west6 europe-west8 europe-west9
		me-central1 me-central2 me-west1 northamerica-northeast1 northamerica-northeast2 northamerica-south1
		southamerica-east1 southamerica-west1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4`)...)
}

func (s *Server) hasRegion(region string) bool { return slices.Contains(s.conf.regions, region) }

// regionCode is the region's part of a Service's host name: uc for us-central1.
func regionCode(region string) string {
	codes := map[string]string{
		"us-central1": "uc", "us-east1": "ue", "us-east4": "uk", "us-west1": "uw", "europe-west1": "ew", "europe-west4": "ez",
		"europe-north1": "lz", "asia-northeast1": "an", "asia-east1": "de", "europe-west2": "nw", "europe-west3": "ey",
	}
	if code, ok := codes[region]; ok {
		return code
	}
	continent, rest, _ := strings.Cut(region, "-")
	return continent[:1] + rest[:min(1, len(rest))] + strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz")
}

// listLocations answers /v1/projects/P/locations, in pages.
func (s *Server) listLocations(c *call, p *project) (answer, *apiError) {
	if c.r.Method != http.MethodGet {
		return s.nowhere(c), nil
	}
	regions := slices.Sorted(slices.Values(s.conf.regions))
	if after := c.query.Get("pageToken"); after != "" {
		i, found := slices.BinarySearch(regions, after)
		if !found {
			return answer{}, invalid("Invalid page token.")
		}
		regions = regions[i+1:]
	}
	next := ""
	if size := atoi(c.query.Get("pageSize")); size > 0 && size < len(regions) {
		next = regions[size-1]
		regions = regions[:size]
	}
	list := make([]any, len(regions))
	for i, r := range regions {
		list[i] = object{"name": "projects/" + p.name() + "/locations/" + r, "locationId": r, "displayName": r,
			"labels": object{"cloud.googleapis.com/region": r}}
	}
	answer := object{"locations": list}
	if next != "" {
		answer["nextPageToken"] = next
	}
	return answerJSON(http.StatusOK, answer), nil
}

// getProject answers cloudresourcemanager's /v1/projects/P.
func (s *Server) getProject(c *call) (answer, *apiError) {
	p, err := s.project(c.path[2])
	if err != nil || c.r.Method != http.MethodGet {
		return s.nowhere(c), err
	}
	return answerJSON(http.StatusOK, object{
		"projectId": p.name(), "projectNumber": p.number, "name": p.name(), "lifecycleState": "ACTIVE",
	}), nil
}

// getAPI answers serviceusage's /v1/projects/P/services/API: every API is enabled.
func (s *Server) getAPI(c *call) (answer, *apiError) {
	p, err := s.project(c.path[2])
	if err != nil || c.r.Method != http.MethodGet {
		return s.nowhere(c), err
	}
	name := "projects/" + p.number + "/services/" + c.path[4]
	return answerJSON(http.StatusOK, object{"name": name, "parent": "projects/" + p.number, "state": "ENABLED"}), nil
}
