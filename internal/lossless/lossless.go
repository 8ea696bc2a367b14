// Package lossless applies an edit of a typed view of a JSON object to the object
// itself. It preserves what the view cannot represent: fields that its types do
// not know, explicit zeros, and the spelling of numbers and quantities.
//
// It works on text alone and knows no Go types. It reads each text once, into an
// index of where values begin and end. So it copies values verbatim, and the cost
// depends only on the length of a document, not on its depth.
package lossless

import (
	"bytes"
	"fmt"
)

// spare is room for what an edit replaces by longer values, in bytes.
const spare = 256

// Merge applies an edit to a raw object. before and after are the encodings of
// its typed view before and after the edit. Values that the edit did not touch
// keep their text. If nothing changed, Merge returns raw itself.
//
// Elements of a Service's lists keep their unknown fields, even if they move:
// containers are identified by name, volume mounts by path, traffic targets by
// revision and tag, and so on. In other lists, only unchanged elements do.
//
// It fails if a text is not a JSON object, if the edit touches an object that has
// a key twice, or if before cannot be a view of raw.
func Merge(raw, before, after []byte) ([]byte, error) {
	if bytes.Equal(before, after) {
		return raw, nil
	}
	r, err := parseObject(raw)
	if err != nil {
		return nil, fmt.Errorf("merge an edit: the object to change: %w", err)
	}
	b, err := parseObject(before)
	if err != nil {
		return nil, fmt.Errorf("merge an edit: its typed view before: %w", err)
	}
	a, err := parseObject(after)
	if err != nil {
		return nil, fmt.Errorf("merge an edit: its typed view after: %w", err)
	}
	merged, changed, err := merge(make([]byte, 0, len(raw)+max(0, len(after)-len(before))+spare), "", r, b, a)
	if err != nil {
		return nil, fmt.Errorf("merge an edit: %w", err)
	}
	if !changed {
		return raw, nil
	}
	return merged, nil
}

// Clean removes what encoding the Go types of Kubernetes and Knative adds to an
// object and Cloud Run's API does not use: nulls, an empty status at the top,
// empty resources and metadata, the empty name of a container or of metadata, and
// port 0 of a probe. It keeps other empty values, because they have a meaning:
// the {} of emptyDir selects the kind of a volume, and "" is the value of a variable.
func Clean(encoded []byte) ([]byte, error) {
	v, err := parse(encoded)
	if err != nil {
		return nil, fmt.Errorf("clean an encoded object: %w", err)
	}
	return clean(make([]byte, 0, len(encoded)), "", v), nil
}

// Equal reports whether two JSON documents mean the same. It ignores the order of
// keys, white space, and the spelling of numbers and strings. A text that is not
// JSON equals nothing, not even itself.
func Equal(a, b []byte) bool {
	x, err := parse(a)
	if err != nil {
		return false
	}
	y, err := parse(b)
	return err == nil && same(x, y)
}
