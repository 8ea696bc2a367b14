package wire

import (
	"encoding/base64"
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// answerList answers a list: filtered by labels, in order, and in pages.
func answerList(p *control.Plane, c *call, kind string, entries []control.Entry) (answer, *apierror.Error) {
	match, err := parseSelector(c.query.Get("labelSelector"))
	if err != nil {
		return answer{}, err
	}
	entries = slices.DeleteFunc(entries, func(e control.Entry) bool { return !match(e.Labels) })
	if p.Store.Cluster {
		fields, err := parseFieldSelector(c.query.Get("fieldSelector"))
		if err != nil {
			return answer{}, err
		}
		entries = slices.DeleteFunc(entries, func(e control.Entry) bool { return !fields(fieldsOf(tree.At(e.Render(), "metadata"))) })
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Key < entries[j].Key })
	meta := tree.Object{}
	if c.endless {
		meta["continue"] = c.query.Get("continue") + "x"
	} else if entries, err = after(entries, c.query.Get("continue")); err != nil {
		return answer{}, err
	}
	if p.Store.Cluster {
		p.Advance(c.now)
		meta["resourceVersion"] = p.ListVersion()
	}
	if limit := c.number("limit"); limit > 0 && limit < len(entries) && !c.endless {
		meta["continue"] = base64.RawURLEncoding.EncodeToString([]byte("k:" + entries[limit-1].Key))
		if p.Store.Cluster {
			meta["remainingItemCount"] = len(entries) - limit
		}
		entries = entries[:limit]
	}
	list := make([]any, len(entries))
	for i, e := range entries {
		list[i] = e.Render()
	}
	if p.Store.Cluster && kind == "Service" && c.asTable() {
		return answerJSON(http.StatusOK, table(meta, list)), nil
	}
	return answerJSON(http.StatusOK, tree.Object{"apiVersion": resources.APIVersion, "kind": kind + "List", "metadata": meta, "items": list}), nil
}

// after returns the entries after the page with a token.
func after(entries []control.Entry, token string) ([]control.Entry, *apierror.Error) {
	if token == "" {
		return entries, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	key, ok := strings.CutPrefix(string(raw), "k:")
	if err != nil || !ok {
		return nil, apierror.Invalid("invalid continue token")
	}
	i := sort.Search(len(entries), func(i int) bool { return entries[i].Key > key })
	return entries[i:], nil
}
