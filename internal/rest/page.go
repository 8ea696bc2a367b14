package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// brokenPage is the error for a response that ends early or is not a list.
type brokenPage struct{ err error }

func (e *brokenPage) Error() string { return e.err.Error() }

// pageReader reads a Kubernetes list without holding more than one item.
type pageReader struct {
	dec  *json.Decoder
	body *bounded
}

func newPageReader(ctx context.Context, body io.Reader) pageReader {
	b := &bounded{ctx, body, maxObject}
	return pageReader{json.NewDecoder(b), b}
}

// read calls visit with each item until it returns false, and returns the token of the next page.
func (p pageReader) read(visit func(json.RawMessage) (bool, error)) (next string, err error) {
	if err := p.open('{'); err != nil {
		return "", err
	}
	isList := false
	for p.dec.More() {
		key, err := p.dec.Token()
		if err != nil {
			return "", &brokenPage{err}
		}
		if key == "items" {
			if goOn, err := p.items(visit); err != nil || !goOn {
				return "", err
			}
			isList = true
			continue
		}
		var field json.RawMessage
		if err := p.dec.Decode(&field); err != nil {
			return "", &brokenPage{err}
		}
		switch key {
		case "kind":
			isList = isList || strings.HasSuffix(string(field), `List"`)
		case "metadata":
			next = continueToken(field)
		}
	}
	if _, err := p.dec.Token(); err != nil {
		return "", &brokenPage{err}
	}
	if !isList {
		return "", &brokenPage{fmt.Errorf("%w: it is not a list", ErrNotAPI)}
	}
	return next, nil
}

// continueToken returns the token of the next page from the metadata of a list.
func continueToken(metadata json.RawMessage) string {
	var list struct {
		Continue string `json:"continue"`
	}
	if json.Unmarshal(metadata, &list) != nil {
		return ""
	}
	return list.Continue
}

func (p pageReader) items(visit func(json.RawMessage) (bool, error)) (bool, error) {
	t, err := p.dec.Token()
	if err != nil {
		return false, &brokenPage{err}
	}
	if t == nil { // null: an empty list
		return true, nil
	}
	if t != json.Delim('[') {
		return false, &brokenPage{fmt.Errorf("%w: its items are not a list", ErrNotAPI)}
	}
	for p.dec.More() {
		p.body.left = maxObject
		var item json.RawMessage
		if err := p.dec.Decode(&item); err != nil {
			return false, &brokenPage{err}
		}
		if goOn, err := visit(item); err != nil || !goOn {
			return goOn, err
		}
	}
	if _, err := p.dec.Token(); err != nil {
		return false, &brokenPage{err}
	}
	return true, nil
}

func (p pageReader) open(want json.Delim) error {
	t, err := p.dec.Token()
	if err != nil {
		return &brokenPage{err}
	}
	if t != want {
		return &brokenPage{fmt.Errorf("%w: it is not a JSON object", ErrNotAPI)}
	}
	return nil
}
