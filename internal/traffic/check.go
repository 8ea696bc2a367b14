package traffic

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/split"
)

// Check returns the problems that do not depend on the Service's own traffic.
// The host limits the length of tags.
func (e Edit) Check(host split.Host) error {
	var problems edits.Problems
	for _, tag := range slices.Sorted(maps.Keys(e.Tags)) {
		if err := split.CheckTag(tag, host); err != nil {
			problems = append(problems, &edits.Problem{Option: edits.Spell("WithTagOn", tag, e.Tags[tag]), Reason: err.Error()})
		}
	}
	problems = append(append(problems, checkSum("ToRevision", e.Shares)...), checkSum("ToTag", e.TagShares)...)
	if len(problems) == 0 {
		return nil
	}
	return problems
}

// checkSum refuses shares of more than 100 percent together, and names them all.
func checkSum(option string, shares map[string]int64) edits.Problems {
	var sum int64
	calls := make([]string, 0, len(shares))
	for _, name := range slices.Sorted(maps.Keys(shares)) {
		sum += shares[name]
		calls = append(calls, edits.Spell(option, name, shares[name]))
	}
	if sum <= 100 {
		return nil
	}
	return edits.Problems{{Option: strings.Join(calls, " and "), Reason: fmt.Sprintf("the percentages add up to %d, which is over 100", sum)}}
}
