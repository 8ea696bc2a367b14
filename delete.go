package cloudrun

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// Delete deletes a Service and waits until it is gone, so that one of the same
// name can be created anew; with [Async] it does not wait. One that was made
// anew by somebody else meanwhile counts as gone.
//
// The error is a [*DeployError], which tells whether the Service was deleted.
// That of a Service that does not exist satisfies IsNotFound of
// k8s.io/apimachinery/pkg/api/errors. When the wait takes too long, a
// [*TimeoutError] is in it: the deletion goes on.
func (d *Deployer) Delete(ctx context.Context, name string, opts ...CallOption) error {
	c, err := d.beginCall("delete service", name, opts)
	if err != nil {
		return err
	}
	defer c.report.close()
	client := c.client
	if c.report != nil {
		client = client.observed(c.report.retrying(StageDelete))
	}
	end := c.report.stage(StageDelete)
	err = client.DeleteService(ctx, name)
	outcome := outcomeOf(err)
	if err == nil && !c.async {
		outcome = Written
		err = c.awaitGone(ctx, client)
	}
	end(err)
	if err != nil {
		return c.fail(StageDelete, outcome, err)
	}
	return nil
}

// beginCall checks the name and the options of a call that sets up no Service.
func (d *Deployer) beginCall(op, name string, opts []CallOption) (*deployment, error) {
	strict := Deployer{client: d.client, defaults: d.callDefaults()}
	c, err := strict.begin(op, name, edits.Of(opts))
	return c, err
}

// awaitGone waits until the Service is gone.
func (c *deployment) awaitGone(ctx context.Context, client *Client) error {
	start := time.Now()
	wctx, cancel := context.WithTimeout(ctx, c.wait.timeout)
	defer cancel()
	interval := backoff.NewExponentialBackOff(backoff.WithInitialInterval(c.wait.pollInitial), backoff.WithMultiplier(1.4),
		backoff.WithRandomizationFactor(0.2), backoff.WithMaxInterval(c.wait.pollMax), backoff.WithMaxElapsedTime(0))
	var uid types.UID
	for {
		s, err := client.GetService(wctx, c.name)
		switch {
		case isMissing(err):
			return nil
		case err == nil && uid != "" && s.UID != uid:
			return nil
		case err == nil:
			uid = s.UID
		case wctx.Err() == nil:
			return fmt.Errorf("wait until it is gone: %w", err)
		}
		if err := sleep(wctx, interval.NextBackOff()); err != nil {
			return &TimeoutError{Service: c.name, Deletion: true, Waited: time.Since(start), Err: err}
		}
	}
}
