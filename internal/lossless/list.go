package lossless

import "fmt"

// mergeList merges each element of after that comes from before into the element
// of raw that it was decoded from.
func mergeList(out []byte, key string, raw, before, after value) (_ []byte, changed bool, err error) {
	raws, olds, news := raw.items(), before.items(), after.items()
	changed = len(olds) != len(news)
	if err := checkAligned(key, raws, olds); err != nil {
		return nil, false, err
	}
	out = append(out, '[')
	for j, i := range match(key, olds, news) {
		if j > 0 {
			out = append(out, ',')
		}
		if i < 0 {
			out, changed = clean(out, key, news[j]), true
			continue
		}
		var c bool
		out, c, err = merge(out, key, raws[i], olds[i], news[j])
		if err != nil {
			return nil, false, err
		}
		changed = changed || c || i != j
	}
	return append(out, ']'), changed, nil
}

// checkAligned returns an error unless olds can have been decoded from raws, in order.
func checkAligned(key string, raws, olds []value) error {
	if len(raws) != len(olds) {
		return fmt.Errorf("the list %q has %d elements, but %d in its typed view: read the object again", key, len(raws), len(olds))
	}
	fields := identities(key)
	if len(fields) == 0 {
		return nil
	}
	for i, raw := range raws {
		if identify(raw, fields[0]) != identify(olds[i], fields[0]) {
			return fmt.Errorf("element %d of the list %q is another one in its typed view: read the object again", i, key)
		}
	}
	return nil
}

// identities returns the fields that identify an element of a list. If there are
// several sets, later ones are for elements that earlier ones do not match. An
// empty set identifies an element by its position.
func identities(key string) [][]string {
	switch key {
	case "containers", "initContainers", "volumes", "env":
		return [][]string{{"name"}}
	case "conditions":
		return [][]string{{"type"}}
	case "volumeMounts":
		return [][]string{{"mountPath"}}
	case "items":
		return [][]string{{"path"}}
	case "ports":
		return [][]string{{}}
	case "traffic":
		return [][]string{
			{"revisionName", "latestRevision", "tag"},
			{"revisionName", "latestRevision", "percent"},
			{"revisionName", "latestRevision"},
		}
	}
	return nil
}

// identify returns the identity of an element; "" if all its fields are unset.
func identify(element value, fields []string) string {
	var id []byte
	unset := true
	for _, name := range fields {
		switch field := element.field(name); string(field.text()) {
		case "null", "false", `""`:
		default:
			unset = false
			id = appendCanonical(id, field)
		}
		id = append(id, 0)
	}
	if unset {
		return ""
	}
	return string(id)
}

// match returns for every element of news its index in olds; -1 if it is new.
func match(key string, olds, news []value) []int {
	m := matching{olds: olds, news: news, from: make([]int, len(news)), taken: make([]bool, len(olds))}
	for j := range m.from {
		m.from[j] = -1
	}
	m.byPlace(func(was, is value) bool { return string(was.text()) == string(is.text()) })
	m.byIdentity(func(v value) string { return string(v.text()) })
	fields := identities(key)
	if len(fields) == 0 {
		m.byIdentity(func(v value) string { return string(appendCanonical(nil, v)) })
	}
	for _, f := range fields {
		m.byIdentity(func(v value) string { return identify(v, f) })
	}
	if len(fields) > 0 { // an element without a name may have got one
		m.byPlace(func(was, _ value) bool { return identify(was, fields[0]) == "" })
	}
	return m.from
}

// matching pairs the elements of two lists. Each method pairs some of the
// remaining ones.
type matching struct {
	olds, news []value
	from       []int  // for each of news
	taken      []bool // for each of olds
}

// byPlace pairs elements at the same index.
func (m *matching) byPlace(pairs func(was, is value) bool) {
	for j := range min(len(m.olds), len(m.news)) {
		if m.from[j] < 0 && !m.taken[j] && pairs(m.olds[j], m.news[j]) {
			m.from[j], m.taken[j] = j, true
		}
	}
}

// byIdentity pairs elements of the same identity, in order of occurrence.
func (m *matching) byIdentity(identity func(value) string) {
	waiting := map[string][]int{}
	for i, old := range m.olds {
		if !m.taken[i] {
			id := identity(old)
			waiting[id] = append(waiting[id], i)
		}
	}
	for j, is := range m.news {
		if m.from[j] >= 0 || len(waiting) == 0 {
			continue
		}
		id := identity(is)
		if queue := waiting[id]; len(queue) > 0 {
			m.from[j], m.taken[queue[0]] = queue[0], true
			waiting[id] = queue[1:]
		}
	}
}
