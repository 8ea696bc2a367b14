package ring_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/ring"
)

func TestRingKeepsTheLastValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limit, added int
		want         []int
	}{
		"nothing added":  {3, 0, nil},
		"not full":       {3, 2, []int{0, 1}},
		"full":           {3, 3, []int{0, 1, 2}},
		"one too many":   {3, 4, []int{1, 2, 3}},
		"twice around":   {3, 8, []int{5, 6, 7}},
		"a limit of one": {1, 4, []int{3}},
		"none kept":      {0, 4, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := ring.New[int](tc.limit)
			for i := range tc.added {
				r.Add(i)
			}
			require.Equal(t, tc.want, slices.Collect(r.All()))
			r.Reset()
			require.Empty(t, slices.Collect(r.All()))
			r.Add(9)
			require.Len(t, slices.Collect(r.All()), min(tc.limit, 1))
		})
	}
}

func TestRingStopsWhenTheLoopDoes(t *testing.T) {
	t.Parallel()
	r := ring.New[int](5)
	for i := range 5 {
		r.Add(i)
	}
	for v := range r.All() {
		require.Zero(t, v)
		break
	}
}
