package lossless

import "bytes"

// merge appends raw with the change from before to after, and reports whether raw
// changed. If not, it appends raw's text. owner is as in clean.
func merge(out []byte, owner string, raw, before, after value) (_ []byte, changed bool, err error) {
	start := len(out)
	switch {
	case bytes.Equal(before.text(), after.text()):
	case raw.isObject() && after.isObject() && (before.isObject() || before.isNull()):
		out, changed, err = mergeObject(out, owner, raw, before, after)
	case raw.isArray() && before.isArray() && after.isArray():
		out, changed, err = mergeList(out, owner, raw, before, after)
	case !same(before, after):
		return clean(out, owner, after), true, nil
	}
	if err != nil || changed {
		return out, changed, err
	}
	return append(out[:start], raw.text()...), false, nil
}

// mergeObject keeps the order of raw's members and appends new ones.
func mergeObject(out []byte, owner string, raw, before, after value) (_ []byte, changed bool, err error) {
	raws, news := raw.members(), after.members()
	present, err := index(raws)
	if err != nil {
		return nil, false, err
	}
	olds, err := index(before.members())
	if err != nil {
		return nil, false, err
	}
	wanted, err := index(news)
	if err != nil {
		return nil, false, err
	}
	for _, m := range news {
		if _, ok := present.get(m.key); !ok {
			raws = append(raws, member{key: m.key, name: m.name})
		}
	}
	out = append(out, '{')
	first := len(out)
	for _, m := range raws {
		var c bool
		if out, c, err = mergeMember(out, first, owner, m, olds.field(m.key), wanted.field(m.key)); err != nil {
			return nil, false, err
		}
		changed = changed || c
	}
	return append(out, '}'), changed, nil
}

// mergeMember appends a member of raw, or nothing if it should not exist.
func mergeMember(out []byte, first int, owner string, raw member, before, after value) (_ []byte, changed bool, err error) {
	start := len(out)
	out = appendName(out, first, raw.name.text())
	text := len(out)
	if out, changed, err = merge(out, raw.key, raw.value, before, after); err != nil {
		return nil, false, err
	}
	switch {
	case changed && isArtefact(owner, raw.key, out[text:]):
		return out[:start], raw.value.exists(), nil
	case !changed && !raw.value.exists():
		return out[:start], false, nil
	}
	return out, changed, nil
}
