package status

import (
	"encoding/json"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Revision returns the Revision that a Service's template made; empty if the
// Service does not say yet.
func Revision(s *servingv1.Service) string {
	if s.Spec.Template.Name != "" {
		return s.Spec.Template.Name
	}
	if s.Status.ObservedGeneration == s.Generation {
		return s.Status.LatestCreatedRevisionName
	}
	return ""
}

// Share returns the percentage of the traffic that the newest Revision gets: the
// observed one if the status is current, otherwise the one that it gets once it is ready.
func Share(s *servingv1.Service, revision string) int64 {
	if s.Status.ObservedGeneration != s.Generation || len(s.Status.Traffic) == 0 {
		return AskedShare(s, revision)
	}
	var percent int64
	for _, t := range s.Status.Traffic {
		if revision != "" && t.RevisionName == revision {
			percent += traffic.Percent(t)
		}
	}
	return percent
}

// AskedShare returns the percentage of the traffic that a Service asks for its
// newest Revision. It is 0 if the traffic is pinned to others.
func AskedShare(s *servingv1.Service, revision string) int64 {
	if len(s.Spec.Traffic) == 0 {
		return 100
	}
	var percent int64
	for _, t := range s.Spec.Traffic {
		if traffic.IsLatest(t) || revision != "" && t.RevisionName == revision {
			percent += traffic.Percent(t)
		}
	}
	return percent
}

// URLs returns the URLs of a Service itself. It may have none.
func URLs(s *servingv1.Service) []string {
	var urls []string
	if text := s.Annotations[configuration.URLs]; text != "" && json.Unmarshal([]byte(text), &urls) == nil && len(urls) > 0 {
		return urls
	}
	if s.Status.URL != nil {
		return []string{s.Status.URL.String()}
	}
	return nil
}

// TagURLs returns the URLs of the tagged Revisions, by tag.
func TagURLs(s *servingv1.Service) map[string]string {
	urls := map[string]string{}
	for _, t := range s.Status.Traffic {
		if t.Tag != "" && t.URL != nil {
			urls[t.Tag] = t.URL.String()
		}
	}
	return urls
}
