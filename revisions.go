package cloudrun

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cloudrun-go/cloudrun/internal/names"
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

	uid   types.UID
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
	usage := traffic.Usages(s)
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
		found = append(found, agedRevision{r.Age(), revisionInfo(r, usage(r.Metadata.Name))})
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

func revisionInfo(r *status.RevisionSummary, usage traffic.Usage) RevisionInfo {
	i := RevisionInfo{
		Name: r.Metadata.Name, uid: r.Metadata.UID, Created: r.Metadata.CreationTimestamp.Time, ImageDigest: r.Status.ImageDigest,
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
