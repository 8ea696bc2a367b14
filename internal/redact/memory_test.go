package redact_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/redact"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	m := redact.NewMemory("us-central1")
	require.Equal(t, "hunter2", m.Text("hunter2"), "nothing is known yet")
	m.Learn(nil)
	m.Learn([]byte("no JSON"))
	m.Learn(service(`"env":[{"name":"PASSWORD","value":"hunter2"},{"name":"REGION","value":"us-central1"},{"name":"DB","valueFrom":{"secretKeyRef":{"name":"db-secret","key":"latest"}}}]`, ""))
	m.Learn(service(`"env":[{"name":"A","value":"a \"b\" <c>\nd"},{"name":"BLANK","value":"      x"}],"x":"{\"env\":[{\"name\":\"VARIABLE\",\"value\":\"embedded\"}]}"`, ""))
	for text, want := range map[string]string{
		"":                         "",
		"bad hunter2":              "bad (hidden)",
		"in us-central1":           "in us-central1",
		"PASSWORD VARIABLE x":      "PASSWORD VARIABLE x",
		"embedded":                 "(hidden)",
		"a \"b\" <c>\nd":           "(hidden)",
		"a \"b\" <c> d":            "(hidden)",
		`a \"b\" <c>\nd`:           "(hidden)",
		`a \"b\" \u003cc\u003e\nd`: "(hidden)",
		"cut off: hunter…":         "cut off: (hidden)…",
		"cut off: 'hunter...'":     "cut off: '(hidden)...'",
		"a hunter":                 "a hunter",
		"a hunter... a hunter":     "a (hidden)... a hunter",
	} {
		require.Equal(t, want, m.Text(text), text)
		require.Equal(t, want, m.Message(text), text)
	}
	require.Equal(t, "(hidden):latest", m.Text("db-secret:latest"))
	require.Equal(t, "db-secret:latest", m.Message("db-secret:latest"))
	require.EqualError(t, m.Error(fmt.Errorf("bad %w", errors.New("hunter2"))), "bad (hidden)")
	require.NoError(t, m.Error(nil))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		require.NotContains(t, fmt.Sprintf(verb, m), "hunter2")
		require.NotContains(t, fmt.Sprintf(verb, m), "104 117 110")
	}
}

// A document is encoded only if there is a text to hide something in, and once.
func TestMemoryIsLazy(t *testing.T) {
	t.Parallel()
	m := redact.NewMemory()
	encoded := 0
	for range 3 {
		m.LearnOnce("key", func() []byte { encoded++; return service(`"env":[{"name":"A","value":"hunter2"}]`, "") })
	}
	require.Empty(t, m.Text("")+m.Message(""))
	require.NoError(t, m.Error(nil))
	require.Zero(t, encoded)
	require.Equal(t, "(hidden) (hidden)", m.Text("hunter2")+" "+m.Message("hunter2"))
	require.Equal(t, 1, encoded)
}

func TestMemoriesThatHideNothing(t *testing.T) {
	t.Parallel()
	for _, m := range []*redact.Memory{nil, redact.Revealing()} {
		m.Learn(service(`"env":[{"name":"A","value":"hunter2"}]`, ""))
		m.LearnOnce("key", func() []byte { return nil })
		require.Equal(t, "hunter2 hunter2", m.Text("hunter2")+" "+m.Message("hunter2"))
		cause := errors.New("hunter2")
		require.Same(t, cause, m.Error(cause))
	}
}

// A long call does not keep all documents, and still knows their values.
func TestMemoryOfManyDocuments(t *testing.T) {
	t.Parallel()
	m := redact.NewMemory()
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() { m.Learn(service(fmt.Sprintf(`"env":[{"name":"A","value":"hunter-%03d"}]`, i), "")) })
	}
	all.Wait()
	for i := range 100 {
		require.Equal(t, redact.Hidden, m.Text(fmt.Sprintf("hunter-%03d", i)))
	}
	require.NotContains(t, m.Text("hunter-100"), redact.Hidden)
}
