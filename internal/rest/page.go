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

// broken returns a problem of the text as the error of a page.
func broken(err error) error {
	if err == nil {
		return nil
	}
	return &brokenPage{err}
}

// pageReader reads a Kubernetes list without holding more than one item.
type pageReader struct {
	text *splitter
	body *bounded
}

func newPageReader(ctx context.Context, body io.Reader) pageReader {
	b := &bounded{ctx, body, maxObject}
	return pageReader{&splitter{r: b}, b}
}

// read calls visit with each item until it returns false, and returns the token of the next page.
func (p pageReader) read(visit func(json.RawMessage) (bool, error)) (next string, err error) {
	if err := p.open('{', "it is not a JSON object"); err != nil {
		return "", err
	}
	isList := false
	for first := true; ; first = false {
		if more, err := p.text.more('}', first); err != nil || !more {
			if err == nil && !isList {
				err = fmt.Errorf("%w: it is not a list", ErrNotAPI)
			}
			return next, broken(err)
		}
		key, err := p.key()
		if err != nil {
			return "", err
		}
		if key == "items" {
			if goOn, err := p.items(visit); err != nil || !goOn {
				return "", err
			}
			isList = true
			continue
		}
		field, err := p.text.value()
		if err != nil {
			return "", broken(err)
		}
		switch key {
		case "kind":
			isList = isList || strings.HasSuffix(string(field), `List"`)
		case "metadata":
			next = continueToken(field)
		}
	}
}

// key reads the name of a member and the colon after it.
func (p pageReader) key() (key string, err error) {
	text, err := p.text.value()
	if err != nil {
		return "", broken(err)
	}
	if err := json.Unmarshal(text, &key); err != nil {
		return "", broken(err)
	}
	return key, broken(p.text.skip(':'))
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
	if b, err := p.text.next(); err == nil && b == 'n' { // null: an empty list
		text, err := p.text.value()
		if err == nil && string(text) != "null" {
			err = errNotJSON
		}
		return true, broken(err)
	}
	if err := p.open('[', "its items are not a list"); err != nil {
		return false, err
	}
	for first := true; ; first = false {
		p.body.left = maxObject
		if more, err := p.text.more(']', first); err != nil || !more {
			return true, broken(err)
		}
		item, err := p.text.value()
		if err != nil {
			return false, broken(err)
		}
		if goOn, err := visit(item); err != nil || !goOn {
			if err != nil && !json.Valid(item) {
				err = broken(err)
			}
			return goOn, err
		}
	}
}

func (p pageReader) open(want byte, problem string) error {
	b, err := p.text.next()
	if err != nil {
		return broken(err)
	}
	if b != want {
		return broken(fmt.Errorf("%w: %s", ErrNotAPI, problem))
	}
	return broken(p.text.skip(want))
}
