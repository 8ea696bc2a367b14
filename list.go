package cloudrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/answer"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/similar"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

const (
	// watched is how long the server is asked to watch.
	watched = 5 * time.Minute
	// watchPause bounds the time between the events of a watch. The server sends a
	// bookmark every minute.
	watchPause = 100 * time.Second
)

const (
	labelService    = "serving.knative.dev/service" // on a Revision: the name of its Service
	defaultPageSize = 500
)

// WithLabelSelector lists only the objects that a Kubernetes label selector
// matches, such as "team=web,stage in (prod,test)". If it is given several
// times, all selectors must match.
func WithLabelSelector(selector string) ListOption {
	return onList(edits.Setting{
		Option: edits.Spell("WithLabelSelector", selector), Phase: edits.PhaseSet, Err: edits.NotEmpty("selector", selector),
		Do: func(c *listConfig) { c.selectors = append(c.selectors, selector) },
	})
}

// WithService lists only the Revisions of a Service.
func WithService(name string) ListOption {
	return onList(edits.Configures(edits.Spell("WithService", name), "the service", name, names.ClusterService(name),
		func(c *listConfig) { c.selectors = append(c.selectors, labelService+"="+name) }))
}

// WithPageSize sets the number of items in one response. The default is 500.
func WithPageSize(n int) ListOption {
	return onList(edits.Configures(edits.Spell("WithPageSize", n), "the page size", strconv.Itoa(n), edits.AtLeast(int64(n), 1),
		func(c *listConfig) { c.pageSize = n }))
}

// ListServices lists the Services of the project in this region, or of the
// namespace on a cluster. It requests a page when the sequence reaches it and
// keeps no Service. An error ends the sequence and comes with a nil Service.
func (c *Client) ListServices(ctx context.Context, opts ...ListOption) iter.Seq2[*servingv1.Service, error] {
	return list[servingv1.Service](ctx, c, kindServices, opts)
}

// ListRevisions lists the Revisions of all Services, or of one Service with
// [WithService], in the same way as [Client.ListServices].
func (c *Client) ListRevisions(ctx context.Context, opts ...ListOption) iter.Seq2[*servingv1.Revision, error] {
	return list[servingv1.Revision](ctx, c, kindRevisions, opts)
}

func list[T any](ctx context.Context, c *Client, kind string, opts []ListOption) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		options, err := collect(edits.Of(opts))
		cfg := edits.Configure(options, listConfig{pageSize: defaultPageSize})
		if err = errors.Join(c.check(), err); err != nil {
			yield(nil, fmt.Errorf("list %s: %w", kind, err))
			return
		}
		seen := 0
		err = c.rest.List(ctx, c.pages(kind, cfg), func(raw json.RawMessage) (string, bool, error) {
			seen++
			item, err := rest.Decode[T](raw)
			if err != nil {
				return "", false, fmt.Errorf("list %s: item %d: %w", kind, seen, err)
			}
			id, created := identify(item)
			return id, !cfg.selects(created) || yield(item, nil), nil
		})
		if err != nil {
			yield(nil, c.apiError(err))
		}
	}
}

// identify returns what identifies an item of a list, and when the item was created.
func identify(item any) (id string, created time.Time) {
	o, ok := item.(metav1.ObjectMetaAccessor)
	if !ok {
		return "", time.Time{}
	}
	m := o.GetObjectMeta()
	return rest.ID(string(m.GetUID()), m.GetName()), m.GetCreationTimestamp().Time
}

// pages returns a function that makes the request for the page with a token.
func (c *Client) pages(kind string, cfg listConfig) func(token string) rest.Request {
	query := url.Values{"limit": {strconv.Itoa(cfg.pageSize)}}
	if len(cfg.selectors) > 0 {
		query.Set("labelSelector", strings.Join(cfg.selectors, ","))
	}
	return func(token string) rest.Request {
		ofPage := maps.Clone(query)
		if token != "" {
			ofPage.Set("continue", token)
		}
		return rest.Request{Op: "list " + kind, Resource: c.parent(), Permission: "run." + kind + ".list", Method: http.MethodGet, URL: c.servingURL(kind, "", ofPage)}
	}
}

// Location is a region that Cloud Run can be used in.
type Location struct {
	// ID is the region in the spelling of [NewClient], such as "us-central1".
	ID string `json:"locationId"`
	// Name is the full name, such as "projects/p/locations/us-central1".
	Name string `json:"name"`
	// DisplayName is for people, such as "Iowa"; it may be empty.
	DisplayName string `json:"displayName"`
}

// ListLocations lists the regions that the project can use. Its error on a
// cluster matches [ErrNotOnCluster].
func (c *Client) ListLocations(ctx context.Context) ([]Location, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("list locations: %w", err)
	}
	if c.region == "" {
		return nil, fmt.Errorf("list locations: %w", ErrNotOnCluster)
	}
	c = c.forCall("", false)
	var all []Location
	seen := map[string]bool{}
	for token := ""; len(seen) < maxLocationPages; seen[token] = true {
		page, err := c.listLocations(ctx, token)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Locations...)
		if token = page.NextPageToken; token == "" || seen[token] {
			return all, nil
		}
	}
	return all, nil
}

// maxLocationPages ends a list that has no end. All locations fit on one page.
const maxLocationPages = 50

type locationPage struct {
	Locations     []Location `json:"locations"`
	NextPageToken string     `json:"nextPageToken"`
}

func (c *Client) listLocations(ctx context.Context, token string) (*locationPage, error) {
	u := c.global + "/v1/projects/" + url.PathEscape(c.project) + "/locations"
	if token != "" {
		u += "?" + url.Values{"pageToken": {token}}.Encode()
	}
	raw, err := c.rest.Read(ctx, rest.Request{
		Op: "list locations", Resource: "projects/" + c.project, Permission: grant.ListLocations, Method: http.MethodGet, URL: u,
	})
	if err != nil {
		return nil, c.apiError(err)
	}
	page, err := rest.Decode[locationPage](raw)
	if err == nil && !page.isOne(raw, token == "") {
		err = fmt.Errorf("read the response: %w: it is not a list of locations: check the endpoint", ErrNotAPI)
	}
	if err != nil {
		return nil, fmt.Errorf("list locations: %w", err)
	}
	return page, nil
}

// isOne reports whether a response is a page of locations. Every project has
// some, so only a later page may be empty.
func (p *locationPage) isOne(raw []byte, first bool) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields == nil || fields["error"] != nil || fields["kind"] != nil {
		return false
	}
	if first && len(p.Locations) == 0 && p.NextPageToken == "" {
		return false
	}
	return string(fields["locations"]) != "null" && !slices.ContainsFunc(p.Locations, func(l Location) bool { return l.ID == "" })
}

// GetRevision reads a Revision. The error of one that does not exist satisfies
// IsNotFound of k8s.io/apimachinery/pkg/api/errors.
func (c *Client) GetRevision(ctx context.Context, name string) (*servingv1.Revision, error) {
	if err := c.checkRevision(name); err != nil {
		return nil, fmt.Errorf("get revision: %w", err)
	}
	return getRevision[servingv1.Revision](ctx, c, name)
}

// getRevision reads a Revision as a T.
func getRevision[T any, P interface {
	*T
	metav1.ObjectMetaAccessor
}](ctx context.Context, c *Client, name string) (P, error) {
	raw, err := c.read(ctx, rest.Request{
		Op: "get revision", Resource: c.resource(kindRevisions, name), Permission: grant.GetRevision,
		Method: http.MethodGet, URL: c.servingURL(kindRevisions, name, nil),
	})
	if err != nil {
		return nil, err
	}
	r, err := rest.Decode[T](raw)
	if err != nil {
		return nil, fmt.Errorf("get revision %s: %w", c.resource(kindRevisions, name), err)
	}
	if err := c.place(name).Check(answer.Object{Name: P(r).GetObjectMeta().GetName()}); err != nil {
		return nil, rest.Unreadable("get revision", c.resource(kindRevisions, name), err)
	}
	return r, nil
}

// WatchService yields a Service as the server has it after each change, as soon
// as it happens. It begins with from, once the server reports the changes, so that
// none is missed after from was read. The sequence ends when the server ends the
// watch, within some minutes, or when the Service is deleted: read the Service,
// and call WatchService again. [WaitReady] uses this method, see [ServiceWatcher].
//
// An error ends the sequence and comes with a nil Service. It matches
// [ErrOnlyOnCluster] with a Client of Cloud Run, which has no watch.
func (c *Client) WatchService(ctx context.Context, from *servingv1.Service) iter.Seq2[*servingv1.Service, error] {
	return func(yield func(*servingv1.Service, error) bool) {
		if err := c.checkWatch(from); err != nil {
			yield(nil, fmt.Errorf("watch service: %w", err))
			return
		}
		events, err := c.rest.Watch(ctx, c.watchRequest(from))
		if err != nil {
			yield(nil, c.apiError(err))
			return
		}
		defer events.Close()
		s := from
		for yield(s, nil) {
			if s, err = c.change(events, from); err != nil {
				yield(nil, err)
			}
			if s == nil {
				return
			}
		}
	}
}

func (c *Client) checkWatch(from *servingv1.Service) error {
	switch err := c.check(); {
	case err != nil:
		return err
	case from == nil || from.ResourceVersion == "":
		return errors.New("it begins with a Service that was read: use GetService")
	case !c.onCluster():
		return ErrOnlyOnCluster
	}
	return c.checkService(from.Name)
}

func (c *Client) watchRequest(from *servingv1.Service) rest.Request {
	return rest.Request{
		Op: "watch service", Resource: c.resource(kindServices, from.Name), Method: http.MethodGet, TimeLimit: watchPause,
		URL: c.servingURL(kindServices, "", url.Values{
			"watch": {"1"}, "fieldSelector": {"metadata.name=" + from.Name}, "resourceVersion": {from.ResourceVersion},
			"allowWatchBookmarks": {"true"}, "timeoutSeconds": {strconv.Itoa(int(watched / time.Second))},
		}),
	}
}

// change returns the Service after its next change; nil if the watch has ended or
// the Service was deleted.
func (c *Client) change(events *rest.Watching, from *servingv1.Service) (*servingv1.Service, error) {
	for {
		e, err := events.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, c.apiError(err)
		case e.Type == "BOOKMARK":
			continue
		}
		s, err := decodeService(e.Object)
		if err == nil {
			err = c.place(from.Name).Check(identityOf(s))
		}
		if err == nil && s.UID != from.UID {
			err = answer.ErrOtherPlace
		}
		switch {
		case err != nil:
			return nil, c.unreadable("watch service", from.Name, err)
		case e.Type == "DELETED":
			return nil, nil
		}
		return s, nil
	}
}

// meant returns the reason against a Revision that does not exist, with the one
// that was probably meant.
func (c *Client) meant(ctx context.Context, service, revision string) string {
	var known []string
	for r, err := range list[status.RevisionSummary](ctx, c, kindRevisions, []ListOption{WithService(service), WithPageSize(maxSimilar)}) {
		if err != nil || len(known) == maxSimilar {
			break
		}
		known = append(known, printable(r.Metadata.Name, maxMessage))
	}
	if near := similar.Name(revision, known); near != "" {
		return fmt.Sprintf("it does not exist: did you mean %q?", near)
	}
	return "it does not exist: name a revision of the service"
}

// maxSimilar bounds how many Revisions are read to find a similar name.
const maxSimilar = 100
