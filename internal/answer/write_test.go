package answer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlaceCheck(t *testing.T) {
	t.Parallel()
	project, number := Place{"a", "demo", true}, Place{"a", "123", true}
	cluster := Place{"a", "demo", false}
	for name, tc := range map[string]struct {
		place Place
		seen  Object
		want  bool
	}{
		"the object":                   {project, Object{Name: "a", Namespace: "demo"}, true},
		"the number of the project":    {project, Object{Name: "a", Namespace: "123"}, true},
		"the ID of the project":        {number, Object{Name: "a", Namespace: "demo"}, true},
		"no namespace":                 {cluster, Object{Name: "a"}, true},
		"another name":                 {project, Object{Name: "b", Namespace: "demo"}, false},
		"no name":                      {project, Object{}, false},
		"another project":              {project, Object{Name: "a", Namespace: "other"}, false},
		"another number":               {number, Object{Name: "a", Namespace: "124"}, false},
		"another namespace":            {cluster, Object{Name: "a", Namespace: "other"}, false},
		"a number instead of its name": {cluster, Object{Name: "a", Namespace: "123"}, false},
	} {
		err := tc.place.Check(tc.seen)
		require.Equal(t, tc.want, err == nil, name)
		if err != nil {
			require.ErrorIs(t, err, ErrOtherPlace, name)
		}
	}
}

func TestWriteCheck(t *testing.T) {
	t.Parallel()
	const before, sent = `{"spec":{"a":1,"b":[1]}}`, `{"spec":{"a":2,"b":[1]}}`
	at := func(uid, version string, generation int64, raw string) Document {
		return Document{Object{"a", "demo", uid, version, generation}, []byte(raw)}
	}
	base := at("u", "v5", 5, before)
	update := Write{Place: Place{"a", "demo", false}, Base: base, Body: []byte(sent)}
	dryRun, whole, create := update, update, update
	dryRun.DryRun, whole.Whole, create.Base = true, true, Document{}
	whole.Body = []byte(`{"spec":{"a":1}}`)
	for name, tc := range map[string]struct {
		write Write
		got   Document
		mark  Mark
		want  error
	}{
		"as it was sent":                      {update, at("u", "v6", 6, sent), NoMark, nil},
		"with the mark":                       {update, at("u", "v6", 6, `{}`), Marked, nil},
		"without the mark":                    {update, at("u", "v6", 6, sent), Unmarked, errNotOurs},
		"normalized":                          {update, at("u", "v6", 6, `{"spec":{"a":"2"}}`), NoMark, nil},
		"a change of the metadata":            {update, at("u", "v6", 5, `{}`), NoMark, nil},
		"changed again, with the content":     {update, at("u", "v8", 8, sent), NoMark, nil},
		"changed again, without the content":  {update, at("u", "v8", 8, before), NoMark, errNotOurs},
		"the object as it was":                {update, at("u", "v5", 5, before), NoMark, errUnchanged},
		"a stub without a version":            {update, at("", "", 0, `{}`), NoMark, errNotOurs},
		"an older one, with the content":      {update, at("u", "v4", 4, sent), NoMark, errIsOlder},
		"an older one, with the mark":         {update, at("u", "v4", 4, sent), Marked, errIsOlder},
		"another object of the name":          {update, at("w", "v9", 9, sent), Marked, errOtherUID},
		"another name":                        {update, Document{Object{Name: "b"}, []byte(sent)}, Marked, ErrOtherPlace},
		"a dry run":                           {dryRun, at("u", "v5", 6, `{"spec":{"a":"2"}}`), NoMark, nil},
		"a dry run about another":             {dryRun, at("w", "v5", 6, sent), NoMark, errOtherUID},
		"defaults that come back":             {whole, at("u", "v5", 5, before), NoMark, nil},
		"defaults that come back, and others": {whole, at("u", "v5", 5, `{"spec":{"a":3,"b":[1]}}`), NoMark, errUnchanged},
		"created":                             {create, at("u", "v1", 1, sent), NoMark, nil},
		"created, as a stub answers":          {create, at("", "", 0, `{}`), NoMark, nil},
		"created, and changed":                {create, at("u", "v3", 3, sent), NoMark, nil},
		"created by others, and changed":      {create, at("u", "v3", 3, before), NoMark, errNotOurs},
		"created without the mark":            {create, at("u", "v1", 1, sent), Unmarked, errNotOurs},
	} {
		require.ErrorIs(t, tc.write.Check(tc.got, tc.mark), tc.want, name)
	}
}
