package lossless_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/lossless"
)

// FuzzMerge edits the given raw object, or one made from the seed if the view
// cannot represent it.
func FuzzMerge(f *testing.F) {
	for seed := range uint64(50) {
		f.Add([]byte(nil), seed)
	}
	f.Add([]byte(`{"metadata":{"labels":{"a":"\u003c"}},"spec":{"template":{"spec":{"containers":[{"x":1,"env":[null]}]}}}}`), uint64(2))
	f.Add([]byte(`{"spec":{"traffic":[{"x":1,"percent":0},{"tag":"a"}]}}`), uint64(3))
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		s := new(service)
		if !isPlain(json.NewDecoder(bytes.NewReader(raw))) || json.Unmarshal(raw, s) != nil {
			raw = []byte(randomService(r))
			s = view(t, string(raw))
		}
		before := encode(t, s)
		checkNoChange(t, raw, before)
		for range 1 + r.IntN(6) {
			edit(r, s)
		}
		after := encode(t, s)
		merged, err := lossless.Merge(raw, before, after)
		require.NoError(t, err)
		checkTypedEditsWin(t, merged, after)
		checkUnknownSurvive(t, raw, merged, before, after)
	})
}

// FuzzMergeTexts merges unrelated texts.
func FuzzMergeTexts(f *testing.F) {
	f.Add([]byte(`{"env":[{"name":"a","x":1}]}`), []byte(`{"env":[{"name":"a"}]}`), []byte(`{"env":[{"name":"b"},{"name":"a","value":1}]}`))
	f.Add([]byte(`{"traffic":[{"tag":"a"},1]}`), []byte(`{"traffic":[{},[]]}`), []byte(`{"traffic":[null,{"percent":1}],"a":{}}`))
	f.Fuzz(func(t *testing.T, raw, before, after []byte) {
		merged, err := lossless.Merge(raw, before, after)
		if err != nil {
			require.Nil(t, merged)
			return
		}
		require.True(t, json.Valid(merged) || bytes.Equal(before, after), "%s", merged)
		if lossless.Equal(before, after) {
			require.Equal(t, string(raw), string(merged))
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add([]byte(`{"metadata":{"name":"","creationTimestamp":null},"status":{"a":null}}`))
	f.Add([]byte(`{"containers":[{"name":"","resources":{"metadata":{}}, "httpGet":{"port":0}},null]}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		once, err := lossless.Clean(encoded)
		if err != nil {
			require.True(t, !json.Valid(encoded) || strings.Contains(err.Error(), "levels deep"), err)
			return
		}
		require.True(t, json.Valid(encoded))
		require.True(t, json.Valid(once), "%s", once)
		twice, err := lossless.Clean(once)
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice))
	})
}

func FuzzEqual(f *testing.F) {
	f.Add([]byte(`{"a":[1,"\u0041"]}`), []byte(`{"a":[1.0,"A"]}`))
	f.Add([]byte(`-0.10e+1`), []byte("1e99999999999"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		require.Equal(t, lossless.Equal(a, b), lossless.Equal(b, a))
		if _, err := lossless.Clean(a); err != nil {
			require.False(t, lossless.Equal(a, a))
			return
		}
		require.True(t, lossless.Equal(a, a))
		if isPlain(json.NewDecoder(bytes.NewReader(a))) {
			again, err := json.Marshal(decoded(t, a))
			require.NoError(t, err)
			require.True(t, lossless.Equal(a, again), "%s and %s", a, again)
		}
	})
}

// checkNoChange merges encodings that mean the same.
func checkNoChange(t *testing.T, raw, before []byte) {
	t.Helper()
	var spaced bytes.Buffer
	require.NoError(t, json.Indent(&spaced, before, "", " "))
	for _, after := range [][]byte{before, spaced.Bytes()} {
		merged, err := lossless.Merge(raw, before, after)
		require.NoError(t, err)
		require.Equal(t, string(raw), string(merged))
	}
}

// checkTypedEditsWin compares the typed view of the merged object.
func checkTypedEditsWin(t *testing.T, merged, after []byte) {
	t.Helper()
	got, err := lossless.Clean(encode(t, view(t, string(merged))))
	require.NoError(t, err)
	want, err := lossless.Clean(after)
	require.NoError(t, err)
	require.True(t, lossless.Equal(want, got), "%s\nmerged into %s", want, merged)
}

// checkUnknownSurvive compares the members that the view does not know, in all
// objects that remain.
func checkUnknownSurvive(t *testing.T, raw, merged, before, after []byte) {
	t.Helper()
	was, is, known := unknown(t, raw, before), unknown(t, merged, after), unknown(t, after, nil)
	for path, value := range was {
		_, stays := known[path[:strings.LastIndex(path, "/")]]
		if _, set := known[path]; stays && !set {
			require.Equal(t, value, is[path], "%s in\n%s\nmerged into\n%s", path, raw, merged)
		}
	}
}

// unknown returns by path the members of an object that its view lacks; all of
// them if there is no view.
func unknown(t *testing.T, text, view []byte) map[string]string {
	t.Helper()
	var part any
	if view != nil {
		part = decoded(t, view)
	}
	found := map[string]string{}
	if view == nil {
		found[""] = ""
	}
	var walk func(path string, whole, part any)
	walk = func(path string, whole, part any) {
		seen := children(part)
		for key, value := range children(whole) {
			child, isSeen := seen[key]
			below := path + "/" + url.PathEscape(key)
			if !isSeen {
				found[below] = fmt.Sprint(value)
			}
			if isSeen || view == nil {
				walk(below, value, child)
			}
		}
	}
	walk("", decoded(t, text), part)
	return found
}

// children returns the members of an object, or the elements of a list that have
// unique names.
func children(v any) map[string]any {
	if object, ok := v.(map[string]any); ok {
		return object
	}
	list, _ := v.([]any)
	named := map[string]any{}
	for _, element := range list {
		object, _ := element.(map[string]any)
		name, _ := object["name"].(string)
		_, twice := named[name]
		_, isPort := object["containerPort"]
		_, isMount := object["mountPath"]
		if twice || name == "" || isPort || isMount {
			return nil
		}
		named[name] = object
	}
	return named
}

func decoded(t *testing.T, text []byte) (v any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&v))
	return v
}

const viewKeys = `kind metadata name creationTimestamp labels annotations spec template traffic containers volumes containerConcurrency
	image args ports containerPort env value valueFrom envFrom prefix resources limits volumeMounts mountPath startupProbe httpGet path port
	initialDelaySeconds emptyDir medium secret secretName items key secretKeyRef tag revisionName latestRevision percent status conditions type`

// isPlain reports whether a value has no object with a duplicate key, or with one
// that differs only in case, as encoding/json ignores case.
func isPlain(d *json.Decoder) bool {
	d.UseNumber()
	token, err := d.Token()
	delimiter, ok := token.(json.Delim)
	if err != nil || !ok {
		return err == nil
	}
	seen := map[any]bool{}
	for d.More() {
		if delimiter == '{' {
			key, err := d.Token()
			if err != nil || seen[key] {
				return false
			}
			seen[key] = true
			for _, known := range strings.Fields(viewKeys) {
				if key != known && strings.EqualFold(known, key.(string)) {
					return false
				}
			}
		}
		if !isPlain(d) {
			return false
		}
	}
	_, err = d.Token()
	return err == nil
}
