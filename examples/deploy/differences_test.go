package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/parity"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// listedDifferences returns the recorded cases that the documentation lists as different.
func listedDifferences(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/differences-from-gcloud.md")
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(text), "\n## Recorded commands\n")
	require.True(t, ok, "there is a section about the recorded commands")
	listed := map[string]bool{}
	for line := range strings.Lines(section) {
		first, _, ok := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		if !ok {
			continue
		}
		for _, name := range quoted.FindAllStringSubmatch(first, -1) {
			require.False(t, listed[name[1]], "%s is listed twice", name[1])
			listed[name[1]] = true
		}
	}
	return listed
}

// difference is the expected result of this program where gcloud has another.
type difference struct {
	err      string   // in the error; empty if there must be none
	writes   []string // the methods of the writes, in order
	state    []string // in the Service and the policy that the server has in the end
	notState []string
}

var differences = map[string]difference{
	"env.update.secret-to-literal-with-remove-secrets": {writes: []string{"PUT"},
		state: []string{`{"name":"TOKEN","value":"plain"}`}, notState: []string{`secretKeyRef`}},
	"err.update.conflict": {err: "HTTP 409", writes: nil, notState: []string{`"memory":"1Gi"`}},
	"iam.create.allow-get-forbidden": {err: "permission run.services.getIamPolicy is missing", writes: []string{"POST"},
		state: []string{`"name":"hello"`}, notState: []string{"allUsers"}},
	"iam.create.allow-set-forbidden": {err: "permission run.services.setIamPolicy is missing", writes: []string{"POST", "POST"},
		state: []string{`"name":"hello"`}, notState: []string{"allUsers"}},
	"iam.iap.with-allow-unauth": {writes: []string{"PUT", "POST"},
		state: []string{`"allUsers"`, `"serviceAccount:service-123456789012@gcp-sa-iap.iam.gserviceaccount.com"`, `"user:a@example.com"`}},
	"iam.update.allow-conditional-policy": {writes: []string{"PUT", "POST"},
		state: []string{`{"members":["allUsers"],"role":"roles/run.invoker"}`, `"members":["user:a@example.com"]`}},
	"meta.description.not-in-update":        {writes: []string{"PUT"}, state: []string{`"run.googleapis.com/description":"x"`}},
	"meta.labels.bad-key-not-validated":     {err: "argument --labels: the key must", writes: []string{}},
	"net.beta-flag-on-ga":                   {writes: []string{"POST"}, state: []string{`"run.googleapis.com/default-url-disabled":"True"`, `"run.googleapis.com/launch-stage":"BETA"`}},
	"vol.create.secret-ga-error":            {writes: []string{"POST"}, state: []string{`"secretName":"cfg"`, `"run.googleapis.com/launch-stage":"ALPHA"`}},
	"replace.exported-with-status":          {writes: []string{}},
	"rev.tag.only-services-update":          {writes: []string{"PUT"}, state: []string{`{"revisionName":"hello-00003-xyz","tag":"x"}`}},
	"scale.service-max.beta-default":        {writes: []string{"PUT"}, notState: []string{`"run.googleapis.com/maxScale"`}},
	"traffic.empty-spec":                    {writes: []string{"PUT"}, state: []string{`{"percent":10,"revisionName":"hello-00001-abc"}`, `{"latestRevision":true,"percent":90}`}},
	"vpc.switch.connector-to-direct":        {writes: []string{"PUT"}, state: []string{`"run.googleapis.com/vpc-access-egress":"private-ranges-only"`}, notState: []string{"vpc-access-connector"}},
	"vol.create.gcs-mount-options-ga-error": {writes: []string{"POST"}, state: []string{`"mountOptions":"implicit-dirs"`, `"run.googleapis.com/launch-stage":"BETA"`}},
}

// TestDifferences checks what this program does where it differs from gcloud.
func TestDifferences(t *testing.T) {
	cases, err := parity.Load(casesDir)
	require.NoError(t, err)
	for name := range listedDifferences(t) {
		require.Contains(t, differences, name, "the documentation lists a difference that is not tested")
	}
	for _, c := range cases {
		want, ok := differences[c.Name]
		if !ok {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			a := try(t, c, arguments(t, c)...)
			if want.err == "" {
				require.NoError(t, a.err)
			} else {
				require.ErrorContains(t, a.err, want.err)
			}
			if want.writes != nil {
				require.Equal(t, want.writes, writesOf(a.server.Requests()))
			} else {
				require.Greater(t, len(writesOf(a.server.Requests())), 3, "a conflict is tried again")
			}
			state, err := json.Marshal([]any{a.server.Services(), a.server.Policy()})
			require.NoError(t, err)
			for _, part := range want.state {
				require.Contains(t, string(state), part)
			}
			for _, part := range want.notState {
				require.NotContains(t, string(state), part)
			}
		})
	}
}

func writesOf(requests []parity.Request) []string {
	writes := []string{}
	for _, r := range requests {
		if r.Method != "GET" && !strings.HasSuffix(r.Path, ":wait") {
			writes = append(writes, r.Method)
		}
	}
	return writes
}
