package cloudrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/names"
)

const defaultPageSize = 500

// ListOption configures a list.
type ListOption interface{ applyList(*listConfig) error }

type listConfig struct {
	selectors []string
	pageSize  int
}

type listOption func(*listConfig) error

func (o listOption) applyList(c *listConfig) error { return o(c) }

// WithLabelSelector lists only what a Kubernetes label selector matches, such
// as "team=web,stage in (prod,test)". Several must match together.
func WithLabelSelector(selector string) ListOption {
	return listOption(func(c *listConfig) error {
		if selector == "" {
			return errors.New("WithLabelSelector: the selector is empty")
		}
		c.selectors = append(c.selectors, selector)
		return nil
	})
}

// WithService lists only the Revisions of a Service.
func WithService(name string) ListOption {
	return listOption(func(c *listConfig) error {
		if err := names.ClusterService(name); err != nil {
			return fmt.Errorf("WithService: %w", err)
		}
		c.selectors = append(c.selectors, labelService+"="+name)
		return nil
	})
}

// WithPageSize sets how many items one request asks for; 500 by default.
func WithPageSize(n int) ListOption {
	return listOption(func(c *listConfig) error {
		if n < 1 {
			return fmt.Errorf("WithPageSize(%d): must be at least 1", n)
		}
		c.pageSize = n
		return nil
	})
}

// ListServices lists the Services of the project in this region (or the
// namespace on a cluster), page by page, each decoded as it is reached. An
// error ends the sequence; it comes with a nil Service.
func (c *Client) ListServices(ctx context.Context, opts ...ListOption) iter.Seq2[*servingv1.Service, error] {
	return list[servingv1.Service](ctx, c, kindServices, opts)
}

// ListRevisions lists Revisions like [Client.ListServices]: of all Services,
// or of one with [WithService].
func (c *Client) ListRevisions(ctx context.Context, opts ...ListOption) iter.Seq2[*servingv1.Revision, error] {
	return list[servingv1.Revision](ctx, c, kindRevisions, opts)
}

func list[T any](ctx context.Context, c *Client, kind string, opts []ListOption) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		cfg := listConfig{pageSize: defaultPageSize}
		for _, o := range opts {
			if err := o.applyList(&cfg); err != nil {
				yield(nil, fmt.Errorf("list %s: %w", kind, err))
				return
			}
		}
		for token := ""; ; {
			next, more := listPage(ctx, c, kind, cfg, token, yield)
			if !more || next == "" {
				return
			}
			if next == token {
				yield(nil, fmt.Errorf("list %s: the server gives the same page again and again", kind))
				return
			}
			token = next
		}
	}
}

// listPage yields the items of one page and returns the token of the next.
// When the answer breaks off, the page is asked for again, and what was
// yielded already is passed over.
func listPage[T any](ctx context.Context, c *Client, kind string, cfg listConfig, token string, yield func(*T, error) bool) (next string, more bool) {
	yielded, more := 0, true
	err := c.retry(ctx, transient, func() error {
		seen := 0
		var err error
		next, err = c.eachItem(ctx, kind, cfg, token, func(raw json.RawMessage) (bool, error) {
			if seen++; seen <= yielded {
				return true, nil
			}
			item, err := decode[T](raw)
			if err != nil {
				return false, fmt.Errorf("list %s: item %d: %w", kind, seen, err)
			}
			yielded++
			more = yield(item, nil)
			return more, nil
		})
		if !more {
			return nil
		}
		return err
	})
	if err != nil {
		yield(nil, err)
		return "", false
	}
	return next, more
}

// eachItem streams one page through visit, which says whether to go on.
func (c *Client) eachItem(ctx context.Context, kind string, cfg listConfig, token string, visit func(json.RawMessage) (bool, error)) (next string, err error) {
	query := url.Values{"limit": {strconv.Itoa(cfg.pageSize)}}
	if token != "" {
		query.Set("continue", token)
	}
	for i, s := range cfg.selectors {
		if i > 0 {
			s = query.Get("labelSelector") + "," + s
		}
		query.Set("labelSelector", s)
	}
	r := request{op: "list " + kind, resource: c.parent(), method: http.MethodGet, url: c.servingURL(kind, "", query)}
	resp, err := c.open(ctx, r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	p := newPageReader(resp.Body)
	next, err = p.read(visit)
	if syntax, ok := asType[*brokenPage](err); ok {
		return "", &answerError{op: r.op, resource: r.resource, err: syntax.err}
	}
	return next, err
}

// parent is the full name of this project and region, for messages.
func (c *Client) parent() string {
	if c.region == "" {
		return "namespaces/" + c.project
	}
	return "projects/" + c.project + "/locations/" + c.region
}

// brokenPage is an answer that ends early or is not a list.
type brokenPage struct{ err error }

func (e *brokenPage) Error() string { return e.err.Error() }

// pageReader reads a Kubernetes list without holding more than one item.
type pageReader struct {
	dec  *json.Decoder
	body *bounded
}

func newPageReader(body io.Reader) pageReader {
	b := &bounded{body, maxObject}
	return pageReader{json.NewDecoder(b), b}
}

func (p pageReader) read(visit func(json.RawMessage) (bool, error)) (next string, err error) {
	if err := p.open('{'); err != nil {
		return "", err
	}
	isList := false
	for p.dec.More() {
		key, err := p.dec.Token()
		if err != nil {
			return "", &brokenPage{err}
		}
		if key == "items" {
			if goOn, err := p.items(visit); err != nil || !goOn {
				return "", err
			}
			isList = true
			continue
		}
		var field json.RawMessage
		if err := p.dec.Decode(&field); err != nil {
			return "", &brokenPage{err}
		}
		switch key {
		case "kind":
			isList = isList || strings.HasSuffix(string(field), `List"`)
		case "metadata":
			next = continueToken(field)
		}
	}
	if _, err := p.dec.Token(); err != nil {
		return "", &brokenPage{err}
	}
	if !isList {
		return "", &brokenPage{fmt.Errorf("%w: it is not a list", ErrNotAPI)}
	}
	return next, nil
}

// continueToken is the token of the next page, in the metadata of a list.
func continueToken(metadata json.RawMessage) string {
	var list struct {
		Continue string `json:"continue"`
	}
	if json.Unmarshal(metadata, &list) != nil {
		return ""
	}
	return list.Continue
}

func (p pageReader) items(visit func(json.RawMessage) (bool, error)) (bool, error) {
	t, err := p.dec.Token()
	if err != nil {
		return false, &brokenPage{err}
	}
	if t == nil { // null: an empty list
		return true, nil
	}
	if t != json.Delim('[') {
		return false, &brokenPage{fmt.Errorf("%w: its items are not a list", ErrNotAPI)}
	}
	for p.dec.More() {
		p.body.left = maxObject
		var item json.RawMessage
		if err := p.dec.Decode(&item); err != nil {
			return false, &brokenPage{err}
		}
		if goOn, err := visit(item); err != nil || !goOn {
			return goOn, err
		}
	}
	if _, err := p.dec.Token(); err != nil {
		return false, &brokenPage{err}
	}
	return true, nil
}

func (p pageReader) open(want json.Delim) error {
	t, err := p.dec.Token()
	if err != nil {
		return &brokenPage{err}
	}
	if t != want {
		return &brokenPage{fmt.Errorf("%w: it is not a JSON object", ErrNotAPI)}
	}
	return nil
}

// Location is a region where Cloud Run can be used.
type Location struct {
	// ID is what [NewClient] takes as region, such as "us-central1".
	ID string `json:"locationId"`
	// Name is the full name, such as "projects/p/locations/us-central1".
	Name string `json:"name"`
	// DisplayName is for people, such as "Iowa"; it may be empty.
	DisplayName string `json:"displayName"`
}

// ListLocations lists the regions that the project can use. On a cluster it
// fails with [ErrNotOnCluster].
func (c *Client) ListLocations(ctx context.Context) ([]Location, error) {
	if c.region == "" {
		return nil, fmt.Errorf("list locations: %w", ErrNotOnCluster)
	}
	var all []Location
	seen := map[string]bool{}
	for token := ""; ; {
		u := c.global + "/v1/projects/" + url.PathEscape(c.project) + "/locations"
		if token != "" {
			u += "?" + url.Values{"pageToken": {token}}.Encode()
		}
		raw, err := c.read(ctx, request{op: "list locations", resource: "projects/" + c.project, method: http.MethodGet, url: u})
		if err != nil {
			return nil, err
		}
		page, err := decode[struct {
			Locations     []Location `json:"locations"`
			NextPageToken string     `json:"nextPageToken"`
		}](raw)
		if err != nil {
			return nil, fmt.Errorf("list locations: %w", err)
		}
		all = append(all, page.Locations...)
		if token = page.NextPageToken; token == "" || seen[token] {
			return all, nil
		}
		seen[token] = true
	}
}
