package joined_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/joined"
)

// late has several causes and a text of its own.
type late struct{ causes []error }

func (e late) Error() string   { return "it was late" }
func (e late) Unwrap() []error { return e.causes }

func TestParts(t *testing.T) {
	t.Parallel()
	a, b := errors.New("a"), errors.New("b\nc")
	for name, tc := range map[string]struct {
		err  error
		want []error
	}{
		"joined":            {errors.Join(a, nil, b), []error{a, b}},
		"one":               {errors.Join(a), []error{a}},
		"several causes":    {late{[]error{a, b}}, nil},
		"no causes":         {late{}, nil},
		"a nil cause":       {late{[]error{nil}}, nil},
		"a text around":     {fmt.Errorf("%w and %w", a, b), nil},
		"what wraps a join": {fmt.Errorf("x: %w", errors.Join(a, b)), nil},
		"not joined":        {a, nil},
		"nothing":           {nil, nil},
	} {
		require.Equal(t, tc.want, joined.Parts(tc.err), name)
	}
}

func TestAllAndMap(t *testing.T) {
	t.Parallel()
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c")
	nested := errors.Join(errors.Join(a, b), nil, errors.Join(c))
	require.Equal(t, []error{a, b, c}, joined.All(nested))
	require.Equal(t, []error{a}, joined.All(a))

	again := func(err error) error {
		if errors.Is(err, b) {
			return nil
		}
		return errors.New(err.Error() + "!")
	}
	require.EqualError(t, joined.Map(nested, again), "a!\nc!")
	require.EqualError(t, joined.Map(a, again), "a!")
	require.NoError(t, joined.Map(nil, again))
	require.NoError(t, joined.Map(errors.Join(b), again))
}
