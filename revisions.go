package cloudrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// RevisionInfo is what there is to know about a Revision of a Service.
type RevisionInfo struct {
	Name    string
	Created time.Time
	// Image is that of the ingress container as it was asked for, ImageDigest
	// the one that runs; empty if the server does not tell.
	Image, ImageDigest string
	// Percent is the share of the Service's traffic that the Revision gets, 0 to 100.
	Percent int64
	// Tags are those by which the Revision can be reached.
	Tags []string
	// Ready tells that the Revision can serve. If it cannot, or not yet, Reason and Message tell why.
	Ready           bool
	Reason, Message string
	// LatestCreated and LatestReady tell that the Service names it so.
	LatestCreated, LatestReady bool

	named   bool // by the Service's template
	rollout bool // in a rollout that is not finished
}

// Age is how long ago the Revision was made.
func (r RevisionInfo) Age() time.Duration { return time.Since(r.Created) }

// InUse tells why the Revision cannot be deleted; empty if it can.
func (r RevisionInfo) InUse() string {
	switch {
	case r.Percent > 0:
		return fmt.Sprintf("it serves %d %% of the traffic", r.Percent)
	case len(r.Tags) > 0:
		return "it is tagged " + strings.Join(r.Tags, ", ")
	case r.LatestCreated, r.named:
		return "it is the service's latest revision"
	case r.LatestReady:
		return "it is the service's latest ready revision"
	case r.rollout:
		return "a rollout that is under way needs it, or the return from it"
	}
	return ""
}

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
	for r, err := range list[listedRevision](ctx, c, kindRevisions, []ListOption{WithService(name)}) {
		if err != nil {
			return nil, err
		}
		all = append(all, r.info(s))
	}
	slices.SortFunc(all, func(a, b RevisionInfo) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.Name, a.Name))
	})
	return all, nil
}

// listedRevision is the part of a Revision that is listed.
type listedRevision struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Containers []corev1.Container `json:"containers"`
	} `json:"spec"`
	Status struct {
		Conditions  []Condition `json:"conditions"`
		ImageDigest string      `json:"imageDigest"` // Cloud Run
	} `json:"status"`
}

func (r *listedRevision) info(s *servingv1.Service) RevisionInfo {
	i := RevisionInfo{
		Name: r.Metadata.Name, Created: r.Metadata.CreationTimestamp.Time, ImageDigest: r.Status.ImageDigest,
		LatestCreated: s.Status.LatestCreatedRevisionName == r.Metadata.Name,
		LatestReady:   s.Status.LatestReadyRevisionName == r.Metadata.Name,
		named:         s.Spec.Template.Name == r.Metadata.Name,
	}
	if rollout, err := traffic.ReadRollout(s); err == nil && rollout != nil {
		i.rollout = rollout.Needs(i.Name)
	}
	for n, c := range r.Spec.Containers {
		if n == 0 || len(c.Ports) > 0 {
			i.Image = c.Image
		}
	}
	if ready := status.Find(r.Status.Conditions, status.ConditionReady); ready != nil {
		i.Ready = ready.Status == corev1.ConditionTrue
		if !i.Ready {
			i.Reason, i.Message = printable(ready.Reason, 200), printable(ready.Message, maxMessage)
		}
	}
	i.Percent = max(percentOn(s.Spec.Traffic, i), percentOn(s.Status.Traffic, i))
	i.Tags = append(tagsOn(s.Spec.Traffic, i), tagsOn(s.Status.Traffic, i)...)
	slices.Sort(i.Tags)
	i.Tags = slices.Compact(i.Tags)
	return i
}

// leadsTo reports whether a target sends requests to a Revision.
func leadsTo(t servingv1.TrafficTarget, r RevisionInfo) bool {
	return t.RevisionName == r.Name || t.RevisionName == "" && traffic.IsLatest(t) && r.LatestReady
}

func percentOn(targets []servingv1.TrafficTarget, r RevisionInfo) (percent int64) {
	for _, t := range targets {
		if leadsTo(t, r) {
			percent += traffic.Percent(t)
		}
	}
	return percent
}

func tagsOn(targets []servingv1.TrafficTarget, r RevisionInfo) (tags []string) {
	for _, t := range targets {
		if t.Tag != "" && leadsTo(t, r) {
			tags = append(tags, t.Tag)
		}
	}
	return tags
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
		err := d.deleteUnused(ctx, name, r)
		switch {
		case err == nil:
			deleted = append(deleted, r.Name)
		case isMissing(err): // somebody else was faster
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
func (d *Deployer) deleteUnused(ctx context.Context, name string, r RevisionInfo) error {
	s, err := d.client.GetService(ctx, name)
	if err != nil {
		return err
	}
	now := listedRevision{Metadata: metav1.ObjectMeta{Name: r.Name}}
	if use := now.info(s).InUse(); use != "" {
		return fmt.Errorf("delete revision %q: %s", r.Name, use)
	}
	return d.client.DeleteRevision(ctx, r.Name)
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
	if err := d.deleteUnused(ctx, name, RevisionInfo{Name: revision}); err != nil {
		return c.fail(StageDelete, outcomeOf(err), err)
	}
	return nil
}
