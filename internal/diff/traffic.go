package diff

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// latest is the key of the latest Revision in paths.
const latest = "LATEST"

// traffic is the meaning of the targets of a Service: the share of each Revision,
// and the Revision of each tag. The order of the targets does not matter, nor
// whether shares and tags have separate ones.
type traffic struct {
	shares map[string]int64
	tags   map[string]string
}

// pairing is an element of a list before and after a change. An absent one is nil.
type pairing struct {
	label         string
	before, after any
}

// trafficPairs reports false for traffic that contains more than shares and tags.
func trafficPairs(before, after any) ([]pairing, bool) {
	x, ok := readTraffic(before)
	if !ok {
		return nil, false
	}
	y, ok := readTraffic(after)
	if !ok {
		return nil, false
	}
	b, a := x.byKey(), y.byKey()
	all := maps.Clone(b)
	maps.Copy(all, a)
	var pairs []pairing
	for _, key := range slices.Sorted(maps.Keys(all)) {
		pairs = append(pairs, pairing{key, b[key], a[key]})
	}
	return pairs, true
}

// byKey returns the shares and tags by their key in paths.
func (t *traffic) byKey() map[string]any {
	all := map[string]any{}
	for revision, percent := range t.shares {
		all[revision] = map[string]any{"percent": json.Number(strconv.FormatInt(percent, 10))}
	}
	for tag, revision := range t.tags {
		all["tag "+tag] = map[string]any{"revisionName": revision}
	}
	return all
}

func readTraffic(list any) (*traffic, bool) {
	targets, ok := list.([]any)
	if !ok && list != nil {
		return nil, false
	}
	t := &traffic{shares: map[string]int64{}, tags: map[string]string{}}
	for _, target := range targets {
		fields, ok := target.(map[string]any)
		if !ok || !t.add(fields) {
			return nil, false
		}
	}
	return t, true
}

func (t *traffic) add(target map[string]any) bool {
	var revision, tag string
	var percent int64
	var isLatest bool
	for name, v := range target {
		var ok bool
		switch name {
		case "revisionName":
			revision, ok = v.(string)
		case "latestRevision":
			isLatest, ok = v.(bool)
		case "percent":
			percent, ok = percentage(v)
		case "tag":
			tag, ok = v.(string)
		case "url":
			ok = true // set by the server
		}
		if !ok {
			return false
		}
	}
	if isLatest {
		revision = latest
	}
	if percent > 0 {
		t.shares[revision] += percent
	}
	_, twice := t.tags[tag]
	if tag != "" {
		t.tags[tag] = revision
	}
	return revision != "" && !twice
}

func percentage(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil && 0 <= i && i <= 100
}
