package edits_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// An option of the tests: its settings.
type option []edits.Setting

func (o option) Settings() []edits.Setting { return o }

// adds is a setting that writes a word to a [page].
func adds(word string, phase edits.Phase, claims edits.Claims) edits.Setting {
	return edits.Setting{Option: word, Phase: phase, Claims: claims, Do: func(p *page) error {
		p.words = append(p.words, word)
		return nil
	}}
}

// page is a target that knows one type of function.
type page struct{ words []string }

func (p *page) Settle() { p.words = append(p.words, "|") }

func (p *page) Edit(step edits.Step) error {
	if do, ok := step.Do.(func(*page) error); ok {
		return do(p)
	}
	return nil
}

func TestOrder(t *testing.T) {
	t.Parallel()
	ranked := func(s edits.Setting, rank int) edits.Setting { s.Rank = rank; return s }
	ordered := func(s edits.Setting, order string) edits.Setting { s.Order = order; return s }
	for name, tc := range map[string]struct {
		settings []edits.Setting
		want     []string
	}{
		"nothing": {nil, []string{"|"}},
		"phases": {[]edits.Setting{
			adds("derive", edits.PhaseDerive, nil), adds("set", edits.PhaseSet, nil), adds("remove", edits.PhaseRemove, nil),
			adds("empty", edits.PhaseEmpty, nil), adds("add", edits.PhaseAddElements, nil), adds("drop", edits.PhaseDropElements, nil),
		}, []string{"drop", "add", "empty", "remove", "set", "derive", "|"}},
		"things": {[]edits.Setting{
			adds("2", edits.PhaseSet, edits.Decides("b", "")), adds("1", edits.PhaseSet, edits.Decides("a", "")),
		}, []string{"1", "2", "|"}},
		"rank before thing": {[]edits.Setting{
			adds("2", edits.PhaseSet, edits.Decides("a", "")), ranked(adds("1", edits.PhaseSet, edits.Decides("b", "")), -1),
		}, []string{"1", "2", "|"}},
		"order before thing": {[]edits.Setting{
			ordered(adds("2", edits.PhaseSet, edits.Decides("a", "")), "z"), adds("1", edits.PhaseSet, edits.Decides("b", "")),
		}, []string{"1", "2", "|"}},
		"custom ones last, as given": {[]edits.Setting{
			adds("z", edits.PhaseCustom, edits.Decides("z", "")), adds("a", edits.PhaseCustom, edits.Decides("a", "")), adds("set", edits.PhaseSet, nil),
		}, []string{"set", "|", "z", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := edits.New(tc.settings)
			require.NoError(t, err)
			var p page
			require.NoError(t, set.Apply(&p))
			require.Equal(t, tc.want, p.words)
		})
	}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	unless := adds("u", edits.PhaseSet, nil)
	unless.Unless = "color"
	for name, tc := range map[string]struct {
		layers [][]edits.Setting
		want   []string
	}{
		"the weaker goes first": {[][]edits.Setting{
			{adds("weak", edits.PhaseSet, edits.Decides("a", "1"))}, {adds("strong", edits.PhaseSet, edits.Decides("b", "1"))},
		}, []string{"weak", "|", "strong", "|"}},
		"the weaker gives way": {[][]edits.Setting{
			{adds("weak", edits.PhaseSet, edits.Decides("a", "1"))}, {adds("strong", edits.PhaseSet, edits.Decides("a", "2"))},
		}, []string{"|", "strong", "|"}},
		"agreement is no reason to": {[][]edits.Setting{
			{adds("weak", edits.PhaseSet, edits.Decides("a", "1"))}, {adds("strong", edits.PhaseSet, edits.Decides("a", "1"))},
		}, []string{"weak", "|", "strong", "|"}},
		"one of several claims is enough": {[][]edits.Setting{
			{adds("weak", edits.PhaseSet, edits.Decides("a", "1").And("b", "1"))}, {adds("strong", edits.PhaseSet, edits.Decides("b", "2"))},
		}, []string{"|", "strong", "|"}},
		"three layers": {[][]edits.Setting{
			{adds("1", edits.PhaseSet, edits.Decides("a", "1"))}, {adds("2", edits.PhaseSet, edits.Decides("a", "2"))}, {adds("3", edits.PhaseSet, edits.Decides("a", "3"))},
		}, []string{"|", "|", "3", "|"}},
		"unless nothing decides": {[][]edits.Setting{{unless}}, []string{"u", "|"}},
		"unless a stronger layer decides": {[][]edits.Setting{
			{unless}, {adds("blue", edits.PhaseSet, edits.Decides("color", "blue"))},
		}, []string{"|", "blue", "|"}},
		"unless a weaker layer decides": {[][]edits.Setting{
			{adds("blue", edits.PhaseSet, edits.Decides("color", "blue"))}, {unless},
		}, []string{"blue", "|", "|"}},
		"a scope of its own": {[][]edits.Setting{
			edits.Within("in x", "x", []edits.Setting{adds("weak", edits.PhaseSet, edits.Decides("a", "1"))}), {adds("strong", edits.PhaseSet, edits.Decides("a", "2"))},
		}, []string{"weak", "|", "strong", "|"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := edits.New(tc.layers...)
			require.NoError(t, err)
			var p page
			require.NoError(t, set.Apply(&p))
			require.Equal(t, tc.want, p.words)
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	wrong := func(option, reason string) edits.Setting {
		return edits.Setting{Option: option, Err: errors.New(reason)}
	}
	one := adds("One", edits.PhaseSet, edits.Decides("the size", "1"))
	two := adds("Two", edits.PhaseSet, edits.Decides("the size", "2"))
	for name, tc := range map[string]struct {
		layers [][]edits.Setting
		want   string
	}{
		"an argument":        {[][]edits.Setting{{wrong("A", "no")}}, "A: no"},
		"a contradiction":    {[][]edits.Setting{{one, two}}, "Two contradicts One: both decide the size"},
		"the same twice":     {[][]edits.Setting{{one, one}}, ""},
		"not between layers": {[][]edits.Setting{{one}, {two}}, ""},
		"within a scope": {
			[][]edits.Setting{append(edits.Within("X", "x", []edits.Setting{one}), edits.Within("X", "x", []edits.Setting{two})...)},
			"X Two contradicts X One: both decide the size of x",
		},
		"not between scopes": {[][]edits.Setting{append(edits.Within("X", "x", []edits.Setting{one}), edits.Within("Y", "y", []edits.Setting{two})...)}, ""},
		"all of them":        {[][]edits.Setting{{wrong("A", "no"), one, two}, {wrong("B", "neither")}}, "A: no\nTwo contradicts One: both decide the size\nB: neither"},
		"a nil option":       {[][]edits.Setting{edits.Of([]edits.Option{option{one}, nil})}, "option 2: it is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := edits.New(tc.layers...)
			require.NotNil(t, set)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
			var problem *edits.Problem
			require.ErrorAs(t, err, &problem)
		})
	}
}

func TestWholeErr(t *testing.T) {
	t.Parallel()
	set := adds("A", edits.PhaseSet, edits.Decides("the size", "1"))
	set.WholeErr = errors.New("not of the whole")
	_, err := edits.New([]edits.Setting{set})
	require.EqualError(t, err, "A: not of the whole")
	_, err = edits.New(edits.Within("X", "x", []edits.Setting{set}))
	require.NoError(t, err)
}

// What is right is applied beside what is in error, but not the caller's own edits, which may rely on it.
func TestApplyBesideErrors(t *testing.T) {
	t.Parallel()
	wrong := adds("wrong", edits.PhaseSet, edits.Decides("the size", "1"))
	wrong.Err = errors.New("no")
	settings := append(edits.Within("X", "x", []edits.Setting{wrong}), adds("right", edits.PhaseSet, nil), adds("custom", edits.PhaseCustom, nil))
	set, err := edits.New(settings)
	require.Error(t, err)
	var p page
	require.NoError(t, set.Apply(&p))
	require.Equal(t, []string{"right", "|"}, p.words)
	require.True(t, set.Failed("the size", "x"))
	require.False(t, set.Failed("the size", ""))
	require.False(t, set.Failed("the color", "x"))
}

func TestApplyReportsEveryFailure(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	fails := func(option string, err error) edits.Setting {
		return edits.Setting{Option: option, Do: func(*page) error { return err }}
	}
	set, err := edits.New([]edits.Setting{fails("A", cause), fails("B", &edits.Problem{Option: "B itself", Reason: "x"})})
	require.NoError(t, err)
	err = set.Apply(&page{})
	require.EqualError(t, err, "A: cause\nB itself: x")
	require.ErrorIs(t, err, cause)
}

// finder is a target that finds out what a setting is about when it edits.
type finder struct {
	scope string
	done  []string
}

func (*finder) Settle() {}

func (f *finder) Edit(step edits.Step) error {
	if step.Scope == "" {
		if yields, err := step.Yields(f.scope); yields || err != nil {
			return err
		}
	}
	f.done = append(f.done, step.Option)
	return nil
}

func TestYields(t *testing.T) {
	t.Parallel()
	whole := []edits.Setting{adds("whole", edits.PhaseSet, edits.Decides("a", "1"))}
	same := edits.Within("X", "x", []edits.Setting{adds("same", edits.PhaseSet, edits.Decides("a", "1"))})
	other := edits.Within("X", "x", []edits.Setting{adds("other", edits.PhaseSet, edits.Decides("a", "2"))})
	for name, tc := range map[string]struct {
		layers [][]edits.Setting
		scope  string
		want   []string
		err    string
	}{
		"agreement":                {[][]edits.Setting{append(same, whole...)}, "x", []string{"whole", "X same"}, ""},
		"contradiction":            {[][]edits.Setting{append(other, whole...)}, "x", nil, "whole contradicts X other: both decide a of x"},
		"another element":          {[][]edits.Setting{append(other, whole...)}, "y", []string{"whole", "X other"}, ""},
		"a stronger layer decides": {[][]edits.Setting{whole, other}, "x", []string{"X other"}, ""},
		"a weaker layer decides":   {[][]edits.Setting{other, whole}, "x", []string{"X other", "whole"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := edits.New(tc.layers...)
			require.NoError(t, err)
			f := &finder{scope: tc.scope}
			err = set.Apply(f)
			if tc.err != "" {
				require.EqualError(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, f.done)
		})
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	type waiting struct {
		timeout time.Duration
		tries   int
	}
	type other struct{}
	timeout := func(d time.Duration) edits.Setting {
		return edits.Configures(edits.Spell("Timeout", d), "the timeout", d.String(), nil, func(w *waiting) { w.timeout = d })
	}
	set, err := edits.New([]edits.Setting{timeout(1)}, []edits.Setting{timeout(2), adds("word", edits.PhaseSet, nil)})
	require.NoError(t, err)
	require.Equal(t, waiting{timeout: 2, tries: 3}, edits.Configure(set, waiting{timeout: 7, tries: 3}))
	require.Equal(t, other{}, edits.Configure(set, other{}))

	require.True(t, edits.Has[func(*page) error](set))
	require.False(t, edits.Has[func(*other)](set))
	require.True(t, set.Decides("the timeout"))
	require.False(t, set.Decides("the tries"))
}

func TestDecidesAnywhere(t *testing.T) {
	t.Parallel()
	set, err := edits.New(edits.Within("X", "x", []edits.Setting{adds("w", edits.PhaseSet, edits.Decides("a", "1"))}))
	require.NoError(t, err)
	require.False(t, set.Decides("a"))
	require.True(t, set.DecidesAnywhere("a"))
	require.False(t, set.DecidesAnywhere("b"))
}

func TestSpell(t *testing.T) {
	t.Parallel()
	require.Equal(t, `A()`, edits.Spell("A"))
	require.Equal(t, `A("x", 2, true)`, edits.Spell("A", "x", 2, true))
	require.Equal(t, `A("x", …)`, edits.Spell("A", "x", edits.Hidden{}))
	require.Equal(t, `A("x", "y\n")`, edits.SpellList("A", []string{"x", "y\n"}))
	require.Len(t, edits.Spell("A", string(make([]byte, 1000))), len(`A("")`)+120*len(`\x00`))
}
