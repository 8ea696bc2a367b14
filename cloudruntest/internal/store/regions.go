package store

import "strings"

// AllRegions returns Cloud Run's regions. The first one is the default.
func AllRegions() []string {
	return append([]string{"us-central1"}, strings.Fields(`
		africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2
		asia-southeast1 asia-southeast2 asia-southeast3 australia-southeast1 australia-southeast2
		europe-central2 europe-north1 europe-north2 europe-southwest1 europe-west1 europe-west10 europe-west12
		europe-west2 europe-west3 europe-west4 europe-west6 europe-west8 europe-west9
		me-central1 me-central2 me-west1 northamerica-northeast1 northamerica-northeast2 northamerica-south1
		southamerica-east1 southamerica-west1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4`)...)
}

// regionCode returns the part of a Service's host name that stands for the
// region: uc for us-central1.
func regionCode(region string) string {
	codes := map[string]string{
		"us-central1": "uc", "us-east1": "ue", "us-east4": "uk", "us-west1": "uw", "europe-west1": "ew", "europe-west4": "ez",
		"europe-north1": "lz", "asia-northeast1": "an", "asia-east1": "de", "europe-west2": "nw", "europe-west3": "ey",
	}
	if code, ok := codes[region]; ok {
		return code
	}
	continent, rest, _ := strings.Cut(region, "-")
	return continent[:min(1, len(continent))] + rest[:min(1, len(rest))] + strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz")
}
