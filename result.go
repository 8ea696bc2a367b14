package cloudrun

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/preflight"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/telemetry"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Action is what a call did to the Service.
type Action string

// The actions.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Unchanged Action = "unchanged"
)

// Result is what a call of a [Deployer] did. Its text, its JSON and its form in
// logs have no values of variables.
type Result struct {
	// Service is the Service as it was last seen. Only its name is part of the
	// result's text, JSON and logs.
	Service *servingv1.Service `json:"-"`
	// Project and Region are the location of the Service. On a cluster, Project is
	// the namespace and Region is empty.
	Project string `json:"project"`
	Region  string `json:"region,omitempty"`
	// Generation is the generation of the Service that the call wrote; the current
	// one if it wrote nothing.
	Generation int64 `json:"generation"`
	// Action reports whether the Service was created, updated or not changed.
	Action Action `json:"action"`
	// Revision is the new Revision, or the latest one if the call made none.
	// It is empty if the server has not named it yet, such as after [Async].
	Revision string `json:"revision,omitempty"`
	// Percent is the share of the traffic that the Revision gets, 0 to 100. If it
	// is not ready yet, it gets the share when it is.
	Percent int64 `json:"percent"`
	// Ready reports whether the Service was ready when it was last seen. It is
	// usually false after [Async].
	Ready bool `json:"ready"`
	// URL is the first URL of the Service; empty if it has none, or none yet.
	URL string `json:"url,omitempty"`
	// URLs are all URLs of the Service itself.
	URLs []string `json:"urls,omitempty"`
	// TagURLs are the URLs of the tagged Revisions, by tag.
	TagURLs map[string]string `json:"tagUrls,omitempty"`
	// PreviousTraffic is the traffic of the Service before the call. A target that
	// follows the latest ready Revision names it. [RollbackToTraffic] goes back to
	// it. It is empty if the call created the Service.
	PreviousTraffic []servingv1.TrafficTarget `json:"previousTraffic,omitempty"`
	// Warnings do not make the call fail, such as that the new Revision gets no
	// traffic because the traffic is pinned to another.
	Warnings []string `json:"warnings,omitempty"`
	// Duration is how long the call took. Its JSON is a number of seconds, durationSeconds.
	Duration time.Duration `json:"-"`
}

// String returns what the call did, on one line.
func (r Result) String() string {
	when := ""
	if !r.Ready && r.Percent > 0 {
		when = " when it is ready"
	}
	return fmt.Sprintf("%s: %s: revision %q with %d%% of the traffic%s, %q (%v)",
		heading(r.name(), r.Project, r.Region), r.Action, r.Revision, r.Percent, when, r.URL, r.Duration.Round(time.Millisecond))
}

// heading names a Service and where it is.
func heading(service, project, region string) string {
	place := project
	if region != "" {
		place += ", " + region
	}
	return fmt.Sprintf("service %q (%s)", service, place)
}

// MarshalJSON encodes the result as an object with the fields service, project,
// region, generation, action, revision, percent, ready, url, urls, tagUrls,
// previousTraffic, warnings and durationSeconds. The service is its name.
func (r Result) MarshalJSON() ([]byte, error) {
	type fields Result // without this method
	return json.Marshal(struct {
		Service string `json:"service"`
		fields
		Seconds float64 `json:"durationSeconds"`
	}{r.name(), fields(r), r.Duration.Seconds()})
}

// LogValue returns the result as a group of the attributes that its JSON has.
func (r Result) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("service", r.name()), slog.String("project", r.Project)}
	if r.Region != "" {
		attrs = append(attrs, slog.String("region", r.Region))
	}
	attrs = append(attrs, slog.Int64("generation", r.Generation), slog.String("action", string(r.Action)),
		slog.String("revision", r.Revision), slog.Int64("percent", r.Percent), slog.Bool("ready", r.Ready), slog.String("url", r.URL))
	if len(r.TagURLs) > 0 {
		attrs = append(attrs, slog.Any("tagUrls", r.TagURLs))
	}
	if len(r.Warnings) > 0 {
		attrs = append(attrs, slog.Any("warnings", r.Warnings))
	}
	return slog.GroupValue(append(attrs, slog.Duration("duration", r.Duration))...)
}

// name returns the name of the Service; empty without one.
func (r Result) name() string {
	if r.Service == nil {
		return ""
	}
	return r.Service.Name
}

// traced returns the result for the span of the call; empty if there is none.
func (r *Result) traced() (v telemetry.Result) {
	if r != nil {
		v = telemetry.Result{Action: string(r.Action), Generation: r.Generation, Revision: r.Revision, Duration: r.Duration, Ready: r.Ready && r.Action != Unchanged}
	}
	return v
}

// ending is how a call goes on after its write.
type ending struct {
	goal           status.Goal
	made           nonce.Nonce // of the new Revision; empty if there is none
	access         access      // what becomes of the IAM policy
	latest         string      // the latest Revision before the write; empty if that does not matter
	withoutTraffic bool        // the new Revision is not meant to get traffic
}

// result returns the result of the call, whose Service was last seen as s, and
// reports its warnings.
func (c *call) result(w written, s *servingv1.Service, e ending, superseded *status.RevisionSummary) *Result {
	urls, revision := status.URLs(s), status.RevisionOf(s, e.made, superseded)
	r := &Result{
		Service: s, Project: c.client.Project(), Region: c.client.Region(), Generation: w.generation, Action: actionOf(w),
		Revision: revision, Percent: status.Share(s, revision), Ready: s.IsReady(), URLs: urls, TagURLs: status.TagURLs(s),
		PreviousTraffic: w.composed.previous, Warnings: c.warnings(w, s, e, revision, superseded != nil), Duration: time.Since(c.began),
	}
	if len(urls) > 0 {
		r.URL = urls[0]
	}
	for _, warning := range r.Warnings {
		c.report.emit(Event{Kind: Warned, Stage: StageWait, Generation: s.Generation, Message: warning})
	}
	return r
}

// warnings returns the warnings of the call about its Revision, which another
// writer may have superseded, and those of the server last.
func (c *call) warnings(w written, s *servingv1.Service, e ending, revision string, superseded bool) []string {
	all := slices.Concat(w.composed.warnings, status.Warnings(s.Status.Conditions))
	if superseded {
		all = append(all, fmt.Sprintf("another writer has changed the service since: %s is not its latest revision", revision))
	} else if e.isNew(revision) && !e.withoutTraffic && status.AskedShare(s, revision) == 0 {
		all = append(all, pinnedWarning(s, revision))
	}
	all = append(all, c.client.rest.Call.Warnings()...)
	c.client.known.Hide(all)
	return all
}

// isNew reports whether the write made the Revision.
func (e ending) isNew(revision string) bool {
	return e.made != "" || e.latest != "" && revision != "" && revision != e.latest
}

func actionOf(w written) Action {
	switch {
	case w.created:
		return Created
	case w.changed:
		return Updated
	}
	return Unchanged
}

func pinnedWarning(s *servingv1.Service, revision string) string {
	return printable(fmt.Sprintf("%s gets no traffic, which is pinned to %s: move it to the revision, or to the latest one",
		cmp.Or(revision, "the new revision"), traffic.Describe(s.Spec.Traffic)), maxMessage)
}

// PreflightReport is what would keep a Deploy from succeeding. [Deployer.Preflight] returns it.
type PreflightReport struct {
	// Problems are what would make the Deploy fail: a [*PermissionError] for each
	// missing permission, and errors about what does not exist.
	Problems []error
	// Optional are missing permissions that a Deploy works without: it polls instead
	// of waiting for an operation, and its errors have no lines of logs.
	Optional []*PermissionError
	// Unchecked is what could not be asked, and why.
	Unchecked []string
}

// Err returns the problems, joined; nil if there are none.
func (r *PreflightReport) Err() error { return errors.Join(r.Problems...) }

// String returns a line for each finding, or "nothing is missing".
func (r *PreflightReport) String() string {
	var lines []string
	for _, problem := range r.Problems {
		lines = append(lines, problem.Error())
	}
	for _, missing := range r.Optional {
		lines = append(lines, "optional: "+missing.Error())
	}
	for _, what := range r.Unchecked {
		lines = append(lines, "not checked: "+what)
	}
	return cmp.Or(strings.Join(lines, "\n"), "nothing is missing")
}

// preflight asks what a composition needs.
func (c *call) preflight(ctx context.Context, composition *composition) (*PreflightReport, error) {
	client := c.observed(StagePreflight)
	if client.onCluster() {
		return nil, ErrNotOnCluster
	}
	base, err := (&serviceStore{client: client, name: c.name}).Read(ctx)
	if denied, ok := asType[*PermissionError](err); ok {
		return &PreflightReport{Problems: []error{denied}, Unchecked: []string{"all else, because it depends on the Service"}}, nil
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, err
	}
	s, err := composition.intended(base)
	if err != nil {
		return nil, err
	}
	found, err := preflight.Run(ctx, client.ask, composition.needs(base, s, c.wait.logLines > 0))
	if err != nil {
		return nil, err
	}
	problems, unread := client.checkImages(ctx, composition.cfg.checkImage, composition.cfg.pinImage, s.Spec.Template.Spec.Containers)
	report := &PreflightReport{Problems: problems, Unchecked: append(found.Unchecked, unread...)}
	for _, m := range found.Missing {
		missing := client.lacking(m.Permission, m.Resource, cmp.Or(m.Member, client.principal()), nil)
		if m.Optional {
			report.Optional = append(report.Optional, missing)
		} else {
			report.Problems = append(report.Problems, missing)
		}
	}
	for _, problem := range found.Problems {
		report.Problems = append(report.Problems, errors.New(problem))
	}
	return report, ctx.Err()
}

// RevisionInfo describes a Revision of a Service.
type RevisionInfo struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	// Image is the image of the ingress container as requested, and ImageDigest
	// the one that runs. ImageDigest is empty if the server does not report it.
	Image       string `json:"image,omitempty"`
	ImageDigest string `json:"imageDigest,omitempty"`
	// Percent is the Revision's share of the traffic of the Service, 0 to 100.
	Percent int64 `json:"percent"`
	// Tags are the tags of the Revision.
	Tags []string `json:"tags,omitempty"`
	// Ready reports whether the Revision can serve. If not, Reason and Message explain why.
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// LatestCreated and LatestReady report whether the Service names the Revision so.
	LatestCreated bool `json:"latestCreated,omitempty"`
	LatestReady   bool `json:"latestReady,omitempty"`
	// Rejected reports whether a rollout of the Revision has ended without success, or
	// the traffic was rolled back from it, so that [Deployer.Rollback] skips it.
	Rejected bool `json:"rejected,omitempty"`

	uid   types.UID
	inUse string
	rank  int // how recently it is known to have served, from 1; 0 if that is not known
}

// Age returns the time since the Revision was created.
func (r RevisionInfo) Age() time.Duration { return time.Since(r.Created) }

// InUse returns why the Revision cannot be deleted, or an empty string if it can.
func (r RevisionInfo) InUse() string { return r.inUse }

// maxRevisions bounds how many Revisions of a Service a call keeps. Cloud Run's limit is 1,000.
const maxRevisions = 10_000

type agedRevision struct {
	age  status.Age
	info RevisionInfo
}

// revisionInfo describes a Revision.
func revisionInfo(r *status.RevisionSummary, usage traffic.Usage) RevisionInfo {
	i := RevisionInfo{
		Name: r.Metadata.Name, uid: r.Metadata.UID, Created: r.Metadata.CreationTimestamp.Time, ImageDigest: r.Status.ImageDigest,
		Percent: usage.Percent, Tags: usage.Tags,
		LatestCreated: usage.LatestCreated, LatestReady: usage.LatestReady, Rejected: usage.Rejected,
		inUse: usage.String(), rank: usage.Rank,
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

// revisionsOf returns the Revisions with a nonce, up to a limit. Each change of
// another writer to the template adds one.
func (c *Client) revisionsOf(ctx context.Context, n nonce.Nonce, limit int) (all []*status.RevisionSummary, err error) {
	for r, err := range list[status.RevisionSummary](ctx, c, kindRevisions,
		[]ListOption{WithLabelSelector(nonce.Label + "=" + string(n)), WithPageSize(limit)}) {
		if err != nil {
			return nil, err
		}
		if all = append(all, r); len(all) == limit {
			break
		}
	}
	return all, nil
}
