package cloudrun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/lossless"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// maxAttempts bounds how often a write is made anew after somebody else's.
const maxAttempts = 30

// updater writes a Service once, whatever happens to the requests: it reads,
// composes and writes, and does so again after a conflict. When an answer is
// lost it reads the Service to see whether the write took effect. Every write
// is conditional (on the resourceVersion read, or on the Service not existing),
// so a repeated one cannot take effect twice.
type updater struct {
	client *Client
	op     string // for messages: "update service"
	name   string
	dryRun bool
	// create says that a Service that does not exist is created; else it is an error.
	create bool
	// compose gives the text to send in place of a document, which is nil if
	// there is no Service. It runs anew on each one read. The document's own
	// text says that there is nothing to change.
	compose func(context.Context, *document) ([]byte, error)
	// mark tells this call's own write from others; nil where only the content can tell.
	mark *nonce

	lost    *attempt // the last write whose answer was lost
	refused *attempt // the last write that was refused for somebody else's
}

// attempt is one write that was sent.
type attempt struct {
	document *document // nil for a create
	body     []byte
	err      error
}

// before is the text that the attempt was to take the place of.
func (a *attempt) before() []byte {
	if a.document == nil {
		return nil
	}
	return a.document.raw
}

// written is the outcome of an updater.
type written struct {
	service *servingv1.Service // as the server answered
	raw     []byte             // the same, as it was sent
	before  []byte             // what was there before; nil if nothing was
	created bool
	changed bool // false if there was nothing to change, and nothing was sent

	// generation is the one that the write made. The service is of a newer one
	// if the answer was lost and somebody else wrote before it was read back.
	generation int64
}

// run writes the Service. Its error is a [*DeployError], which says whether anything was written.
func (u *updater) run(ctx context.Context) (w *written, err error) {
	err = u.client.writeAnew(ctx, newPauses().after, func() error {
		w, err = u.try(ctx)
		return err
	})
	if err != nil {
		return nil, u.failure(err)
	}
	return w, nil
}

// writeAnew tries to write until that succeeds or fails for good: when after says to stop, or the context ends.
func (c *Client) writeAnew(ctx context.Context, after func(error) time.Duration, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		delay := after(err)
		if delay == backoff.Stop {
			return err
		}
		if c.onRetry != nil {
			c.onRetry(cause(err), delay)
		}
		if ended := sleep(ctx, delay); ended != nil {
			return fmt.Errorf("%w: %w", ended, cause(err))
		}
	}
}

// pauses says how long to wait before a write is made anew.
type pauses struct {
	conflicts backoff.BackOff
	losses    *politeBackOff
}

func newPauses() *pauses {
	return &pauses{losses: newBackOff(), conflicts: backoff.WithMaxRetries(backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(20*time.Millisecond), backoff.WithMultiplier(2),
		backoff.WithMaxInterval(2*time.Second), backoff.WithMaxElapsedTime(retryBudget)), maxAttempts)}
}

// after is the pause after a failure; backoff.Stop if that is final.
func (p *pauses) after(err error) time.Duration {
	switch {
	case errors.Is(err, errConflict):
		return p.conflicts.NextBackOff()
	case errors.Is(err, errLost):
		p.losses.atLeast = askedDelay(err)
		return p.losses.NextBackOff()
	}
	return backoff.Stop
}

var (
	errConflict = errors.New("somebody else changed it")
	errLost     = errors.New("the answer was lost")
)

// retryError marks a failure of one try that another may mend.
type retryError struct{ kind, err error }

func (e *retryError) Error() string   { return e.err.Error() }
func (e *retryError) Unwrap() []error { return []error{e.kind, e.err} }

// cause is a failure without the mark.
func cause(err error) error {
	if r, ok := asType[*retryError](err); ok {
		return r.err
	}
	return err
}

func (u *updater) failure(err error) error {
	var lost error
	if u.lost != nil {
		lost = u.lost.err
	}
	f := writeFailure(u.op, u.name, StageWrite, err, lost)
	if u.refused != nil && f.Outcome == NotWritten && !errors.Is(err, errConflict) {
		f.Outcome = WriteUnknown // the end came before it was seen whose write stood in the way
	}
	return f
}

// writeFailure tells what a write that failed for good may have changed. An
// earlier attempt, if its answer was lost, may have taken effect.
func writeFailure(op, service string, stage Stage, err, lost error) *DeployError {
	f := &DeployError{Stage: stage, Err: cause(err)}
	if known, ok := asType[*DeployError](err); ok {
		*f = *known
	}
	f.Op, f.Service = op, service
	if lost == nil || f.Outcome != NotWritten {
		return f
	}
	f.Outcome = WriteUnknown
	if !errors.Is(f.Err, lost) {
		f.Err = fmt.Errorf("%w (after the answer to an earlier write was lost: %w)", f.Err, lost)
	}
	return f
}

// try reads, composes and writes once.
func (u *updater) try(ctx context.Context) (*written, error) {
	raw, err := u.client.getServiceRaw(ctx, u.name)
	if isMissing(err) && u.create {
		return u.post(ctx)
	}
	if err != nil {
		return nil, &DeployError{Stage: StageRead, Err: err}
	}
	d, err := newDocument(raw)
	if err != nil {
		return nil, &DeployError{Stage: StageRead, Err: err}
	}
	if w, err := u.recover(ctx, d); w != nil || err != nil {
		return w, err
	}
	return u.put(ctx, d)
}

// post creates the Service. If another was created in between, the next try updates that.
func (u *updater) post(ctx context.Context) (*written, error) {
	body, err := u.compose(ctx, nil)
	if err != nil {
		return nil, refused(err)
	}
	answer, err := u.client.createServiceRaw(ctx, u.name, body, u.options()...)
	a := &attempt{body: body, err: err}
	if apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) {
		u.refused = a
		return nil, &retryError{errConflict, err}
	}
	return u.sent(a, answer)
}

// put writes the Service that was read as it is to be.
func (u *updater) put(ctx context.Context, d *document) (*written, error) {
	if d.service.DeletionTimestamp != nil {
		return nil, &DeployError{Stage: StageRead, Err: fmt.Errorf("%w: wait until it is gone, then create it anew", ErrBeingDeleted)}
	}
	body, err := u.compose(ctx, d)
	if err != nil {
		return nil, refused(err)
	}
	if bytes.Equal(body, d.raw) {
		s, err := decodeService(d.raw) // the document's own view may have been edited to and fro
		return &written{service: s, raw: d.raw, before: d.raw, changed: u.lost != nil, generation: d.generation}, err
	}
	answer, err := u.client.replaceServiceRaw(ctx, u.name, body, u.options()...)
	a := &attempt{document: d, body: body, err: err}
	switch {
	case apierrors.IsConflict(err), isMissing(err) && u.create:
		u.refused = a
		return nil, &retryError{errConflict, err}
	case apierrors.IsAlreadyExists(err) && u.lost != nil: // the name of the Revision that the lost write made
		return nil, &retryError{errConflict, err}
	}
	return u.sent(a, answer)
}

// refused is the failure to compose what is to be sent, which is that of the
// options or edits unless it says otherwise.
func refused(err error) error {
	if _, known := asType[*DeployError](err); known {
		return err
	}
	return &DeployError{Stage: StageOptions, Err: err}
}

// sent judges a write by its answer. If that was lost, the next try finds out
// whether the write took effect.
func (u *updater) sent(a *attempt, answer []byte) (*written, error) {
	if a.err == nil {
		s, err := decodeService(answer)
		if err == nil {
			return &written{service: s, raw: answer, before: a.before(), created: a.document == nil, changed: true, generation: s.Generation}, nil
		}
		a.err = rest.Unreadable(u.op, u.client.resource(kindServices, u.name), err)
	}
	if outcomeOf(a.err) != WriteUnknown || u.dryRun {
		return nil, a.err
	}
	u.lost = a
	return nil, &retryError{errLost, a.err}
}

// recover finds out whether an earlier write took effect, from the Service as
// it is now: one whose answer was lost, or one that was refused, as a proxy
// that repeats a request passes on the answer to the second. It returns neither
// an outcome nor an error if none did.
func (u *updater) recover(ctx context.Context, d *document) (*written, error) {
	switch lost := u.lost; {
	case lost == nil && u.refused == nil:
		return nil, nil
	case lost == nil && u.mark == nil && u.refused.heldBy(d):
		return u.refused.recovered(d), nil
	case lost == nil && u.mark == nil:
		if d.generation >= u.refused.generation() {
			u.refused = nil
		}
		return nil, nil
	case lost == nil:
		w, err := u.recoverMarked(ctx, u.refused, d)
		if w == nil && err == nil && d.generation >= u.refused.generation() {
			u.refused = nil
		}
		return w, err
	case lost.document != nil && d.version == lost.document.version:
		return nil, nil // nobody has written since: a repeated write is safe
	case u.mark != nil:
		return u.recoverMarked(ctx, lost, d)
	case lost.heldBy(d):
		return lost.recovered(d), nil
	}
	return nil, nil
}

// recoverMarked looks for the mark of this call. Where somebody else has written
// since, it may be on the Revision alone.
func (u *updater) recoverMarked(ctx context.Context, a *attempt, d *document) (*written, error) {
	made := u.mark.on(d.service)
	if made && (d.generation <= a.generation() || a.heldBy(d)) {
		return a.recovered(d), nil
	}
	switch {
	case d.generation < a.generation():
		return nil, nil // nobody has written since, or the read is stale: its version tells, when it is written
	case !made && d.generation == a.generation():
		return nil, nil // the one write since was not ours
	case !made:
		var err error
		if made, err = u.mark.madeRevision(ctx, u.client); err != nil {
			return nil, &DeployError{Stage: StageRead, Err: err}
		}
	}
	if made {
		return nil, &DeployError{Stage: StageWait, Outcome: Written, Err: &OvertakenError{
			Service: u.name, Generation: a.generation(), Newer: d.generation, By: d.service.Annotations[annotationLastModifier]}}
	}
	return nil, nil
}

// generation is the one that the attempt makes, if it takes effect.
func (a *attempt) generation() int64 {
	if a.document == nil {
		return 1
	}
	return a.document.generation + 1
}

// heldBy reports whether a Service has all that the attempt was to change.
func (a *attempt) heldBy(d *document) bool {
	if a.document != nil {
		return lossless.Holds(a.document.raw, a.body, d.raw)
	}
	var created struct {
		Spec json.RawMessage `json:"spec"`
	}
	if json.Unmarshal(a.body, &created) != nil {
		return false
	}
	spec, err := json.Marshal(created) // the server has its own idea of the metadata, such as the namespace
	return err == nil && lossless.Holds(nil, spec, d.raw)
}

// recovered is the outcome of an attempt that took effect after all.
func (a *attempt) recovered(d *document) *written {
	return &written{service: d.service, raw: d.raw, before: a.before(), created: a.document == nil, changed: true,
		generation: min(a.generation(), d.generation)}
}

func (u *updater) options() []WriteOption {
	if u.dryRun {
		return []WriteOption{DryRun()}
	}
	return nil
}
