package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/rest"
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

// Revisions lists the Revisions of a Service, the newest first, with their share
// of the traffic and their tags. The error is a [*DeployError]. It satisfies
// IsNotFound of k8s.io/apimachinery/pkg/api/errors if the Service does not exist.
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
	var found []agedRevision // without the rest of what the server sent
	for r, err := range list[status.RevisionSummary](ctx, c, kindRevisions, []ListOption{WithService(name)}) {
		if err != nil {
			return nil, err
		}
		if err := names.Revision(r.Metadata.Name); err != nil {
			return nil, fmt.Errorf("list revisions: %w", err)
		}
		if len(found) == maxRevisions {
			return nil, fmt.Errorf("the service has more than %d revisions", maxRevisions)
		}
		found = append(found, agedRevision{r.Age(), revisionInfo(r, s)})
	}
	slices.SortFunc(found, func(a, b agedRevision) int { return b.age.Compare(a.age) })
	all := make([]RevisionInfo, len(found))
	for i, r := range found {
		all[i] = r.info
	}
	return all, nil
}

// maxRevisions bounds how many Revisions of a Service a call keeps. Cloud Run's limit is 1,000.
const maxRevisions = 10_000

type agedRevision struct {
	age  status.Age
	info RevisionInfo
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
	i.Image, i.ImageDigest = printable(i.Image, maxMessage), printable(i.ImageDigest, maxMessage)
	return i
}

// PruneRevisions deletes Revisions of a Service, the oldest first. It keeps the
// newest ones, as many as keep says, and those that serve traffic, have a tag, are
// the latest of the Service, or are needed by a rollout under way. The Service is
// read again before each deletion, so that a Revision that came into use is kept.
// Retry-After is honored.
//
// It returns the deleted Revisions. With [DryRun] it deletes nothing and returns
// the Revisions that it would delete. It continues after a deletion that is
// refused, and ends if the server stays unavailable. The error is a [*DeployError]
// with all errors joined.
func (d *Deployer) PruneRevisions(ctx context.Context, name string, keep int, opts ...PruneOption) (deleted []RevisionInfo, err error) {
	c, err := d.beginCall("prune revisions of service", name, edits.Of(opts))
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
	end := c.report.stage(StageDelete)
	deleted, err = c.deleteRevisions(ctx, old)
	end(err)
	if err == nil {
		return deleted, nil
	}
	outcome := NotWritten
	if len(deleted) > 0 {
		outcome = Written
	}
	return deleted, c.fail(StageDelete, outcome, err)
}

// unusedRevisions returns the Revisions that are neither in use nor among the newest, the oldest first.
func (c *call) unusedRevisions(ctx context.Context, newest int) ([]RevisionInfo, error) {
	all, err := c.client.revisionInfos(ctx, c.name)
	if err != nil {
		return nil, err
	}
	old := slices.DeleteFunc(all[min(newest, len(all)):], func(r RevisionInfo) bool { return r.InUse() != "" })
	slices.Reverse(old)
	return old, nil
}

// deleteRevisions deletes Revisions and joins the errors.
func (c *call) deleteRevisions(ctx context.Context, old []RevisionInfo) (deleted []RevisionInfo, err error) {
	var problems []error
	for _, r := range old {
		if ctx.Err() != nil {
			problems = append(problems, ctx.Err())
			break
		}
		err := c.deleteUnused(ctx, r.Name)
		switch {
		case err == nil:
			deleted = append(deleted, r)
		case apierrors.IsNotFound(err): // deleted by another caller
		case rest.Transient(err): // to the end of the time for retries
			return deleted, errors.Join(append(problems, err)...)
		default:
			problems = append(problems, err)
		}
	}
	return deleted, errors.Join(problems...)
}

// deleteUnused deletes a Revision unless the Service uses it.
func (c *call) deleteUnused(ctx context.Context, revision string) error {
	client := c.observed(StageDelete)
	s, err := client.GetService(ctx, c.name)
	if err != nil {
		return err
	}
	if use := traffic.UsageOf(s, revision).String(); use != "" {
		return fmt.Errorf("delete revision %q: %s", revision, use)
	}
	return client.DeleteRevision(ctx, revision)
}

// DeleteRevision deletes a Revision of a Service. It refuses to delete a Revision
// that serves traffic, has a tag, is the latest of the Service, or is needed by a
// rollout under way. The error is a [*DeployError]. It satisfies IsNotFound of
// k8s.io/apimachinery/pkg/api/errors if the Revision does not exist.
func (d *Deployer) DeleteRevision(ctx context.Context, name, revision string) error {
	c, err := d.beginCall("delete revision of service", name, nil)
	if err != nil {
		return err
	}
	defer c.report.close()
	if err := c.deleteUnused(ctx, revision); err != nil {
		return c.fail(StageDelete, outcomeOf(err), err)
	}
	return nil
}
