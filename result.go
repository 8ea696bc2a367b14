package cloudrun

import (
	"encoding/json"
	"fmt"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

const annotationURLs = "run.googleapis.com/urls"

// Action tells what a call did to the Service.
type Action string

// What a call can do to a Service.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Unchanged Action = "unchanged"
)

// Result tells what a call of a [Deployer] did.
type Result struct {
	// Service is the Service as it was last seen.
	Service *servingv1.Service
	// Action tells whether the Service was created, updated or left as it was.
	Action Action
	// Revision is the new Revision, or the latest one if the call made none.
	// It is empty if the server has not told yet, as after [Async].
	Revision string
	// Percent is the share of the traffic that the Revision gets, 0 to 100.
	Percent int64
	// URL is the Service's first URL; empty if it has none, or none yet.
	URL string
	// URLs are all URLs of the Service itself.
	URLs []string
	// TagURLs are the URLs of the tagged Revisions, by tag.
	TagURLs map[string]string
	// PreviousTraffic is the traffic of the Service before the call. A target that
	// follows the latest ready Revision names it. [RollbackToTraffic] goes back to
	// it. It is empty if the call created the Service.
	PreviousTraffic []servingv1.TrafficTarget
	// Warnings are things to know although the call went well, such as that
	// the new Revision gets no traffic because that is pinned to another.
	Warnings []string
}

// result returns what is known after a call, and reports its warnings.
func (c *call) result(w written, s *servingv1.Service, e ending) *Result {
	urls, revision := urlsOf(s), revisionOf(s)
	r := &Result{
		Service: s, Action: actionOf(w), Revision: revision, Percent: shareOf(s, revision),
		URLs: urls, TagURLs: tagURLs(s), PreviousTraffic: w.composed.previous,
		Warnings: slices.Concat(w.composed.warnings, status.Warnings(s.Status.Conditions)),
	}
	if len(urls) > 0 {
		r.URL = urls[0]
	}
	if e.isNew(revision) && pinned(s, revision) && !e.withoutTraffic {
		r.Warnings = append(r.Warnings, pinnedWarning(s, revision))
	}
	for _, warning := range r.Warnings {
		c.report.emit(Event{Kind: Warned, Stage: StageWait, Generation: s.Generation, Message: warning})
	}
	return r
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

// revisionOf is the Revision that a Service's template made, if the Service tells.
func revisionOf(s *servingv1.Service) string {
	if s.Spec.Template.Name != "" {
		return s.Spec.Template.Name
	}
	if s.Status.ObservedGeneration == s.Generation {
		return s.Status.LatestCreatedRevisionName
	}
	return ""
}

// shareOf is the share of the traffic that the newest Revision gets: as it is
// where the Service tells, else as it will be once the Revision is ready.
func shareOf(s *servingv1.Service, revision string) (percent int64) {
	targets, observed := s.Status.Traffic, s.Status.ObservedGeneration == s.Generation && len(s.Status.Traffic) > 0
	if !observed {
		if targets = s.Spec.Traffic; len(targets) == 0 {
			return 100
		}
	}
	for _, t := range targets {
		latest := !observed && t.LatestRevision != nil && *t.LatestRevision
		if t.Percent != nil && (latest || revision != "" && t.RevisionName == revision) {
			percent += *t.Percent
		}
	}
	return percent
}

// pinned reports whether a Service asks for no traffic to its new Revision.
func pinned(s *servingv1.Service, revision string) bool {
	asked := *s
	asked.Status = servingv1.ServiceStatus{}
	return shareOf(&asked, revision) == 0
}

func pinnedWarning(s *servingv1.Service, revision string) string {
	if revision == "" {
		revision = "the new revision"
	}
	return fmt.Sprintf("%s gets no traffic, which is pinned to %s: move it with Deployer.UpdateTraffic, or deploy with ToLatest",
		revision, traffic.Describe(s.Spec.Traffic))
}

// urlsOf are the URLs of a Service, of which any or all may be missing.
func urlsOf(s *servingv1.Service) []string {
	var urls []string
	if text := s.Annotations[annotationURLs]; text != "" && json.Unmarshal([]byte(text), &urls) == nil && len(urls) > 0 {
		return urls
	}
	if s.Status.URL != nil {
		return []string{s.Status.URL.String()}
	}
	return nil
}

func tagURLs(s *servingv1.Service) map[string]string {
	urls := map[string]string{}
	for _, t := range s.Status.Traffic {
		if t.Tag != "" && t.URL != nil {
			urls[t.Tag] = t.URL.String()
		}
	}
	return urls
}
