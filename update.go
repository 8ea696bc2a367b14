package cloudrun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/answer"
	"github.com/cloudrun-go/cloudrun/internal/lossless"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// UpdateService reads a Service, calls edit to change it, and writes it back
// losslessly. Fields that the Knative types do not know are kept, and so is the
// spelling of every field that edit does not touch. If edit changes nothing,
// nothing is written.
//
// After a conflict with a concurrent change, the Service is read and edited
// again, so edit may be called several times, each time on a fresh copy. If an
// answer is lost, the Service is read to find out whether the write took
// effect; it is never made twice.
//
// If edit changes the template but not its name, the name is dropped: a new
// Revision cannot have the name of the old one.
//
// The error is a [*DeployError], which reports whether the Service was changed.
// It wraps edit's own error or that of the server. It satisfies IsConflict of
// k8s.io/apimachinery/pkg/api/errors if others kept changing the Service.
func (c *Client) UpdateService(ctx context.Context, name string, edit func(*servingv1.Service) error, opts ...WriteOption) (*servingv1.Service, error) {
	const op = "update service"
	if edit == nil {
		return nil, fmt.Errorf("%s %q: the edit is nil", op, name)
	}
	cfg, err := writeOptions(opts)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, fmt.Errorf("%s %q: %w", op, name, err)
	}
	w, err := serviceWrite{
		client: c.forCall(name, false), name: name, dryRun: cfg.on,
		compose: func(_ context.Context, base *document) (composed, error) {
			draft := base.draft()
			if err := edit(draft.service); err != nil {
				return composed{}, err
			}
			draft.dropStaleRevisionName()
			return draft.composed()
		},
	}.run(ctx)
	if err != nil {
		return nil, writeError(op, name, StageWrite, err)
	}
	return w.doc.service, nil
}

// document is a Service as the server sent it, beside a typed view of it. It
// is never changed: edits work on a [draft].
type document struct {
	raw     []byte
	service *servingv1.Service
}

func newDocument(raw []byte) (*document, error) {
	s, err := decodeService(raw)
	if err != nil {
		return nil, err
	}
	return &document{raw, s}, nil
}

// Bytes returns the text that the server sent.
func (d *document) Bytes() []byte { return d.raw }

// Version returns what identifies this version of the Service.
func (d *document) Version() once.Version {
	return once.Version{UID: string(d.service.UID), Resource: d.service.ResourceVersion, Generation: d.service.Generation}
}

func (d *document) answer() answer.Document {
	return answer.Document{Object: identityOf(d.service), Raw: d.raw}
}

// draft is a document under edit. The typed view may lack fields and spell
// others in its own way, so what is sent is the server's text with the
// differences that the edits made to the view.
type draft struct {
	base    *document
	service *servingv1.Service
}

func (d *document) draft() *draft { return &draft{d, d.service.DeepCopy()} }

// merge returns the text to send: the server's own, with the edits in it. If
// the edits changed nothing, it is the server's own text, byte for byte.
func (t *draft) merge() ([]byte, error) {
	was, is := t.base.service, t.service
	if is.Name != was.Name || is.Namespace != was.Namespace || is.UID != was.UID {
		return nil, fmt.Errorf("service %q: %w", was.Name, errIdentity)
	}
	before, err := encodeView(was)
	if err != nil {
		return nil, err
	}
	after, err := encodeView(is)
	if err != nil {
		return nil, err
	}
	return lossless.Merge(t.base.raw, before, after)
}

func (t *draft) composed() (composed, error) {
	body, err := t.merge()
	return composed{body: body}, err
}

// unchanged reports whether the edits changed nothing.
func (t *draft) unchanged() (bool, error) {
	body, err := t.merge()
	return err == nil && bytes.Equal(body, t.base.raw), err
}

// dropStaleRevisionName drops the name of the previous Revision from a template
// that was edited, unless the edit set the name.
func (t *draft) dropStaleRevisionName() {
	was, is := &t.base.service.Spec.Template, &t.service.Spec.Template
	if is.Name == was.Name && is.Name != "" && !equality.Semantic.DeepEqual(is, was) {
		is.Name = ""
	}
}

// encodeView encodes what edits can change. The status is the server's own.
func encodeView(s *servingv1.Service) ([]byte, error) {
	encoded, err := json.Marshal(struct {
		*metav1.TypeMeta `json:",inline"`
		Metadata         *metav1.ObjectMeta     `json:"metadata"`
		Spec             *servingv1.ServiceSpec `json:"spec"`
	}{&s.TypeMeta, &s.ObjectMeta, &s.Spec})
	if err != nil {
		return nil, fmt.Errorf("service %q: %w", s.Name, err)
	}
	return encoded, nil
}

var errIdentity = errors.New("an edit is not allowed to change the Service's name, namespace or uid")

// composed is what one composition of a Service came to.
type composed struct {
	body     []byte
	warnings []string
	previous []servingv1.TrafficTarget // the traffic of the base
	marked   bool                      // the body has the mark of the call
}

// Bytes returns the text to send.
func (c composed) Bytes() []byte { return c.body }

// written is the result of writing a Service.
type written struct {
	doc         *document // as the server answered, or as it was read if nothing had to be written
	first, base *document // as it was read first, and as it was replaced; nil if it did not exist
	composed    composed
	created     bool
	changed     bool
	// generation is the one that the write made. doc is of a newer one if the
	// response was lost and another writer wrote before the Service was read back.
	generation int64
}

// serviceWrite is one write of a Service that takes effect exactly once.
type serviceWrite struct {
	client  *Client
	name    string
	create  bool // if the Service does not exist
	whole   bool // the composed text is all that is wanted of the Service
	dryRun  bool
	mark    once.Mark[*document, composed] // nil if only the content identifies the write
	since   once.Version                   // the newest version that the caller has read
	compose func(context.Context, *document) (composed, error)
}

// run writes the Service. Its error is a [*once.Failure].
func (w serviceWrite) run(ctx context.Context) (written, error) {
	w.client = w.client.forCall(w.name, false)
	var strays answer.Strays
	writer := once.Writer[*document, composed]{
		Store:   &serviceStore{w.client, w.name, w.dryRun},
		Compose: w.composeUnlessDeleting, Create: w.create, DryRun: w.dryRun, Mark: w.mark, Since: w.since,
		Holds: func(base *document, body composed, now *document) bool {
			return w.sent(base, body).Holds(now.raw)
		},
		Answers: func(base *document, body composed, answer *document) error {
			return w.foreign(base, body, answer)
		},
		Ends: strays.End, Classify: classify, Delay: rest.Delay, Retrying: w.client.onRetry, Retries: &w.client.rest.Call.Retries,
	}
	r, err := writer.Run(ctx)
	if err != nil {
		return written{}, err
	}
	return written{r.Doc, r.First, r.Base, r.Body, r.Created, r.Changed, r.Generation}, nil
}

func (w serviceWrite) composeUnlessDeleting(ctx context.Context, base *document) (composed, error) {
	if base != nil && base.service.DeletionTimestamp != nil {
		return composed{}, &once.StepError{Step: once.StepRead, Err: fmt.Errorf("%w: wait until it is gone, then create it again", ErrBeingDeleted)}
	}
	return w.compose(ctx, base)
}

// sent is a write as it was sent.
func (w serviceWrite) sent(base *document, body composed) answer.Write {
	sent := answer.Write{Place: w.client.place(w.name), Body: body.body, DryRun: w.dryRun, Whole: w.whole}
	if base != nil {
		sent.Base = base.answer()
	}
	return sent
}

// foreign returns an error if the answer to a write is not the Service that was
// written. It leaves open whether the write took effect.
func (w serviceWrite) foreign(base *document, body composed, got *document) error {
	has := answer.NoMark
	if w.mark != nil && body.marked {
		has = answer.Unmarked
		if w.mark.On(got) {
			has = answer.Marked
		}
	}
	if err := w.sent(base, body).Check(got.answer(), has); err != nil {
		return w.client.unreadable("write service", w.name, err)
	}
	return nil
}

// serviceStore reads and writes a Service as a document.
type serviceStore struct {
	client *Client
	name   string
	dryRun bool
}

func (s *serviceStore) Read(ctx context.Context) (*document, error) {
	raw, service, err := s.client.readService(ctx, s.name)
	if errors.Is(err, answer.ErrOtherPlace) {
		err = once.ReadAgain(err)
	}
	if err != nil {
		return nil, err
	}
	s.client.known.Learn(raw)
	return &document{raw, service}, nil
}

func (s *serviceStore) Create(ctx context.Context, body composed) (*document, error) {
	return s.client.createRaw(ctx, s.name, body.body, s.dryRun)
}

func (s *serviceStore) Replace(ctx context.Context, base *document, body composed) (*document, error) {
	return s.client.replaceRaw(ctx, s.name, body.body, s.dryRun)
}

// writeService writes a Service and returns the response. One that is not a
// Service leaves open whether the write took effect.
func (c *Client) writeService(ctx context.Context, name string, r rest.Request) (*document, error) {
	var got serviceBody
	r.Read = got.read
	c.known.Learn(r.Body)
	raw, err := c.write(ctx, r)
	if err != nil {
		return nil, err
	}
	if got.err != nil {
		return nil, c.unreadable(r.Op, name, got.err)
	}
	return &document{raw, got.service}, nil
}

// classify says what an error of the API means for a write.
func classify(err error) once.Class {
	switch {
	case apierrors.IsNotFound(err):
		return once.Missing
	case apierrors.IsAlreadyExists(err):
		return once.Exists
	case apierrors.IsConflict(err), rest.IsPreconditionFailed(err):
		return once.Conflict
	case outcomeOf(err) == WriteUnknown:
		return once.Lost
	case rest.Arrived(err):
		return once.Refused
	}
	return once.Unsent
}

// writeError is the public error of a write that failed. Its stage is the given
// one if sending the change failed.
func writeError(op, service string, write Stage, err error) error {
	failed, ok := asType[*once.Failure](err)
	if !ok {
		return &DeployError{Op: op, Service: service, Stage: write, Err: err}
	}
	e := &DeployError{Op: op, Service: service, Stage: write, Outcome: outcomeAfter(failed.Outcome), Err: failed.Err}
	switch failed.Step {
	case once.StepRead:
		e.Stage = StageRead
	case once.StepCompose:
		e.Stage = StageOptions
	case once.StepConfirm:
		e.Stage = StageWait
	}
	if replaced, ok := asType[*once.Overtaken[*document]](failed.Err); ok {
		e.Err = overtakenBy(replaced.Now.service, replaced.Generation)
	}
	return e
}

// outcomeAfter is the public outcome of a write.
func outcomeAfter(o once.Outcome) WriteOutcome {
	switch o {
	case once.Effective:
		return Written
	case once.Unknown:
		return WriteUnknown
	}
	return NotWritten
}

// redactorFor returns what hides the secrets of Services, unless they are to be revealed.
func redactorFor(reveal bool, docs ...[]byte) (redact.Redactor, error) {
	if reveal {
		return redact.Reveal(), nil
	}
	return redact.New(docs...)
}
