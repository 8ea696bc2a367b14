package wire

import (
	"net/http"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

const (
	bookmarkEvery = time.Minute
	// watchTimeout is how long a watch lasts that sets no timeout.
	watchTimeout = 30 * time.Minute
)

// watcher serves one watch of the Services of a namespace.
type watcher struct {
	plane     *control.Plane
	project   string
	labels    selector
	fields    selector
	version   string // that the watch began with
	next      int    // the number of the next event; -1 if the version is too old
	first     []store.Event
	table     bool // each object is a table
	bookmarks bool
	until     time.Time
	bookmark  time.Time // when the next one is due
}

// isWatch reports whether a call is a watch. Cloud Run ignores the parameter.
func isWatch(p *control.Plane, c *call) bool {
	return p.Store.Cluster && (c.query.Get("watch") == "1" || c.query.Get("watch") == "true")
}

func watchServices(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	labels, err := parseSelector(c.query.Get("labelSelector"))
	if err != nil {
		return answer{}, err
	}
	fields, err := parseFieldSelector(c.query.Get("fieldSelector"))
	if err != nil {
		return answer{}, err
	}
	next, first, err := p.BeginWatch(c.to(t), c.query.Get("resourceVersion"))
	if err != nil {
		return answer{}, err
	}
	timeout := watchTimeout
	if n := c.number("timeoutSeconds"); n > 0 {
		timeout = time.Duration(n) * time.Second
	}
	result := answerJSON(http.StatusOK, tree.Object{})
	result.watch = &watcher{plane: p, project: t.Project.Number, labels: labels, fields: fields, version: c.query.Get("resourceVersion"), next: next, first: first,
		table: c.asTable(), bookmarks: c.query.Get("allowWatchBookmarks") == "true", until: c.now.Add(timeout), bookmark: c.now.Add(bookmarkEvery)}
	return result, nil
}

// events returns the events to send now. It reports whether the watch ends, and
// when to look again.
func (w *watcher) events(now time.Time) (all []tree.Object, ends bool, again time.Duration, changed <-chan struct{}) {
	w.plane.Store.Lock()
	defer w.plane.Store.Unlock()
	w.plane.Advance(now)
	latest, ok := w.plane.Store.Events.From(w.next)
	if !ok {
		return []tree.Object{control.Expired(w.version)}, true, 0, nil
	}
	w.next = w.plane.Store.Events.End()
	for _, e := range append(w.first, latest...) {
		meta := tree.At(e.Doc, "metadata")
		if e.Key.Project == w.project && w.labels(tree.At(meta, "labels")) && w.fields(fieldsOf(meta)) {
			all = append(all, tree.Object{"type": e.Type, "object": w.shown(e.Doc)})
		}
	}
	w.first = nil
	if w.bookmarks && !now.Before(w.bookmark) {
		w.bookmark = now.Add(bookmarkEvery)
		all = append(all, w.plane.Bookmark())
	}
	again = w.until.Sub(now)
	if w.bookmarks {
		again = min(again, w.bookmark.Sub(now))
	}
	again = w.plane.NextChange(now, again)
	return all, !now.Before(w.until), again, w.plane.Store.Changed()
}

// shown returns a Service in the form that the watch wants.
func (w *watcher) shown(doc tree.Object) tree.Object {
	if !w.table {
		return doc
	}
	return table(tree.Object{"resourceVersion": tree.At(doc, "metadata")["resourceVersion"]}, []any{doc})
}
