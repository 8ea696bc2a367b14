// Package regions knows the regions of Cloud Run, to recognize a misspelt one.
// There may be newer ones, so a region that it does not know is not an error by itself.
package regions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/similar"
)

// known returns the regions of Cloud Run.
func known() []string {
	return strings.Fields(`africa-south1
		asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2 asia-southeast1 asia-southeast2 asia-southeast3
		australia-southeast1 australia-southeast2
		europe-central2 europe-north1 europe-north2 europe-southwest1 europe-west1 europe-west10 europe-west12 europe-west2 europe-west3 europe-west4
		europe-west6 europe-west8 europe-west9
		me-central1 me-central2 me-west1
		northamerica-northeast1 northamerica-northeast2 northamerica-south1
		southamerica-east1 southamerica-west1
		us-central1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4`)
}

// Meant returns the region that was probably meant by another text; "" if none
// was, or if the text is a region.
func Meant(text string) string {
	all := known()
	if slices.Contains(all, text) {
		return ""
	}
	if zone := strings.LastIndexByte(text, '-'); zone > 0 && len(text) == zone+2 && slices.Contains(all, text[:zone]) {
		return text[:zone]
	}
	return similar.Name(text, all)
}

// Advice returns what to do if the API is not found at a host.
func Advice(host string) string {
	name, _, _ := strings.Cut(host, ".")
	region, regional := strings.CutSuffix(name, "-run")
	switch meant := Meant(region); {
	case !regional || slices.Contains(known(), region):
		return "check the endpoint and the region"
	case meant != "":
		return fmt.Sprintf("region %q is unknown: did you mean %q?", region, meant)
	}
	return fmt.Sprintf("region %q is unknown: use one such as us-central1 (gcloud run regions list)", region)
}
