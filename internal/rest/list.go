package rest

import (
	"context"
	"encoding/json"
	"errors"
)

var errSamePage = errors.New("the server returned the same page again and again")

// List reads a Kubernetes list page by page and calls visit with each item,
// none of which it keeps. page returns the request for the page with a token,
// which is empty for the first page. List ends when visit returns false or an
// error, which is then its own. Any other error is an [*Error].
func (c Client) List(ctx context.Context, page func(token string) Request, visit func(item json.RawMessage) (more bool, err error)) error {
	for token := ""; ; {
		r := page(token)
		next, more, err := c.page(ctx, r, visit)
		switch {
		case err != nil:
			return err
		case !more || next == "":
			return nil
		case next == token:
			return r.fails(refused, errSamePage)
		}
		token = next
	}
}

// page reads one page. When the response breaks off, it requests the page
// again and skips the items that it has visited.
func (c Client) page(ctx context.Context, r Request, visit func(json.RawMessage) (bool, error)) (next string, more bool, err error) {
	visited, more := 0, true
	err = c.retry(ctx, Transient, func() error {
		seen := 0
		var err error
		next, err = c.stream(ctx, r, func(item json.RawMessage) (bool, error) {
			if seen++; seen <= visited {
				return true, nil
			}
			visited++
			var err error
			more, err = visit(item)
			return more, err
		})
		return err
	})
	return next, more, err
}

// stream makes one attempt to read a page.
func (c Client) stream(ctx context.Context, r Request, visit func(json.RawMessage) (bool, error)) (next string, err error) {
	resp, err := c.open(ctx, r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	next, err = newPageReader(resp.Body).read(visit)
	var broken *brokenPage
	if errors.As(err, &broken) {
		return "", r.fails(lost, broken.err)
	}
	return next, err
}
