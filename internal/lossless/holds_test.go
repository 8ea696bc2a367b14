package lossless_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/lossless"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		before, after, now string
		want               bool
	}{
		"set and there":                    {`{"a":1}`, `{"a":2}`, `{"a":2,"b":{"x":1}}`, true},
		"set and not there":                {`{"a":1}`, `{"a":2}`, `{"a":1}`, false},
		"set and missing":                  {`{}`, `{"a":2}`, `{}`, false},
		"removed and gone":                 {`{"a":1,"b":1}`, `{"b":1}`, `{"b":7}`, true},
		"removed and still there":          {`{"a":1,"b":1}`, `{"b":1}`, `{"a":1,"b":1}`, false},
		"untouched by us, changed since":   {`{"a":1,"b":{"c":1}}`, `{"a":2,"b":{"c":1}}`, `{"a":2,"b":{"c":9}}`, true},
		"list with defaults added":         {`{"l":[{"n":"x"}]}`, `{"l":[{"n":"y"}]}`, `{"l":[{"n":"y","port":0}]}`, true},
		"list of another length":           {`{"l":[1]}`, `{"l":[1,2]}`, `{"l":[1,2,3]}`, false},
		"an element was added and is gone": {`{"l":[]}`, `{"l":[{"n":"x"}]}`, `{"l":[]}`, false},
		"created":                          {``, `{"spec":{"a":1}}`, `{"spec":{"a":1,"b":2},"status":{}}`, true},
		"created otherwise":                {``, `{"spec":{"a":1}}`, `{"spec":{"a":2}}`, false},
		"another kind of value":            {`{"a":1}`, `{"a":{"b":1}}`, `{"a":[1]}`, false},
		"not JSON":                         {`{"a":1}`, `{"a":2}`, `{`, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, lossless.Holds([]byte(tc.before), []byte(tc.after), []byte(tc.now)))
		})
	}
}
