package regions_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/regions"
)

func TestMeant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"us-central1": "", "europe-west10": "", "": "", "somewhere": "", "mars-north1": "",
		"us-centra1": "us-central1", "uscentral1": "us-central1", "US-CENTRAL1": "us-central1", "us-central-1": "us-central1",
		"us-east-1": "us-east1", "europe-wset1": "europe-west1", "us-central1-a": "us-central1", "europe-west4-b": "europe-west4",
	} {
		require.Equal(t, want, regions.Meant(text), text)
	}
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"us-central1-run.googleapis.com":      "check the endpoint and the region",
		"run.googleapis.com":                  "check the endpoint and the region",
		"localhost:8080":                      "check the endpoint and the region",
		"us-centra1-run.googleapis.com":       `region "us-centra1" is unknown: did you mean "us-central1"?`,
		"us-centra1-run.mtls.googleapis.com":  `region "us-centra1" is unknown: did you mean "us-central1"?`,
		"us-central1-a-run.example.com":       `region "us-central1-a" is unknown: did you mean "us-central1"?`,
		"mars-north1-run.googleapis.com:8443": `region "mars-north1" is unknown: use one such as us-central1 (gcloud run regions list)`,
	} {
		require.Equal(t, want, regions.Advice(host), host)
	}
}
