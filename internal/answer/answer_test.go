package answer

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStrays(t *testing.T) {
	t.Parallel()
	name := Place{Name: "a"}.Check(Object{Name: "b"})
	namespace := fmt.Errorf("get service: %w", Place{Name: "a", Namespace: "x"}.Check(Object{Name: "a", Namespace: "y"}))
	fails := errors.New("it failed")
	for title, tc := range map[string]struct {
		tries []error
		want  bool
	}{
		"two":                       {[]error{name, name}, false},
		"three":                     {[]error{name, namespace, name}, true},
		"four":                      {[]error{name, name, name, name}, true},
		"three after a failure":     {[]error{fails, name, name, name}, true},
		"three with one in between": {[]error{name, name, fails, name}, false},
		"other failures":            {[]error{fails, fails, fails, errOtherUID}, false},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var s Strays
			end := false
			for _, err := range tc.tries {
				end = s.End(err)
			}
			require.Equal(t, tc.want, end)
		})
	}
}
