package spec_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// workload is a resource of no kind in particular: what all kinds have.
type workload struct {
	Meta     metav1.ObjectMeta `json:"meta"`
	Template metav1.ObjectMeta `json:"template"`
	Pod      corev1.PodSpec    `json:"pod"`
}

// parse reads a workload from JSON.
func parse(t *testing.T, text string) *workload {
	t.Helper()
	w := new(workload)
	require.NoError(t, json.Unmarshal([]byte(text), w))
	return w
}

// text returns the workload as JSON.
func (w *workload) text(t *testing.T) string {
	t.Helper()
	raw, err := json.Marshal(w)
	require.NoError(t, err)
	return string(raw)
}

// apply carries settings out.
func (w *workload) apply(settings ...edits.Setting) error {
	set, err := edits.New(settings)
	if err != nil {
		return err
	}
	return set.Apply(spec.NewEditor(&spec.Workload{Meta: &w.Meta, Template: &w.Template, Pod: &w.Pod}))
}

// edit is a row of a table: what settings make of a workload. Settings that are
// applied again change nothing.
type edit struct {
	before   string // {} by default
	settings []edits.Setting
	after    string
	err      string
}

func (e edit) test(t *testing.T) {
	t.Helper()
	if e.before == "" {
		e.before = "{}"
	}
	w := parse(t, e.before)
	err := w.apply(e.settings...)
	if e.err != "" {
		require.ErrorContains(t, err, e.err)
		return
	}
	require.NoError(t, err)
	want := parse(t, e.after)
	require.JSONEq(t, want.text(t), w.text(t))
	require.NoError(t, w.apply(e.settings...))
	require.JSONEq(t, want.text(t), w.text(t), "applied again")
}

func testEdits(t *testing.T, table map[string]edit) {
	t.Helper()
	for name, e := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e.test(t)
		})
	}
}

// all concatenates settings.
func all(settings ...[]edits.Setting) []edits.Setting {
	var list []edits.Setting
	for _, s := range settings {
		list = append(list, s...)
	}
	return list
}

// each makes a list of single settings.
func each(settings ...edits.Setting) []edits.Setting { return settings }
