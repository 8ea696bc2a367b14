package rest

import (
	"encoding/json"
	"fmt"

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
		return nil, fmt.Errorf("read the response: %s", safetext.Line(err.Error(), maxField)) // it quotes the response
	}
	return t, nil
}
