package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/quantity"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// Decode decodes a response. It returns an error for a quantity of a Service or
// a Revision that would take too long to decode.
func Decode[T any](body []byte) (*T, error) {
	if err := quantity.CheckJSON(body); err != nil {
		return nil, fmt.Errorf("read the response: %w", err)
	}
	t := new(T)
	if err := json.Unmarshal(body, t); err != nil {
		return nil, fmt.Errorf("read the response: %s", safetext.Line(withoutValue(err).Error(), maxField)) // it quotes the response
	}
	return t, nil
}

// withoutValue returns an error of package json without the number that it
// quotes, which may be the value of a variable.
func withoutValue(err error) error {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return err
	}
	shown := *mismatch
	shown.Value, _, _ = strings.Cut(mismatch.Value, " ")
	return &shown
}
