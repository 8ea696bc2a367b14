// Package lossless applies an edit that was made on a typed view of a JSON
// object to the object itself, without losing what the view does not hold:
// fields its types do not know, explicit zeros, and the spelling of numbers and
// quantities.
//
// It works on the texts alone and knows no Go types. Every text is read once,
// into an index of where its values begin and end, so that values are copied
// verbatim and a deep or long document costs no more than its length.
package lossless

import (
	"bytes"
	"fmt"
)

// Merge applies the change between two encodings of a typed object, before and
// after an edit, to the raw object that before was decoded from. What the edit
// did not touch keeps its very text. If nothing differs, the result is raw itself.
//
// Elements of the lists that Services have keep their unknown fields for as
// long as they stay, wherever they move: containers by name, volume mounts by
// path, traffic targets by revision and tag, and so on. In other lists only
// elements that did not change do.
//
// It fails on texts that are not JSON objects, on an object with a key twice
// where the edit touches it, and on a raw list that before cannot have been
// decoded from.
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
	merged, changed, err := merge(make([]byte, 0, len(raw)+len(after)), "", r, b, a)
	if err != nil {
		return nil, fmt.Errorf("merge an edit: %w", err)
	}
	if !changed {
		return raw, nil
	}
	return merged, nil
}

// Clean drops what encoding the Go types of Kubernetes and Knative adds to an
// object, and Cloud Run's API does not have: nulls, an empty status at the top,
// empty resources and metadata, the empty name of a container or of metadata, and port 0
// of a probe. Other empty values stay, because they mean something: the {} of
// emptyDir chooses the kind of a volume, and "" is the value of an env var.
func Clean(encoded []byte) ([]byte, error) {
	v, err := parse(encoded)
	if err != nil {
		return nil, fmt.Errorf("clean an encoded object: %w", err)
	}
	return clean(make([]byte, 0, len(encoded)), "", v), nil
}

// Equal reports whether two JSON documents mean the same, whatever the order of
// keys, the white space, and the spelling of numbers and strings. A text that
// is not JSON equals nothing, itself included.
func Equal(a, b []byte) bool {
	x, err := parse(a)
	if err != nil {
		return false
	}
	y, err := parse(b)
	return err == nil && same(x, y)
}
