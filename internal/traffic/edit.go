package traffic

import "github.com/cloudrun-go/cloudrun/internal/split"

// Edit is a change of the traffic of a Service. At most one of ToLatest, Shares
// and TagShares is set.
type Edit struct {
	ToLatest    bool              // all traffic follows the latest ready Revision
	Shares      map[string]int64  // percentages by Revision
	TagShares   map[string]int64  // percentages by tag
	Tags        map[string]string // Revisions by tag
	ReplaceTags bool              // Tags replaces all tags
	RemoveTags  []string
}

// Empty reports whether the edit changes nothing.
func (e Edit) Empty() bool {
	return !e.Divides() && !e.ReplaceTags && len(e.Tags)+len(e.RemoveTags) == 0
}

// Divides reports whether the edit says how the traffic is divided.
func (e Edit) Divides() bool { return e.ToLatest || len(e.Shares)+len(e.TagShares) > 0 }

// Apply returns the targets that the edit makes of others: tags change first,
// then shares.
func (e Edit) Apply(targets []split.Target) ([]split.Target, error) {
	targets, err := e.retag(targets)
	switch {
	case err != nil:
		return nil, err
	case e.ToLatest:
		return split.ToLatest(targets), nil
	case len(e.Shares) > 0:
		return split.Shift(targets, e.Shares)
	case len(e.TagShares) > 0:
		return split.ToTags(targets, e.TagShares)
	}
	return targets, nil
}

func (e Edit) retag(targets []split.Target) ([]split.Target, error) {
	if e.ReplaceTags {
		return split.SetTags(targets, e.Tags)
	}
	return split.UpdateTags(split.RemoveTags(targets, e.RemoveTags), e.Tags)
}
