package lifecycle

import (
	"encoding/json"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// Annotated returns the document of a Service with the annotations that depend on
// its course: the operation of the write, and the URLs.
func Annotated(st *store.Store, sv *store.Service) tree.Object {
	if st.Cluster {
		return sv.Doc
	}
	meta := tree.At(sv.Doc, "metadata")
	annotations := tree.At(meta, "annotations")
	if sv.Rollout.Operation != "" {
		annotations = tree.With(annotations, resources.OperationAnnotation, sv.Rollout.Operation)
	}
	if serviceURL(st, sv) != "" && !sv.Rollout.NoURL {
		urls, _ := json.Marshal(allURLs(st, sv))
		annotations = tree.With(annotations, resources.URLsAnnotation, string(urls))
	}
	return tree.With(sv.Doc, "metadata", tree.With(meta, "annotations", annotations))
}

// withURLs returns resolved traffic with the URLs of the tags.
func withURLs(st *store.Store, sv *store.Service, traffic []tree.Object) []any {
	list := make([]any, 0, len(traffic))
	for _, t := range traffic {
		if tag := tree.Text(t, "tag"); tag != "" {
			t = tree.With(t, "url", url(st, store.TagHost(sv, tag)))
		}
		list = append(list, t)
	}
	return list
}

// serviceURL returns the URL of a Service. It is empty if the default URL is disabled.
func serviceURL(st *store.Store, sv *store.Service) string {
	if strings.EqualFold(sv.Annotation(resources.NoURLAnnotation), "true") {
		return ""
	}
	return url(st, sv.Host)
}

// url returns the URL of a host name.
func url(st *store.Store, host string) string {
	if addr, ok := st.Addresses[host]; ok {
		return "http://" + addr
	}
	if st.Cluster {
		return "http://" + host
	}
	return "https://" + host
}

// allURLs returns the URLs of a Service, the preferred one first.
func allURLs(st *store.Store, sv *store.Service) []string {
	if u := url(st, sv.Host); strings.HasPrefix(u, "http://") {
		return []string{u}
	}
	return []string{"https://" + store.NumberHost(sv.Key), "https://" + sv.Host}
}
