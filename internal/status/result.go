package status

import (
	"encoding/json"
	"net/url"
	"slices"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Revision returns the Revision that a Service's template made; empty if the
// Service does not say yet, or if what it says is not a name.
func Revision(s *servingv1.Service) string {
	if s.Spec.Template.Name != "" {
		return revisionName(s.Spec.Template.Name)
	}
	if s.Status.ObservedGeneration == s.Generation {
		return revisionName(s.Status.LatestCreatedRevisionName)
	}
	return ""
}

func revisionName(name string) string {
	if names.Revision(name) != nil {
		return ""
	}
	return name
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

// Bounds of what a status is trusted with.
const (
	maxURL  = 2048
	maxURLs = 1000
)

// Version returns the resource version of a Service; empty for nil, a Service that is gone.
func Version(s *servingv1.Service) string {
	if s == nil {
		return ""
	}
	return s.ResourceVersion
}

// URLs returns the URLs of a Service itself. It may have none.
func URLs(s *servingv1.Service) []string {
	var urls []string
	if text := s.Annotations[configuration.URLs]; text != "" && json.Unmarshal([]byte(text), &urls) == nil {
		urls = slices.DeleteFunc(urls, func(u string) bool { return !isURL(u) })
		if len(urls) > 0 {
			return urls[:min(len(urls), maxURLs)]
		}
	}
	if s.Status.URL != nil && isURL(s.Status.URL.String()) {
		return []string{s.Status.URL.String()}
	}
	return nil
}

// isURL reports whether a text is an absolute URL that is safe to print.
func isURL(text string) bool {
	if len(text) > maxURL || safetext.Line(text, maxURL) != text {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// TagURLs returns the URLs of the tagged Revisions, by tag.
func TagURLs(s *servingv1.Service) map[string]string {
	urls := map[string]string{}
	for _, t := range s.Status.Traffic {
		if len(urls) < maxURLs && names.IsName(t.Tag) && t.URL != nil && isURL(t.URL.String()) {
			urls[t.Tag] = t.URL.String()
		}
	}
	return urls
}
