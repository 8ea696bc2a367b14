package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
)

// Bounds of one list. Cloud Run allows a few thousand objects in a region.
const (
	maxPages      = 20_000
	maxEmptyPages = 100 // in a row
	maxPageItems  = 100_000
	maxItems      = 1_000_000
)

var (
	errSamePage = errors.New("the server returned the same page again and again")
	errEndless  = fmt.Errorf("the list has no end: more than %d pages, %d empty ones in a row, %d items in a page or %d in all",
		maxPages, maxEmptyPages, maxPageItems, maxItems)
)

// Visit is called with each item of a list. It returns what identifies the item:
// its uid, or else its name; empty if it has neither. The list ends if more is
// false or the error is not nil.
type Visit func(item json.RawMessage) (id string, more bool, err error)

// List reads a Kubernetes list page by page and calls visit with each item,
// none of which it keeps. page returns the request for the page with a token,
// which is empty for the first page. List ends when visit ends it, and returns
// the error of visit. Any other error is an [*Error].
func (c Client) List(ctx context.Context, page func(token string) Request, visit Visit) error {
	c = c.inCall()
	tokens := newSet()
	items, empty := 0, 0
	for token := ""; ; {
		r := page(token)
		next, n, more, err := c.page(ctx, r, visit)
		items += n
		if empty++; n > 0 {
			empty = 0
		}
		switch {
		case err != nil:
			return err
		case !more || next == "":
			return nil
		case next == token || !tokens.add(next):
			return r.fails(refused, errSamePage)
		case tokens.len() >= maxPages || empty > maxEmptyPages || items > maxItems:
			return r.fails(refused, errEndless)
		}
		token = next
	}
}

// page reads one page. When the response breaks off, it requests the page
// again and skips the items that it has visited. The page may have changed by
// then, so it recognizes them by their identity.
func (c Client) page(ctx context.Context, r Request, visit Visit) (next string, visited int, more bool, err error) {
	seen, more := newSet(), true
	err = c.retry(ctx, Transient, func() error {
		again := seen.len() > 0
		var err error
		next, err = c.stream(ctx, r, func(item json.RawMessage) (bool, error) {
			if again && seen.has(identity(identify(item), item)) {
				return true, nil
			}
			if visited >= maxPageItems {
				return false, r.fails(refused, errEndless)
			}
			visited++
			id, goOn, err := visit(item)
			more = goOn
			seen.add(identity(id, item))
			return goOn, err
		})
		return err
	})
	return next, visited, more, err
}

// identity returns what distinguishes an item from the others of its page.
func identity(id string, item json.RawMessage) string {
	if id == "" {
		return string(item)
	}
	return id
}

// identify returns the uid or the name of an item; empty if it has neither.
func identify(item json.RawMessage) string {
	var o struct {
		Metadata struct{ UID, Name string } `json:"metadata"`
	}
	if json.Unmarshal(item, &o) != nil {
		return ""
	}
	return ID(o.Metadata.UID, o.Metadata.Name)
}

// ID returns what a [Visit] returns for an object.
func ID(uid, name string) string {
	if uid != "" {
		return uid
	}
	return name
}

// stream makes one attempt to read a page.
func (c Client) stream(ctx context.Context, r Request, visit func(json.RawMessage) (bool, error)) (next string, err error) {
	attempt, clock, resp, failed := c.start(ctx, c.limit(r), r)
	if failed != nil {
		return "", c.Call.judge(failed)
	}
	defer clock.stop()
	defer resp.Body.Close()
	clock.restart()
	next, err = newPageReader(attempt, resp.Body).read(func(item json.RawMessage) (bool, error) {
		clock.pause()
		defer clock.restart()
		return visit(item)
	})
	var broken *brokenPage
	if errors.As(err, &broken) {
		return "", c.Call.judge(r.fails(lost, failure(ctx, attempt, broken.err)))
	}
	c.Call.succeeded(r)
	return next, err
}

// set is a set of texts that does not keep them.
type set struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func newSet() set { return set{maphash.MakeSeed(), map[uint64]struct{}{}} }

func (s set) has(text string) bool {
	_, ok := s.hashes[maphash.String(s.seed, text)]
	return ok
}

// add adds a text and reports whether it is new.
func (s set) add(text string) bool {
	known := s.has(text)
	s.hashes[maphash.String(s.seed, text)] = struct{}{}
	return !known
}

func (s set) len() int { return len(s.hashes) }
