package split_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/split"
)

var someKeys = []string{split.Latest, "a", "b", "c", "d", "e"}

// randomSplit returns a list that adds up to 100, with several targets for some
// revisions, unique tags, and targets without a share.
func randomSplit(random *rand.Rand) []split.Target {
	var current []split.Target
	for left := int64(100); left > 0; {
		t := randomTarget(random, len(current))
		t.Percent = min(left, random.Int64N(60))
		left -= t.Percent
		current = append(current, t)
	}
	return current
}

func randomTarget(random *rand.Rand, ref int) split.Target {
	t := split.Target{Ref: ref}
	if key := someKeys[random.IntN(len(someKeys))]; key == split.Latest {
		t.Latest = true
	} else {
		t.Revision = key
	}
	if random.IntN(3) == 0 {
		t.Tag = "tag-" + string(rune('a'+ref))
	}
	return t
}

func randomWant(random *rand.Rand) map[string]int64 {
	want := make(map[string]int64)
	for left := int64(100); random.IntN(3) > 0; {
		percent := random.Int64N(left + 1)
		want[append(someKeys, "n")[random.IntN(len(someKeys)+1)]] = percent
		left -= percent
	}
	return want
}

// checkSplit checks what must be true of every list sent to the server.
func checkSplit(t *testing.T, targets []split.Target) {
	t.Helper()
	var sum int64
	tags, untagged := make(map[string]bool), make(map[string]bool)
	for _, target := range targets {
		require.GreaterOrEqual(t, target.Percent, int64(0))
		sum += target.Percent
		require.Falsef(t, target.Latest && target.Revision != "", "%+v", target)
		if target.Tag != "" {
			require.False(t, tags[target.Tag], "tag %s twice in %s", target.Tag, show(targets))
			require.Zero(t, target.Percent, "tag %s has a share in %s", target.Tag, show(targets))
			tags[target.Tag] = true
			continue
		}
		require.False(t, untagged[key(target)], "%s twice in %s", key(target), show(targets))
		untagged[key(target)] = true
	}
	require.Equal(t, int64(100), sum, show(targets))
}

func tagsOf(targets []split.Target) map[string]string {
	tags := make(map[string]string)
	for _, t := range targets {
		if t.Tag != "" {
			tags[t.Tag] = key(t)
		}
	}
	return tags
}

func sharesOf(targets []split.Target) map[string]int64 {
	byKey := make(map[string]int64)
	for _, t := range targets {
		if t.Percent > 0 {
			byKey[key(t)] += t.Percent
		}
	}
	return byKey
}

func TestShiftProperties(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 28))
	for done := 0; done < 3000; {
		current, want := randomSplit(random), randomWant(random)
		got, err := split.Shift(current, want)
		if err != nil || len(want) == 0 {
			continue
		}
		done++
		checkSplit(t, got)
		require.Equal(t, tagsOf(current), tagsOf(got))
		after := sharesOf(got)
		for key, percent := range want {
			require.Equal(t, percent, after[key], "%s of %v from %s", key, want, show(current))
		}
		again, err := split.Shift(got, want)
		require.NoError(t, err)
		require.Equal(t, after, sharesOf(again), "a second time: %v from %s", want, show(current))
	}
}

func TestOtherEditsKeepTheSum(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 2))
	for range 2000 {
		current := randomSplit(random)
		checkSplit(t, split.ToLatest(current))
		require.Equal(t, tagsOf(current), tagsOf(split.ToLatest(current)))

		kept, err := split.NoTraffic(current, "a")
		require.NoError(t, err)
		require.True(t, split.Pinned(kept))
		require.Equal(t, tagsOf(current), tagsOf(kept))

		set := map[string]string{"tag-a": "b", "new": split.Latest}
		tagged, err := split.UpdateTags(current, set)
		require.NoError(t, err)
		require.Equal(t, sharesOf(current), sharesOf(tagged))
		require.Subset(t, tagsOf(tagged), set)

		only, err := split.SetTags(current, set)
		require.NoError(t, err)
		require.Equal(t, sharesOf(current), sharesOf(only))
		require.Equal(t, set, tagsOf(only))

		cleared := split.ClearTags(current)
		require.Equal(t, sharesOf(current), sharesOf(cleared))
		require.Empty(t, tagsOf(cleared))
	}
}

// FuzzShift calls Shift with the input of a broken or hostile server or caller.
func FuzzShift(f *testing.F) {
	f.Add(int64(40), int64(60), int64(0), "a", int64(45), "n", int64(0))
	f.Add(int64(10), int64(30), int64(60), "n", int64(54), "", int64(1))
	f.Add(int64(50), int64(50), int64(0), "n", int64(99), "LATEST", int64(0))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MinInt64), "n", int64(1), "b", int64(math.MaxInt64))
	f.Add(int64(0), int64(0), int64(0), "n", int64(100), "n", int64(100))
	f.Fuzz(func(t *testing.T, a, b, latest int64, key1 string, percent1 int64, key2 string, percent2 int64) {
		current := []split.Target{
			{Revision: "a", Percent: a, Tag: "blue", Ref: 0},
			{Revision: "b", Percent: b, Ref: 1},
			{Latest: true, Percent: latest, Ref: 2},
			{Revision: "b", Tag: "green", Ref: 3},
		}
		got, err := split.Shift(current, map[string]int64{key1: percent1, key2: percent2})
		if err != nil {
			var problem *split.Error
			require.ErrorAs(t, err, &problem)
			require.NotEmpty(t, problem.Error())
			return
		}
		checkSplit(t, got)
		require.Equal(t, map[string]string{"blue": "a", "green": "b"}, tagsOf(got))
	})
}
