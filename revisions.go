package cloudrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// RevisionInfo describes a Revision of a Service.
type RevisionInfo struct {
	Name    string
	Created time.Time
	// Image is the image of the ingress container as requested, and ImageDigest
	// the one that runs. ImageDigest is empty if the server does not report it.
	Image, ImageDigest string
	// Percent is the Revision's share of the traffic of the Service, 0 to 100.
	Percent int64
	// Tags are the tags of the Revision.
	Tags []string
	// Ready reports whether the Revision can serve. If not, Reason and Message explain why.
	Ready           bool
	Reason, Message string
	// LatestCreated and LatestReady report whether the Service names the Revision so.
	LatestCreated, LatestReady bool

	inUse string
}

// Age returns the time since the Revision was created.
func (r RevisionInfo) Age() time.Duration { return time.Since(r.Created) }

// InUse returns why the Revision cannot be deleted, or an empty string if it can.
func (r RevisionInfo) InUse() string { return r.inUse }

// Revisions lists the Revisions of a Service, the newest first, with their
// share of the traffic and their tags. The error of a Service that does not
// exist satisfies IsNotFound of k8s.io/apimachinery/pkg/api/errors.
func (d *Deployer) Revisions(ctx context.Context, name string) ([]RevisionInfo, error) {
	c, err := d.beginCall("list revisions of service", name, nil)
	if err != nil {
		return nil, err
	}
	all, err := c.client.revisionInfos(ctx, name)
	if err != nil {
		return nil, c.fail(StageRead, NotWritten, err)
	}
	return all, nil
}

func (c *Client) revisionInfos(ctx context.Context, name string) ([]RevisionInfo, error) {
	s, err := c.GetService(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []RevisionInfo
	for r, err := range list[status.RevisionSummary](ctx, c, kindRevisions, []ListOption{WithService(name)}) {
		if err != nil {
			return nil, err
		}
		all = append(all, revisionInfo(r, s))
	}
	slices.SortFunc(all, func(a, b RevisionInfo) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.Name, a.Name))
	})
	return all, nil
}

func revisionInfo(r *status.RevisionSummary, s *servingv1.Service) RevisionInfo {
	usage := traffic.UsageOf(s, r.Metadata.Name)
	i := RevisionInfo{
		Name: r.Metadata.Name, Created: r.Metadata.CreationTimestamp.Time, ImageDigest: r.Status.ImageDigest,
		Percent: usage.Percent, Tags: usage.Tags,
		LatestCreated: usage.LatestCreated, LatestReady: usage.LatestReady, inUse: usage.String(),
	}
	if ingress := r.IngressContainer(); ingress != nil {
		i.Image, i.ImageDigest = ingress.Image, r.Digest(ingress.Name)
	}
	if ready := status.Find(r.Status.Conditions, status.ConditionReady); ready != nil && ready.Status == corev1.ConditionTrue {
		i.Ready = true
	} else if ready != nil {
		i.Reason, i.Message = printable(ready.Reason, 200), printable(ready.Message, maxMessage)
	}
	return i
}

// Prunable tells which Revisions [Deployer.PruneRevisions] would delete: all
// but those in use and the keep newest, the oldest first.
func (d *Deployer) Prunable(ctx context.Context, name string, keep int) ([]RevisionInfo, error) {
	if keep < 1 {
		return nil, &DeployError{Op: "prune revisions of service", Service: name, Stage: StageOptions,
			Err: &OptionError{Option: fmt.Sprintf("keep %d", keep), Reason: "at least one revision must be kept"}}
	}
	all, err := d.Revisions(ctx, name)
	if err != nil {
		return nil, err
	}
	old := slices.DeleteFunc(all[min(keep, len(all)):], func(r RevisionInfo) bool { return r.InUse() != "" })
	slices.Reverse(old)
	return old, nil
}

// PruneRevisions deletes Revisions of a Service that nobody needs, the oldest
// first: all but the keep newest and those that serve traffic, have a tag, are
// the latest of the Service, or may get traffic back from a [Deployer.Rollout]
// that is not finished. Right before each deletion the Service is read
// again, so that what has come into use meanwhile stays. A server that asks for
// patience gets it. [Deployer.Prunable] tells what would be deleted.
//
// It returns the names of those deleted. One that cannot be deleted does not
// keep the others from it: the error joins those of all.
func (d *Deployer) PruneRevisions(ctx context.Context, name string, keep int) (deleted []string, err error) {
	old, err := d.Prunable(ctx, name, keep)
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, r := range old {
		if ctx.Err() != nil {
			problems = append(problems, ctx.Err())
			break
		}
		err := d.deleteUnused(ctx, name, r.Name)
		switch {
		case err == nil:
			deleted = append(deleted, r.Name)
		case apierrors.IsNotFound(err): // somebody else was faster
		default:
			problems = append(problems, err)
		}
	}
	if len(problems) == 0 {
		return deleted, nil
	}
	outcome := NotWritten
	if len(deleted) > 0 {
		outcome = Written
	}
	return deleted, &DeployError{Op: "prune revisions of service", Service: name, Stage: StageDelete, Outcome: outcome, Err: errors.Join(problems...)}
}

// deleteUnused deletes a Revision, unless the Service has begun to use it.
func (d *Deployer) deleteUnused(ctx context.Context, service, revision string) error {
	s, err := d.client.GetService(ctx, service)
	if err != nil {
		return err
	}
	if use := traffic.UsageOf(s, revision).String(); use != "" {
		return fmt.Errorf("delete revision %q: %s", revision, use)
	}
	return d.client.DeleteRevision(ctx, revision)
}

// DeleteRevision deletes a Revision of a Service. One that serves traffic, has a
// tag or is the latest of the Service is not deleted: the error tells why. The
// error is a [*DeployError]; that of a Revision that does not exist satisfies
// IsNotFound of k8s.io/apimachinery/pkg/api/errors.
func (d *Deployer) DeleteRevision(ctx context.Context, name, revision string) error {
	c, err := d.beginCall("delete revision of service", name, nil)
	if err != nil {
		return err
	}
	if err := d.deleteUnused(ctx, name, revision); err != nil {
		return c.fail(StageDelete, outcomeOf(err), err)
	}
	return nil
}
