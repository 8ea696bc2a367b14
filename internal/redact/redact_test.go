package redact_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/diff"
	"github.com/cloudrun-go/cloudrun/internal/redact"
)

// service returns a Service with one container, called app, and more of a pod spec.
func service(container, pod string) []byte {
	return []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"app",` + container + `}]` + pod + `}}}}`)
}

// shown returns the changes from one Service to another, as a reader sees them.
func shown(t *testing.T, r redact.Redactor, before, after []byte) []string {
	t.Helper()
	changes, err := diff.Diff(before, after)
	require.NoError(t, err)
	var all []string
	for _, c := range changes {
		s := r.Change(c)
		path := strings.TrimPrefix(s.Path, "spec.template.spec.")
		all = append(all, fmt.Sprintf("%s %s: %v -> %v (hidden: %t)", s.Kind, path, s.Before, s.After, s.Hidden))
	}
	return all
}

func TestChange(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		container, pod string
		want           string // the change from nothing to this, hidden
		open           string // and revealed
	}{
		"a variable": {container: `"env":[{"name":"A","value":"x"}]`,
			want: "added containers[app].env[A].value: <nil> -> (hidden) (hidden: true)", open: "added containers[app].env[A].value: <nil> -> x (hidden: false)"},
		"an image": {container: `"image":"img"`,
			want: "added containers[app].image: <nil> -> img (hidden: false)", open: "added containers[app].image: <nil> -> img (hidden: false)"},
		"arguments": {container: `"args":["--token","x"]`,
			want: "added containers[app].args: <nil> -> (hidden) (hidden: true)", open: "added containers[app].args: <nil> -> [--token x] (hidden: false)"},
		"harmless arguments": {container: `"args":["-v"]`,
			want: "added containers[app].args: <nil> -> [-v] (hidden: false)", open: "added containers[app].args: <nil> -> [-v] (hidden: false)"},
		"a URL with a password among others": {container: `"args":["-v","x://u:p@h"]`,
			want: "added containers[app].args: <nil> -> [-v (hidden)] (hidden: true)", open: "added containers[app].args: <nil> -> [-v x://u:p@h] (hidden: false)"},
		"part of an object": {container: `"custom":{"n":1,"list":[{"apiKey":"x","n":[2]}]}`,
			want: "added containers[app].custom.list: <nil> -> [map[apiKey:(hidden) n:[2]]] (hidden: true)\nadded containers[app].custom.n: <nil> -> 1 (hidden: false)",
			open: "added containers[app].custom.list: <nil> -> [map[apiKey:x n:[2]]] (hidden: false)\nadded containers[app].custom.n: <nil> -> 1 (hidden: false)"},
		"a volume of a secret": {container: `"volumeMounts":[{"mountPath":"/m","name":"db-vol"}]`, pod: `,"volumes":[{"name":"db-vol","secret":{"secretName":"db"}}]`,
			want: "added containers[app].volumeMounts[/m].name: <nil> -> (hidden) (hidden: true)\nadded volumes[(hidden)].secret.secretName: <nil> -> (hidden) (hidden: true)",
			open: "added containers[app].volumeMounts[/m].name: <nil> -> db-vol (hidden: false)\nadded volumes[db-vol].secret.secretName: <nil> -> db (hidden: false)"},
		"a Service in an annotation": {container: `"x":"{\"spec\":{\"env\":[{\"name\":\"A\",\"value\":\"hunter2\"}],\"n\":1}}"`,
			want: `added containers[app].x: <nil> -> {"spec":{"env":"(hidden)","n":1}} (hidden: true)`,
			open: `added containers[app].x: <nil> -> {"spec":{"env":[{"name":"A","value":"hunter2"}],"n":1}} (hidden: false)`},
		"a harmless object in an annotation": {container: `"x":" {\"n\": 1}"`,
			want: `added containers[app].x: <nil> ->  {"n": 1} (hidden: false)`, open: `added containers[app].x: <nil> ->  {"n": 1} (hidden: false)`},
		"half of a Service in an annotation": {container: `"x":"{\"env\":[{\"value\":\"hunter2"`,
			want: `added containers[app].x: <nil> -> (hidden) (hidden: true)`, open: `added containers[app].x: <nil> -> {"env":[{"value":"hunter2 (hidden: false)`},
		"a URL with a password in an annotation": {container: `"x":"[\"x://u:p@h\",2]"`,
			want: `added containers[app].x: <nil> -> ["(hidden)",2] (hidden: true)`, open: `added containers[app].x: <nil> -> ["x://u:p@h",2] (hidden: false)`},
		"another volume": {container: `"x":1`, pod: `,"volumes":[{"name":"tmp","emptyDir":{}}]`,
			want: "added containers[app].x: <nil> -> 1 (hidden: false)\nadded volumes[tmp].emptyDir: <nil> -> map[] (hidden: false)",
			open: "added containers[app].x: <nil> -> 1 (hidden: false)\nadded volumes[tmp].emptyDir: <nil> -> map[] (hidden: false)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := service(tc.container, tc.pod)
			r, err := redact.New(nil, doc)
			require.NoError(t, err)
			require.Equal(t, tc.want, strings.Join(shown(t, r, nil, doc), "\n"))
			require.Equal(t, tc.open, strings.Join(shown(t, redact.Reveal(), nil, doc), "\n"))
		})
	}
}

// TestZeroValueHides checks that the zero value, which knows no documents, hides by name and form.
func TestZeroValueHides(t *testing.T) {
	t.Parallel()
	var r redact.Redactor
	doc := service(`"env":[{"name":"A","value":"x"}]`, "")
	require.Equal(t, []string{"added containers[app].env[A].value: <nil> -> (hidden) (hidden: true)"}, shown(t, r, nil, doc))
	require.Equal(t, "text", r.Text("text"))
	v, hidden := r.Value(nil, map[string]any{"token": "x", "n": nil})
	require.Equal(t, map[string]any{"token": redact.Hidden, "n": nil}, v)
	require.True(t, hidden)
}

func TestText(t *testing.T) {
	t.Parallel()
	before := service(`"env":[{"name":"A","value":"hunter2"},{"name":"B","valueFrom":{"secretKeyRef":{"name":"db-secret","key":"latest"}}}]`, "")
	after := service(`"image":"img/app","env":[{"name":"A","value":"hunter2-and-more"},{"name":"C","value":"two\nlines"},{"name":"D","value":"short"}]`, "")
	r, err := redact.New(before, after)
	require.NoError(t, err)
	applied, err := redact.New(service(`"x":"{\"env\":[{\"value\":\"hunter2\"}]}"`, ""))
	require.NoError(t, err)
	require.Equal(t, "bad (hidden)", applied.Text("bad hunter2"))
	for text, want := range map[string]string{
		"hunter2-and-more, hunter2 and hunter2x": "(hidden), (hidden) and (hidden)x",
		"two lines, two\nlines":                  "(hidden), (hidden)",
		"db-secret:latest":                       "(hidden):latest",
		"short img/app":                          "short img/app",
		"":                                       "",
	} {
		require.Equal(t, want, r.Text(text))
		require.Equal(t, text, redact.Reveal().Text(text))
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	r, err := redact.New(service(`"env":[{"name":"A","value":"hunter2"}]`, ""))
	require.NoError(t, err)
	cause := errors.New("bad value hunter2")
	got := r.Error(fmt.Errorf("create: %w", cause))
	require.EqualError(t, got, "create: bad value (hidden)")
	require.ErrorIs(t, got, cause)
	other := errors.New("other")
	require.Same(t, other, r.Error(other))
	require.NoError(t, r.Error(nil))
	require.Same(t, cause, redact.Reveal().Error(cause))
}

func TestNewRejects(t *testing.T) {
	t.Parallel()
	_, err := redact.New([]byte("[]"))
	require.Error(t, err)
}
