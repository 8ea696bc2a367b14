package cloudrun

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/transient"
	"github.com/cloudrun-go/cloudrun/internal/watch"
)

// DeleteService deletes a Service. The server may take a while to be done; see
// [Deployer.Delete] for a call that waits. The error of a Service that does not
// exist satisfies IsNotFound of k8s.io/apimachinery/pkg/api/errors.
func (c *Client) DeleteService(ctx context.Context, name string) error {
	if err := c.checkService(name); err != nil {
		return fmt.Errorf("delete service: %w", err)
	}
	return c.delete(ctx, "delete service", kindServices, name)
}

// Delete deletes a Service and waits until it is gone, so that another of the
// same name can be created. With [Async] it does not wait. A new Service of the
// same name, created by someone else in the meantime, ends the wait too.
//
// The error is a [*DeployError], which reports whether the Service was deleted.
// It satisfies IsNotFound of k8s.io/apimachinery/pkg/api/errors if the Service
// does not exist. If the wait times out, it wraps a [*TimeoutError], and the
// deletion continues.
func (d *Deployer) Delete(ctx context.Context, name string, opts ...CallOption) error {
	c, err := d.beginCall("delete service", name, edits.Of(opts))
	if err != nil {
		return err
	}
	defer c.report.close()
	client := c.observed(StageDelete)
	end := c.report.stage(StageDelete)
	err = client.DeleteService(ctx, name)
	outcome := outcomeOf(err)
	if err == nil && !c.async {
		outcome = Written
		err = awaitGone(ctx, client, name, c.wait, c.report)
	}
	end(err)
	if err != nil {
		return c.fail(StageDelete, outcome, err)
	}
	return nil
}

// awaitGone waits until a Service is gone. What it observes is the Service, nil if there is none.
func awaitGone(ctx context.Context, services ServiceGetter, name string, cfg waitConfig, report *reporter) error {
	watched := watch.Watch[*servingv1.Service]{
		Timing:  cfg.timing(),
		MayPass: transient.Polls(),
		Judge:   &goneJudge{},
		Stream:  changes(services, redact.Revealing()),
		Poll: func(ctx context.Context) (*servingv1.Service, error) {
			s, err := services.GetService(rest.SingleAttempt(ctx), name)
			if apierrors.IsNotFound(err) {
				return nil, nil
			}
			return s, err
		},
	}
	if report != nil {
		watched.Observer = deleteReport{report}
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

// goneJudge waits until the Service that it sees first is gone.
type goneJudge struct{ uid types.UID }

// Judge returns Done if there is no Service, or another one.
func (j *goneJudge) Judge(s *servingv1.Service, _ error) watch.Verdict {
	if s == nil || j.uid != "" && s.UID != j.uid {
		return watch.Verdict{State: watch.Done}
	}
	j.uid = s.UID
	return watch.Verdict{State: watch.Pending}
}

// Confirm agrees.
func (*goneJudge) Confirm(context.Context, *servingv1.Service) (watch.Verdict, error) {
	return watch.Verdict{State: watch.Done}, nil
}

// Failure is never called: a deletion does not fail.
func (*goneJudge) Failure(context.Context, *servingv1.Service, error) error { return nil }

// deleteReport reports the polls that fail.
type deleteReport struct{ report *reporter }

// Seen reports nothing.
func (deleteReport) Seen(*servingv1.Service) {}

// Retrying reports a failed poll.
func (r deleteReport) Retrying(err error, pause time.Duration) {
	r.report.emit(Event{Kind: Retrying, Stage: StageDelete, Err: err, Delay: pause})
}
