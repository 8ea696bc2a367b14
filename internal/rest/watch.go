package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxEvents bounds the events of one watch, with the bookmarks.
const maxEvents = 1000

// Event is one event of a Kubernetes watch: ADDED, MODIFIED, DELETED or BOOKMARK.
type Event struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

// Watching is a Kubernetes watch under way.
type Watching struct {
	request      Request
	ctx, attempt context.Context
	clock        *clock
	resp         *http.Response
	body         *bounded
	decoder      *json.Decoder
	events       int
}

// Watch makes one attempt to begin a watch. The time limit of the request bounds
// the time until the next event. The caller closes the watch. The error is an [*Error].
func (c Client) Watch(ctx context.Context, r Request) (*Watching, error) {
	attempt, clock, resp, failed := c.start(ctx, c.limit(Request{}), r) //nolint:bodyclose // Watching.Close closes it
	if failed != nil {
		return nil, c.Call.judge(failed)
	}
	clock.change(c.limit(r))
	body := &bounded{attempt, resp.Body, maxObject}
	return &Watching{request: r, ctx: ctx, attempt: attempt, clock: clock, resp: resp, body: body, decoder: json.NewDecoder(body)}, nil
}

// Close ends the watch.
func (w *Watching) Close() {
	w.clock.stop()
	_ = w.resp.Body.Close()
}

// Next returns the next event. The error is [io.EOF] if the server has ended the
// watch, or after very many events. Otherwise it is an [*Error], such as for the
// event ERROR.
func (w *Watching) Next() (Event, error) {
	if w.events++; w.events > maxEvents {
		return Event{}, io.EOF
	}
	w.body.left = maxObject
	w.clock.restart()
	defer w.clock.pause() // the caller is at work
	var e Event
	err := w.decoder.Decode(&e)
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return Event{}, io.EOF
	case errors.As(err, &syntax), errors.As(err, &mismatch):
		return Event{}, w.notAnEvent()
	case err != nil:
		return Event{}, w.request.fails(lost, failure(w.ctx, w.attempt, err))
	case e.Type == "ERROR":
		return Event{}, w.refused(e.Object)
	case len(e.Object) == 0 || e.Type != "ADDED" && e.Type != "MODIFIED" && e.Type != "DELETED" && e.Type != "BOOKMARK":
		return Event{}, w.notAnEvent()
	}
	return e, nil
}

// notAnEvent is the error of a server that does not know watches.
func (w *Watching) notAnEvent() error {
	return w.request.fails(refused, fmt.Errorf("%w: it is not an event of a watch", ErrNotAPI))
}

// refused returns the error of the event ERROR, which holds a Kubernetes Status.
func (w *Watching) refused(status json.RawMessage) error {
	code := struct {
		Code int `json:"code"`
	}{http.StatusInternalServerError}
	_ = json.Unmarshal(status, &code) // the error body is checked below
	return w.request.refusedBy(newAnswer(w.request.host(), code.Code, nil, status))
}
