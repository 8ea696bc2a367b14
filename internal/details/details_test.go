package details_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/details"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raw  string
		want details.Details
	}{
		"none": {`[]`, details.Details{}},
		"a field": {`[{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "spec.x", "description": "too long", "reason": "NEW"}]}]`,
			details.Details{Fields: []details.Violation{{Field: "spec.x", Description: "too long"}}}},
		"a quota": {`[{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"subject": "project:1", "description": "180 a minute", "quotaMetric": "m"}]}]`,
			details.Details{Conditions: []details.Violation{{Field: "project:1", Description: "180 a minute"}}}},
		"a condition": {`[{"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": [{"type": "TOS", "subject": "google.com/cloud", "description": "terms not accepted"}]}]`,
			details.Details{Conditions: []details.Violation{{Field: "google.com/cloud", Description: "terms not accepted"}}}},
		"a delay":            {`[{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}]`, details.Details{RetryDelay: 1500 * time.Millisecond}},
		"the longest delay":  {`[{"retryDelay": "3s"}, {"retryDelay": "2s"}]`, details.Details{RetryDelay: 3 * time.Second}},
		"not a delay":        {`[{"retryDelay": "soon"}, {"retryDelay": "-3s"}]`, details.Details{}},
		"help":               {`[{"links": [{"description": "Ask for more.", "url": "https://cloud.google.com/docs/quota"}]}]`, details.Details{Links: []details.Link{{Description: "Ask for more.", URL: "https://cloud.google.com/docs/quota"}}}},
		"not a page":         {`[{"links": [{"url": "javascript:alert(1)"}, {"url": ""}]}]`, details.Details{}},
		"others beside it":   {`[7, null, "x", {"@type": "x.y/new.Kind", "a": 1}, {"violations": 7}, {"retryDelay": "2s"}]`, details.Details{RetryDelay: 2 * time.Second}},
		"unprintable":        {`[{"violations": [{"subject": "a\u001b", "description": "b\nc"}]}]`, details.Details{Conditions: []details.Violation{{Field: "a ", Description: "b c"}}}},
		"a member of a kind": {`[{"fieldViolations": [{"field": "a"}], "retryDelay": "1s"}]`, details.Details{Fields: []details.Violation{{Field: "a"}}, RetryDelay: time.Second}},
	} {
		var raw []json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(tc.raw), &raw))
		require.Equal(t, tc.want, details.Read(raw), name)
	}
}
