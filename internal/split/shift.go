package split

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Shift gives the percentages of want to its keys, each the name of a revision
// or [Latest]. The rest goes to the other targets that serve now, in proportion
// to their shares. A revision with 0 percent is dropped. Each tag stays, on a
// target of its own after the shares, which are sorted by revision, LATEST last.
// With an empty want, Shift returns the list unchanged.
//
// It fails, with one [*Error] per problem, if a percentage is not between 0 and
// 100, or if they add up to more than 100. If they add up to less, it also fails
// if there is no other target for the rest, or if the current shares are not valid.
func Shift(current []Target, want map[string]int64) ([]Target, error) {
	if len(want) == 0 {
		return slices.Clone(current), nil
	}
	current = orLatest(current)
	named, err := checkWant(want)
	if err != nil {
		return nil, err
	}
	byKey := make(map[string]int64)
	if named < all {
		rest, err := unnamed(current, want, named)
		if err != nil {
			return nil, err
		}
		byKey = scale(rest, all-named)
	}
	for key, percent := range want {
		if percent > 0 {
			byKey[key] = percent
		}
	}
	return assemble(current, byKey), nil
}

// ToTags is [Shift] for the revisions of the tags in want. It also fails if a tag
// is unknown, or if two of them are on the same revision.
func ToTags(current []Target, want map[string]int64) ([]Target, error) {
	tagged := make(map[string]string)
	for _, t := range current {
		if t.Tag != "" {
			tagged[t.Tag] = t.key()
		}
	}
	var problems []error
	byKey, tagOf := make(map[string]int64), make(map[string]string)
	for _, tag := range slices.Sorted(maps.Keys(want)) {
		key, known := tagged[tag]
		switch other, twice := tagOf[key]; {
		case !known:
			problems = append(problems, unknownTag(tag, tagged))
		case twice:
			problems = append(problems, &Error{Field: FieldTag, Value: tag,
				Reason: fmt.Sprintf("is on %s, and so is %q: give a percentage to only one of them", key, other)})
		default:
			byKey[key], tagOf[key] = want[tag], tag
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return Shift(current, byKey)
}

// checkWant returns the sum of the requested percentages.
func checkWant(want map[string]int64) (int64, error) {
	var problems []error
	var named int64
	for _, key := range slices.Sorted(maps.Keys(want)) {
		percent := want[key]
		if key == "" {
			problems = append(problems, errNoRevision())
		}
		if percent < 0 || percent > all {
			problems = append(problems, &Error{Field: FieldPercent, Value: share(key, percent),
				Reason: "is not between 0 and 100"})
			continue
		}
		named += percent
	}
	if named > all {
		problems = append(problems, &Error{Field: FieldPercent, Value: list(want),
			Reason: fmt.Sprintf("adds up to %d, which is over 100", named)})
	}
	return named, errors.Join(problems...)
}

// unnamed returns the current shares of the targets that want does not name.
func unnamed(current []Target, want map[string]int64, named int64) (map[string]int64, error) {
	if err := checkCurrent(current); err != nil {
		return nil, err
	}
	rest := shares(current)
	maps.DeleteFunc(rest, func(key string, _ int64) bool {
		_, ok := want[key]
		return ok
	})
	if len(rest) == 0 {
		return nil, &Error{Field: FieldPercent, Value: list(want),
			Reason: fmt.Sprintf("adds up to %d and leaves no target to take the rest: "+
				"make it 100, or omit a revision that serves traffic", named)}
	}
	return rest, nil
}

// checkCurrent rejects a list whose shares cannot be scaled.
func checkCurrent(current []Target) error {
	var sum int64
	for _, t := range current {
		if t.Percent < 0 || t.Percent > all {
			return &Error{Field: FieldTraffic, Value: share(t.key(), t.Percent),
				Reason: "is what the service has now, and is not between 0 and 100: give percentages that add up to 100"}
		}
		sum += t.Percent
	}
	if sum != all {
		return &Error{Field: FieldTraffic, Value: list(shares(current)),
			Reason: fmt.Sprintf("is what the service has now, and adds up to %d instead of 100: "+
				"give percentages that add up to 100", sum)}
	}
	return nil
}

// portion is the number of points of one key.
type portion struct {
	key   string
	exact float64
	kept  float64 // 1 minus the truncated fraction
}

// scale distributes points over the keys of rest in proportion to their shares.
// It truncates fractions. The missing points go to the keys that lost most, of
// these to the smaller ones, and of these to the first by name.
//
// Shares of 10, 30 and 60 scaled to 46 lose 0.6 each, so rounding errors decide
// which of them gain a point. For the same command to give the same split, this
// repeats gcloud's own floating-point arithmetic, operation by operation.
func scale(rest map[string]int64, points int64) map[string]int64 {
	var total int64
	for _, percent := range rest {
		total += percent
	}
	scaled := make(map[string]int64, len(rest))
	portions := make([]portion, 0, len(rest))
	missing := points
	for key, percent := range rest {
		exact := float64(percent) * float64(points) / float64(total)
		whole := math.Trunc(exact)
		scaled[key] = int64(whole)
		missing -= int64(whole)
		portions = append(portions, portion{key: key, exact: exact, kept: 1 - (exact - whole)})
	}
	slices.SortFunc(portions, func(a, b portion) int {
		return cmp.Or(cmp.Compare(a.kept, b.kept), cmp.Compare(a.exact, b.exact), compareKeys(a.key, b.key))
	})
	for _, p := range portions[:missing] {
		scaled[p.key]++
	}
	return scaled
}
