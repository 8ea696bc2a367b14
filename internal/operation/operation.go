// Package operation waits for a google.longrunning.Operation with long polls.
package operation

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
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

// operation is a google.longrunning.Operation whose response is a T.
type operation[T any] struct {
	Name  string `json:"name"`
	Done  bool   `json:"done"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
	Response *T `json:"response"`
}

// Wait waits until the operation with an ID has ended, and returns its response,
// nil if it has none or one that is not a T. ask adds the address to a request of
// the method wait, and makes one attempt to send it. Wait repeats it while the
// server holds the requests, and a few times after transient failures. A response
// about another operation counts as lost.
//
// The error is a [*Failure] if the operation failed. Otherwise the operation
// cannot be waited for, and the error is [ErrNotHeld], [ErrOther] or that of the
// last request.
func Wait[T any](ctx context.Context, id string, ask func(context.Context, rest.Request) error) (*T, error) {
	again := pause.NewBackOff()
	for failures := 0; ; {
		start := time.Now()
		o, err := attempt[T](ctx, id, ask)
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
func attempt[T any](ctx context.Context, id string, ask func(context.Context, rest.Request) error) (o *operation[T], err error) {
	ctx, cancel := context.WithTimeout(ctx, held+grace)
	defer cancel()
	var unread error
	read := func(raw []byte) error {
		o, unread = decode[T](raw)
		return unread
	}
	err = ask(ctx, rest.Request{Method: http.MethodPost, Body: []byte(body), TimeLimit: held + 2*grace, Read: read})
	switch {
	case err != nil:
		return nil, err
	case unread != nil:
		return nil, unread
	case o.Name[strings.LastIndex(o.Name, "/")+1:] != id: // the parent may have the number of the project
		return nil, ErrOther
	case !o.Done:
		return nil, ErrNotHeld
	}
	return o, nil
}

// decode decodes an operation, without its response if that is not a T.
func decode[T any](raw []byte) (*operation[T], error) {
	o, err := rest.Decode[operation[T]](raw)
	if err == nil {
		return o, nil
	}
	var other operation[ignored]
	if json.Unmarshal(raw, &other) != nil {
		return nil, err
	}
	return &operation[T]{Name: other.Name, Done: other.Done, Error: other.Error}, nil
}

// ignored is a value of any type.
type ignored struct{}

// UnmarshalJSON accepts every value.
func (*ignored) UnmarshalJSON([]byte) error { return nil }

// end returns how an operation that is done ended.
func (o *operation[T]) end() (*T, error) {
	if o.Error == nil {
		return o.Response, nil
	}
	message := safetext.Message(o.Error.Message)
	if message == "" {
		message = "the server does not say why"
	}
	return nil, &Failure{message}
}
