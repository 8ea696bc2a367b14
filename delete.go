package cloudrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/answer"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/once"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
	"github.com/cloudrun-go/cloudrun/internal/transient"
	"github.com/cloudrun-go/cloudrun/internal/watch"
)

// DeleteService deletes a Service, and no other of the same name. It reads the
// Service first: a request whose response is lost is sent again only if that
// Service is still there. The server may take a while to be done; see
// [Deployer.Delete] for a call that waits. The error of a Service that does not
// exist satisfies IsNotFound of k8s.io/apimachinery/pkg/api/errors.
func (c *Client) DeleteService(ctx context.Context, name string) error {
	_, err := c.deleteService(ctx, name)
	return deletionError("delete service", err)
}

// DeleteRevision deletes a Revision, and no other of the same name. Cloud Run
// refuses to delete one that serves traffic, a cluster does not. The error of a
// Revision that does not exist satisfies IsNotFound of
// k8s.io/apimachinery/pkg/api/errors.
func (c *Client) DeleteRevision(ctx context.Context, name string) error {
	if err := c.checkRevision(name); err != nil {
		return fmt.Errorf("delete revision: %w", err)
	}
	c = c.forCall(name, false)
	_, err := c.deleteRevision(ctx, name, func(ctx context.Context) (once.Identity, error) { return c.identifyRevision(ctx, name) })
	return deletionError("delete revision", err)
}

// deletionError is the public error of a deletion that failed.
func deletionError(op string, err error) error {
	failed, ok := asType[*once.Failure](err)
	switch {
	case !ok:
		return err
	case failed.Step == once.StepRead:
		return fmt.Errorf("%s: %w", op, failed.Err)
	}
	return failed.Err
}

// deletionFailure is what a deletion may have changed, and the cause of its failure.
func deletionFailure(deleted once.Deleted, err error) (WriteOutcome, error) {
	if err == nil {
		return outcomeAfter(deleted.Outcome), nil
	}
	if failed, ok := asType[*once.Failure](err); ok {
		return outcomeAfter(failed.Outcome), failed.Err
	}
	return NotWritten, err
}

// deleteService deletes a Service. The error is a
// [*once.Failure] unless the Client or the name is invalid.
func (c *Client) deleteService(ctx context.Context, name string) (once.Deleted, error) {
	const op = "delete service"
	if err := c.checkService(name); err != nil {
		return once.Deleted{}, fmt.Errorf("%s: %w", op, err)
	}
	c = c.forCall(name, false)
	return c.deletion(op, kindServices, name, func(ctx context.Context) (once.Identity, error) {
		_, s, err := c.readService(ctx, name)
		if err != nil {
			return once.Identity{}, err
		}
		return once.Identity{UID: string(s.UID), Deleting: s.DeletionTimestamp != nil}, nil
	}).Run(ctx)
}

// deleteRevision deletes the Revision that read identifies. The error is a [*once.Failure].
func (c *Client) deleteRevision(ctx context.Context, name string, read func(context.Context) (once.Identity, error)) (once.Deleted, error) {
	return c.deletion("delete revision", kindRevisions, name, read).Run(ctx)
}

// identifyRevision reads the identity of a Revision.
func (c *Client) identifyRevision(ctx context.Context, name string) (once.Identity, error) {
	r, err := getRevision[status.RevisionSummary](ctx, c, name)
	if err != nil {
		return once.Identity{}, err
	}
	return once.Identity{UID: string(r.Metadata.UID), Deleting: r.Metadata.DeletionTimestamp != nil}, nil
}

// deletion describes the deletion of an object by a Client of one call.
func (c *Client) deletion(op, kind, name string, read func(context.Context) (once.Identity, error)) once.Deletion {
	return once.Deletion{
		Read: read, Classify: classify,
		Delete: func(ctx context.Context, uid string) error {
			body, err := c.send(ctx, rest.Request{
				Op: op, Resource: c.resource(kind, name), Permission: "run." + kind + ".delete",
				Method: http.MethodDelete, URL: c.servingURL(kind, name, nil), Body: c.deleteOptions(uid),
			})
			if err != nil {
				return err
			}
			if err := (answer.Deletion{Place: c.place(name), UID: uid}).Check(body); err != nil {
				return c.apiError(rest.Unreadable(op, c.resource(kind, name), err))
			}
			return nil
		},
		Retry: func(ctx context.Context, attempt func(context.Context) error) error {
			var strays answer.Strays
			return c.apiError(c.rest.Retry(ctx, func(ctx context.Context) error {
				err := attempt(ctx)
				if strays.End(err) {
					return rest.Final(err)
				}
				return err
			}))
		},
	}
}

// deleteOptions returns the body of a request to delete the object of a UID. Cloud
// Run knows no preconditions.
func (c *Client) deleteOptions(uid string) []byte {
	if !c.onCluster() || uid == "" {
		return nil
	}
	quoted, _ := json.Marshal(uid) // a string always has JSON
	return fmt.Appendf(nil, `{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":%s}}`, quoted)
}

// Delete deletes a Service and waits until it is gone, so that another of the
// same name can be created. With [Async] it does not wait. It succeeds when the
// Service that it read first is gone, whoever deleted it. A new Service of the same
// name, created by someone else in the meantime, is kept.
//
// The error is a [*DeployError], which reports whether the Service was deleted.
// It satisfies IsNotFound of k8s.io/apimachinery/pkg/api/errors if the Service
// does not exist; with [IfExists] that is no error. If the wait times out, it wraps
// a [*TimeoutError], and the deletion continues.
func (d *Deployer) Delete(ctx context.Context, name string, opts ...DeleteOption) (err error) {
	ctx, t := d.Client().trace(ctx, "delete service", name)
	defer func() { t.End(err) }()
	c, err := d.beginCall(t, edits.Of(opts))
	if err != nil {
		return err
	}
	defer c.report.close()
	client := c.observed(StageDelete)
	ctx, end := c.report.stage(ctx, StageDelete)
	deleted, err := client.deleteService(ctx, name)
	outcome, err := deletionFailure(deleted, err)
	switch {
	case apierrors.IsNotFound(err) && edits.Configure(c.options, deleteConfig{}).ifExists:
		err = nil
	case err == nil && !c.async:
		err = awaitGone(ctx, client, name, types.UID(deleted.UID), c.wait, c.report)
	}
	end(err)
	if err != nil {
		return c.fail(StageDelete, outcome, err)
	}
	return nil
}

// awaitGone waits until the Service of a UID is gone. What it observes is the Service, nil if there is none.
func awaitGone(ctx context.Context, services ServiceGetter, name string, uid types.UID, cfg waitConfig, report *reporter) error {
	again := transient.Polls()
	watched := watch.Watch[*servingv1.Service]{
		Timing:  cfg.timing(),
		MayPass: again,
		Judge:   watch.Until[*servingv1.Service](func(s *servingv1.Service) bool { return s == nil || uid != "" && s.UID != uid }),
		Stream:  changes(services, redact.Revealing(), again),
		Poll: func(ctx context.Context) (*servingv1.Service, error) {
			s, err := services.GetService(rest.SingleAttempt(ctx), name)
			if apierrors.IsNotFound(err) {
				return nil, nil
			}
			return s, err
		},
	}
	if report != nil {
		watched.Observer, watched.Quiet = deleteReport{report}, report.queue == nil
	}
	_, err := watched.Run(ctx)
	if late, ok := asType[*watch.TimeoutError](err); ok {
		return &TimeoutError{Service: name, Deletion: true, Waited: late.Waited, Err: late.Err, LastErr: late.LastErr}
	}
	if err != nil {
		return fmt.Errorf("wait until it is gone: %w", err)
	}
	return nil
}

// deleteReport reports the polls that fail.
type deleteReport struct{ report *reporter }

// Seen reports the poll, which found no Service or one that is being deleted.
func (r deleteReport) Seen(s *servingv1.Service) { r.report.polled(StageDelete, s) }

// Retrying reports a failed poll.
func (r deleteReport) Retrying(err error, pause time.Duration) {
	r.report.emit(Event{Kind: Retrying, Stage: StageDelete, Err: err, Delay: pause})
}

// PruneRevisions deletes Revisions of a Service, the oldest first. It keeps the
// newest ones, as many as keep says without counting those that were rejected, so
// that there is one to roll back to. It also keeps those that serve traffic, have a
// tag, are the latest of the Service, or are needed by a rollout under way, and with
// [OlderThan] those that are not old enough. The Service is read again before each
// deletion, so that a Revision that came into use is kept. Retry-After is honored.
//
// It returns the Revisions that it deleted, without those that someone else deleted
// in the meantime. With [DryRun] it deletes nothing and returns the Revisions that
// it would delete. It continues after a deletion that is refused, and ends if the
// server stays unavailable. The error is a [*DeployError] with all errors joined.
func (d *Deployer) PruneRevisions(ctx context.Context, name string, keep int, opts ...PruneOption) (deleted []RevisionInfo, err error) {
	ctx, t := d.Client().trace(ctx, "prune revisions of service", name)
	defer func() { t.End(err) }()
	c, err := d.beginCall(t, edits.Of(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	if keep < 1 {
		return nil, c.fail(StageOptions, NotWritten, &OptionError{Option: fmt.Sprintf("keep %d", keep), Reason: "at least one revision must be kept"})
	}
	old, err := c.unusedRevisions(ctx, keep)
	if err != nil {
		return nil, c.fail(StageRead, NotWritten, err)
	}
	if edits.Configure(c.options, dryRunConfig{}).on {
		return old, nil
	}
	ctx, end := c.report.stage(ctx, StageDelete)
	deleted, outcome, err := c.deleteRevisions(ctx, old)
	end(err)
	if err == nil {
		return deleted, nil
	}
	return deleted, c.fail(StageDelete, outcome, err)
}

// unusedRevisions returns the Revisions that are old enough and neither in use nor
// among the newest, the oldest first.
func (c *call) unusedRevisions(ctx context.Context, newest int) ([]RevisionInfo, error) {
	all, err := c.client.revisionInfos(ctx, c.name)
	if err != nil {
		return nil, err
	}
	selected := edits.Configure(c.options, listConfig{})
	old := slices.DeleteFunc(all, func(r RevisionInfo) bool {
		if newest > 0 && !r.Rejected {
			newest--
			return true
		}
		return newest > 0 || r.InUse() != "" || !selected.selects(r.Created)
	})
	slices.Reverse(old)
	return old, nil
}

// deleteRevisions deletes Revisions and joins the errors.
func (c *call) deleteRevisions(ctx context.Context, old []RevisionInfo) (deleted []RevisionInfo, outcome WriteOutcome, err error) {
	var problems []error
	for _, r := range old {
		if ctx.Err() != nil {
			problems = append(problems, ctx.Err())
			break
		}
		known := once.Identity{UID: string(r.uid)}
		done, err := c.deleteUnused(ctx, r.Name, &known)
		if done == Written || done == WriteUnknown && outcome == NotWritten {
			outcome = done
		}
		switch {
		case err == nil && done != Written: // deleted by another caller
		case err == nil:
			deleted = append(deleted, r)
		case apierrors.IsNotFound(err): // deleted by another caller
		case rest.Transient(err), errors.Is(err, answer.ErrOtherPlace): // to the end of the time for retries, or of the tries
			return deleted, outcome, errors.Join(append(problems, err)...)
		default:
			problems = append(problems, err)
		}
	}
	return deleted, outcome, errors.Join(problems...)
}

// deleteUnused deletes a Revision unless the Service uses it, which it looks at
// again before each try. known identifies the Revision; nil to read that first.
func (c *call) deleteUnused(ctx context.Context, revision string, known *once.Identity) (WriteOutcome, error) {
	client := c.observed(StageDelete)
	return deletionFailure(client.deleteRevision(ctx, revision, func(ctx context.Context) (once.Identity, error) {
		s, err := client.GetService(ctx, c.name)
		if err != nil {
			return once.Identity{}, err
		}
		if use := traffic.UsageOf(s, revision).String(); use != "" {
			return once.Identity{}, fmt.Errorf("delete revision %q: %s", revision, use)
		}
		if known != nil {
			defer func() { known = nil }()
			return *known, nil
		}
		return client.identifyRevision(ctx, revision)
	}))
}

// DeleteRevision deletes a Revision of a Service, and no other of the same name. It
// refuses to delete a Revision that serves traffic, has a tag, is the latest of the
// Service, or is needed by a rollout under way. The error is a [*DeployError]. It
// satisfies IsNotFound of k8s.io/apimachinery/pkg/api/errors if the Revision does
// not exist.
func (d *Deployer) DeleteRevision(ctx context.Context, name, revision string) (err error) {
	ctx, t := d.Client().trace(ctx, "delete revision of service", name)
	defer func() { t.End(err) }()
	c, err := d.beginCall(t, nil)
	if err != nil {
		return err
	}
	defer c.report.close()
	if err := c.client.checkRevision(revision); err != nil {
		return c.fail(StageOptions, NotWritten, err)
	}
	if outcome, err := c.deleteUnused(ctx, revision, nil); err != nil {
		return c.fail(StageDelete, outcome, err)
	}
	return nil
}
