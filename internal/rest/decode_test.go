package rest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/rest"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	container := func(resources string) string { return `{"containers": [{"resources": ` + resources + `}]}` }
	digits := strings.Repeat("9", 50)
	for name, tc := range map[string]struct {
		body string
		ok   bool
	}{
		"object":             {`{"kind": "x"}`, true},
		"quantities":         {`{"spec": ` + container(`{"limits": {"cpu": "1e3", "memory": "512Mi"}, "requests": {"cpu": 2}}`) + `}`, true},
		"longest quantity":   {`{"spec": ` + container(`{"limits": {"cpu": "`+digits[:38]+`"}}`) + `}`, true},
		"long text":          {`{"kind": "` + digits + `e9999"}`, true},
		"long elsewhere":     {`{"spec": {"other": "` + digits + `"}}`, true},
		"limit":              {`{"spec": ` + container(`{"limits": {"cpu": "1e9999999"}}`) + `}`, false},
		"limit, signed":      {`{"spec": ` + container(`{"limits": {"cpu": "1E-9999999"}}`) + `}`, false},
		"limit, a number":    {`{"spec": ` + container(`{"limits": {"cpu": 1e9999}}`) + `}`, false},
		"request":            {`{"spec": ` + container(`{"requests": {"cpu": "`+digits+`"}}`) + `}`, false},
		"of a template":      {`{"spec": {"template": {"spec": ` + container(`{"limits": {"cpu": "1e9999999"}}`) + `}}}`, false},
		"of an init":         {`{"spec": {"template": {"spec": {"initContainers": [{"resources": {"limits": {"cpu": "1e99999"}}}]}}}}`, false},
		"of a volume":        {`{"spec": {"volumes": [{"name": "a"}, {"emptyDir": {"sizeLimit": "1e99999"}}]}}`, false},
		"of a divisor":       {`{"spec": {"containers": [{"env": [{"valueFrom": {"resourceFieldRef": {"divisor": "1e99999"}}}]}]}}`, false},
		"after another type": {`{"spec": {"containers": 7}, "limits": {"cpu": "1e99999"}}`, false},
		"another type":       {`{"kind": 1}`, false},
		"another type, long": {`{"kind": 1, "spec": "` + digits + `"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			got, err := rest.Decode[struct{ Kind string }]([]byte(tc.body))
			require.Equal(t, tc.ok, err == nil, err)
			require.Equal(t, tc.ok, got != nil)
			if err != nil {
				require.ErrorContains(t, err, "read the response: ")
			}
			require.Less(t, time.Since(start), 5*time.Second)
		})
	}
}
