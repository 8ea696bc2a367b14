package split

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Values of [Error.Field].
const (
	FieldPercent  = "percentage" // a wanted share
	FieldTraffic  = "traffic"    // the shares that the Service has now
	FieldTag      = "tag"
	FieldRevision = "revision"
)

// Error says what is wrong with a wanted split or with the current one.
type Error struct {
	// Field is one of the Field constants.
	Field string
	// Value is the offending value, as in "hello-00002-abc=150", or empty.
	Value string
	// Reason completes a sentence that begins with the field and the value.
	Reason string
}

// Error gives the sentence, such as: percentage "a=60,b=50" adds up to 110, which is over 100.
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

// list renders shares the way they are written on gcloud's command line.
func list(byKey map[string]int64) string {
	parts := make([]string, 0, len(byKey))
	for _, key := range slices.SortedFunc(maps.Keys(byKey), compareKeys) {
		parts = append(parts, share(key, byKey[key]))
	}
	return strings.Join(parts, ",")
}
