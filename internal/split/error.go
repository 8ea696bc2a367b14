package split

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Latest names the latest ready revision. It cannot be the name of one, because
// revision names have no upper-case letters.
const Latest = "LATEST"

// Values of [Error.Field].
const (
	FieldPercent  = "percentage" // a requested share
	FieldTraffic  = "traffic"    // the current shares of the Service
	FieldTag      = "tag"
	FieldRevision = "revision"
)

// Error is returned when a requested split, or the current one, is not valid.
type Error struct {
	// Field is one of the Field constants.
	Field string
	// Value is the offending value, as in "hello-00002-abc=150", or empty.
	Value string
	// Reason completes a sentence that begins with the field and the value.
	Reason string
}

// Error returns the sentence, such as: percentage "a=60,b=50" adds up to 110, which is over 100.
func (e *Error) Error() string {
	if e.Value == "" {
		return e.Field + " " + e.Reason
	}
	return fmt.Sprintf("%s %q %s", e.Field, e.Value, e.Reason)
}

func errNoRevision() *Error {
	return &Error{Field: FieldRevision, Reason: "is empty: name a revision or " + Latest}
}

func share(key string, percent int64) string {
	return fmt.Sprintf("%s=%d", key, percent)
}

// list returns shares as written on gcloud's command line.
func list(byKey map[string]int64) string {
	parts := make([]string, 0, len(byKey))
	for _, key := range slices.SortedFunc(maps.Keys(byKey), compareKeys) {
		parts = append(parts, share(key, byKey[key]))
	}
	return strings.Join(parts, ",")
}

// compareKeys sorts revisions by name, and LATEST last.
func compareKeys(a, b string) int {
	if (a == Latest) != (b == Latest) {
		if a == Latest {
			return 1
		}
		return -1
	}
	return cmp.Compare(a, b)
}
