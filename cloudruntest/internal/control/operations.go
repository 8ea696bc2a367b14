package control

import (
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/lifecycle"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// OperationRef names an operation, as a path does.
type OperationRef struct {
	Project  string
	Location string
	ID       string
	Regional bool // the host serves this location only
}

func (r OperationRef) name() string {
	return "projects/" + r.Project + "/locations/" + r.Location + "/operations/" + r.ID
}

// Poll is one look at an operation.
type Poll struct {
	Doc     tree.Object
	Done    bool            // or the deadline has passed
	Until   time.Duration   // until the next look
	Changed <-chan struct{} // an earlier reason to look
}

// GetOperation returns an operation.
func (p *Plane) GetOperation(ref OperationRef, now time.Time) (tree.Object, *apierror.Error) {
	op, err := p.findOperation(ref)
	if err != nil {
		return nil, err
	}
	doc, _ := p.renderOperation(op, ref.name(), now)
	return doc, nil
}

// PollOperation looks at an operation for a caller that waits until a deadline.
func (p *Plane) PollOperation(ref OperationRef, now, deadline time.Time) (Poll, *apierror.Error) {
	op, err := p.findOperation(ref)
	if err != nil {
		return Poll{}, err
	}
	doc, done := p.renderOperation(op, ref.name(), now)
	if done || !now.Before(deadline) {
		return Poll{Doc: doc, Done: true}, nil
	}
	if !op.Never && op.End.Before(deadline) {
		deadline = op.End
	}
	return Poll{Doc: doc, Until: deadline.Sub(now), Changed: p.Store.Changed()}, nil
}

func (p *Plane) findOperation(ref OperationRef) (store.Operation, *apierror.Error) {
	project, err := p.Project(ref.Project)
	if err != nil {
		return store.Operation{}, err
	}
	if err := p.Permissions.Check("run.operations.get", ref.name()); err != nil {
		return store.Operation{}, err
	}
	op, ok := p.Store.Operations.Get(ref.ID)
	if !ok || op.Key.Project != project.Number || ref.Regional && op.Key.Region != ref.Location {
		return store.Operation{}, apierror.NotFound("Operation '" + ref.ID + "' does not exist.")
	}
	return op, nil
}

// subject returns the Service of an operation, or nil if it is gone.
func (p *Plane) subject(op store.Operation, now time.Time) *store.Service {
	sv := p.Store.Services.Get(op.Key)
	if sv == nil || sv.UID != op.UID || sv.Gone(now) {
		return nil
	}
	return sv
}

// renderOperation returns an operation as a read shows it, and reports whether
// it is done: at its end, after a later write, or without its Service.
func (p *Plane) renderOperation(op store.Operation, name string, now time.Time) (tree.Object, bool) {
	doc := tree.Object{"name": name, "done": false, "metadata": tree.Object{"@type": "type.googleapis.com/google.cloud.run.v1.OperationMetadata"}}
	sv := p.subject(op, now)
	if sv != nil && sv.Generation == op.Generation && (op.Never || now.Before(op.End)) {
		return doc, false
	}
	doc["done"] = true
	switch {
	case op.Err != "":
		doc["error"] = tree.Object{"code": 9, "message": op.Err}
	case sv == nil:
		doc["error"] = tree.Object{"code": 10, "message": "The service was deleted."}
	default:
		doc["response"] = tree.With(lifecycle.RenderService(p.Store, sv, now), "@type", "type.googleapis.com/google.cloud.run.v1.Service")
	}
	return doc, true
}
