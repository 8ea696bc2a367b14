package logbook

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// The sizes of a page.
const (
	defaultPage = 50
	maxPage     = 1000
)

// Query selects entries.
type Query struct {
	filter     filter
	descending bool
	size       int
	after      position
}

// position is a place in the order of entries.
type position struct {
	known bool
	at    int64
	id    string
}

// NewQuery reads the body of entries:list, apart from its projects.
func NewQuery(body tree.Object) (Query, error) {
	q := Query{size: defaultPage}
	switch order := tree.Text(body, "orderBy"); strings.ToLower(order) {
	case "", "timestamp", "timestamp asc":
	case "timestamp desc":
		q.descending = true
	default:
		return q, fmt.Errorf("orderBy: %q is not supported", order)
	}
	if n, ok := tree.Number(body["pageSize"]); ok && n != 0 {
		if n < 0 {
			return q, errors.New("page_size must be non-negative")
		}
		q.size = int(min(n, maxPage))
	}
	var err error
	if q.filter, err = parseFilter(tree.Text(body, "filter")); err != nil {
		return q, fmt.Errorf("unparseable filter: %w", err)
	}
	if token := tree.Text(body, "pageToken"); token != "" {
		at, id, _ := strings.Cut(token, ".")
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return q, errors.New("page_token is invalid")
		}
		q.after = position{known: true, at: n, id: id}
	}
	return q, nil
}

// Page returns the page of the entries that the query selects and that have been
// received by now.
func (q Query) Page(entries []Entry, now time.Time) tree.Object {
	slices.SortStableFunc(entries, func(a, b Entry) int { return q.compare(a.position(), b.position()) })
	list := make([]any, 0, q.size)
	var last position
	for _, e := range entries {
		if now.Before(e.Received) || q.after.known && q.compare(e.position(), q.after) <= 0 {
			continue
		}
		doc := e.Doc()
		if !q.filter.selects(doc) {
			continue
		}
		if len(list) == q.size {
			return tree.Object{"entries": list, "nextPageToken": fmt.Sprintf("%d.%s", last.at, last.id)}
		}
		list, last = append(list, doc), e.position()
	}
	if len(list) == 0 {
		return tree.Object{}
	}
	return tree.Object{"entries": list}
}

func (e Entry) position() position { return position{at: e.Time.UnixNano(), id: e.ID} }

func (q Query) compare(a, b position) int {
	order := cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
	if q.descending {
		return -order
	}
	return order
}
