// Package similar suggests the name that was probably meant by an unknown one.
package similar

import (
	"slices"
	"strings"
)

// Name returns the known name that is most similar to a misspelt one; "" if none is.
func Name(name string, known []string) string {
	known = slices.Sorted(slices.Values(known))
	best, least := "", 3 // with more than two typing errors it is another word
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return k
		}
		if d := distance(name, k); d < least && 3*d <= len(k) {
			best, least = k, d
		}
	}
	return best
}

// distance returns the number of letters to add, drop or change to turn a into b.
// It is 1 if only their order differs, and depends only on the lengths of long names.
func distance(a, b string) int {
	if len(a) == len(b) && sorted(a) == sorted(b) {
		return 1
	}
	if apart := max(len(a)-len(b), len(b)-len(a)); apart > 2 || len(a) > 80 {
		return max(apart, 3)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func sorted(s string) string {
	letters := []byte(s)
	slices.Sort(letters)
	return string(letters)
}
