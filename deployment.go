package cloudrun

import (
	"context"
	"errors"
	"sync"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

// deployment is one call of a Deployer under way.
type deployment struct {
	op       string
	client   *Client
	name     string
	options  *edits.Set
	cfg      deployConfig
	wait     waitConfig
	async    bool
	traffic  trafficEdit
	report   *reporter
	warnings []string
	goal     status.Goal
	before   []servingv1.TrafficTarget // the traffic before the call
}

// newDeployment is a call as its options configure it.
func newDeployment(op string, client *Client, name string, options *edits.Set) *deployment {
	return &deployment{
		op: op, client: client, name: name, options: options, goal: status.GoalServing,
		cfg:     edits.Configure(options, deployConfig{}),
		wait:    edits.Configure(options, defaultWait()),
		async:   edits.Configure(options, callConfig{}).async,
		traffic: edits.Configure(options, trafficEdit{}),
	}
}

// fail is the error of the call.
func (c *deployment) fail(stage Stage, outcome WriteOutcome, err error) error {
	return &DeployError{Op: c.op, Service: c.name, Stage: stage, Outcome: outcome, Err: err}
}

// write writes the Service.
func (c *deployment) write(ctx context.Context, u *updater) (*written, error) {
	u.op, u.name, u.client = c.op, c.name, c.client
	if c.report != nil {
		u.client = c.client.observed(c.report.retrying(StageWrite))
	}
	end := c.report.stage(StageWrite)
	w, err := u.run(ctx)
	end(err)
	return w, err
}

// finish waits until what was written is ready, writes the IAM policy beside
// that, and tells the result. The mark is that of the new Revision, nil if there is none.
func (c *deployment) finish(ctx context.Context, w *written, mark *nonce) (*Result, error) {
	var publishing sync.WaitGroup
	var published error
	publishing.Go(func() { published = c.publish(ctx, w) })
	s, waited := c.await(ctx, w, mark)
	publishing.Wait()

	outcome := NotWritten
	if w.changed {
		outcome = Written
	}
	result := c.result(w, s, mark)
	switch {
	case waited != nil:
		return result, c.fail(StageWait, outcome, errors.Join(waited, published))
	case published != nil:
		return result, c.fail(StagePublish, outcome, published)
	}
	return result, nil
}

// await waits for the Service that was written, unless that is not wanted. With
// an error it gives the Service as it was last seen, if that is known.
func (c *deployment) await(ctx context.Context, w *written, mark *nonce) (*servingv1.Service, error) {
	if c.async {
		return w.service, nil
	}
	wait := serviceWait{
		services: c.client, name: c.name, cfg: c.wait, report: c.report, goal: c.goal,
		write: &status.Write{Service: w.service, Generation: w.generation},
	}
	if mark != nil {
		wait.write.Nonce = mark.value
		wait.marked = func(ctx context.Context) (int, error) { return mark.revisions(ctx, c.client, 2) }
	}
	s, err := wait.run(ctx)
	if s == nil {
		s = w.service
	}
	return s, err
}

// publish writes the IAM policy, as far as the call decides it.
func (c *deployment) publish(ctx context.Context, w *written) error {
	a := access{public: c.cfg.public}
	if w.created && a.public != nil && !*a.public {
		a.public = nil // a new Service is private
	}
	if c.cfg.iap {
		a.proxy = "serviceAccount:service-" + w.service.Namespace + "@gcp-sa-iap.iam.gserviceaccount.com"
	}
	if a.public == nil && a.proxy == "" {
		return nil
	}
	client := c.client
	if c.report != nil {
		client = client.observed(c.report.retrying(StagePublish))
	}
	end := c.report.stage(StagePublish)
	err := client.updatePolicy(ctx, "set who may call service", c.name, policyMode{fresh: w.created, versionAsRead: true, newAgent: c.cfg.iap}, a.edit)
	if known, ok := asType[*DeployError](err); ok {
		err = known.Err // the call's own error tells the rest
	}
	end(err)
	return err
}
