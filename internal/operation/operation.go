// Package operation waits for a google.longrunning.Operation with long polls.
package operation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

const (
	// held is how long the server is asked to hold a request.
	held = 30 * time.Second
	// grace is how much longer a response may take before the connection counts as dead.
	grace = 15 * time.Second
	// TimeLimit is a time limit for the requests that is longer than they last.
	TimeLimit = held + 2*grace
	// maxFailures bounds how often in a row a request may fail.
	maxFailures = 3
)

// body is the body of a request of the method wait. Its timeout is held.
const body = `{"timeout":"30s"}`

var (
	// ErrNotHeld is returned if the server does not hold the requests.
	ErrNotHeld = errors.New("the server does not hold the request until the operation ends")
	// ErrOther is returned if the responses are about another operation.
	ErrOther = errors.New("the response is about another operation")
)

// Failure is the error of an operation that failed.
type Failure struct{ Message string }

// Error returns the message of the server.
func (f *Failure) Error() string { return f.Message }

// operation is a google.longrunning.Operation.
type operation struct {
	Name  string `json:"name"`
	Done  bool   `json:"done"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
	Response json.RawMessage `json:"response"`
}

// Wait waits until the operation with an ID has ended, and returns its response,
// nil if it has none. ask makes one request of the method wait with the given
// body. Wait repeats it while the server holds the requests, and a few times
// after transient failures. A response about another operation counts as lost.
//
// The error is a [*Failure] if the operation failed. Otherwise the operation
// cannot be waited for, and the error is [ErrNotHeld], [ErrOther] or that of the
// last request.
func Wait(ctx context.Context, id string, ask func(ctx context.Context, body []byte) ([]byte, error)) ([]byte, error) {
	again := pause.NewBackOff()
	for failures := 0; ; {
		start := time.Now()
		o, err := attempt(ctx, id, ask)
		if err == nil && o.Done {
			return o.end()
		}
		if errors.Is(err, ErrNotHeld) && time.Since(start) > held/2 {
			failures = 0
			again.Reset()
			continue // the server held the request: ask again at once
		}
		if failures++; failures > maxFailures || !mayPass(err) {
			return nil, err
		}
		delay := again.Next(rest.Delay(err))
		if delay == pause.Stop || pause.Sleep(ctx, delay) != nil {
			return nil, err
		}
	}
}

// mayPass reports whether another request may succeed after one that failed.
func mayPass(err error) bool {
	return errors.Is(err, ErrNotHeld) || errors.Is(err, ErrOther) || rest.Transient(err)
}

// attempt makes one request. Its error is ErrNotHeld if the operation has not ended.
func attempt(ctx context.Context, id string, ask func(context.Context, []byte) ([]byte, error)) (o operation, err error) {
	ctx, cancel := context.WithTimeout(ctx, held+grace)
	defer cancel()
	raw, err := ask(ctx, []byte(body))
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return o, err
	}
	switch {
	case o.Name[strings.LastIndex(o.Name, "/")+1:] != id: // the parent may have the number of the project
		return operation{}, ErrOther
	case !o.Done:
		return o, ErrNotHeld
	}
	return o, nil
}

// end returns how an operation that is done ended.
func (o operation) end() ([]byte, error) {
	if o.Error == nil {
		return bytes.TrimSpace(o.Response), nil
	}
	message := safetext.Message(o.Error.Message)
	if message == "" {
		message = "the server does not say why"
	}
	return nil, &Failure{message}
}
