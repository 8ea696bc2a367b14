package split

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/names"
)

const (
	// maxTag is the length of a DNS label.
	maxTag = 63
	// maxTagAndService is Cloud Run's own limit: both are in the first label of the tag's URL.
	maxTagAndService = 46
	// maxOnCluster is the limit of a cluster, where that label is TAG-SERVICE.
	maxOnCluster = maxTag - 1
)

// Host is the Service whose name and a tag are in the host name of the tag's URL.
// The zero Host is none.
type Host struct {
	Service string
	Cluster bool
}

func (h Host) limit() int {
	if h.Cluster {
		return maxOnCluster
	}
	return maxTagAndService
}

// CheckTag checks a tag's spelling, and that it is short enough for a host.
func CheckTag(tag string, of Host) error {
	both := len(tag) + len(of.Service)
	switch {
	case tag == "":
		return &Error{Field: FieldTag, Reason: "is empty"}
	case len(tag) > maxTag:
		return &Error{Field: FieldTag, Value: tag,
			Reason: fmt.Sprintf("is too long: it has %d characters, at most %d are allowed", len(tag), maxTag)}
	case !names.IsName(tag):
		return &Error{Field: FieldTag, Value: tag,
			Reason: "is not valid: use lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen"}
	case of.Service != "" && both > of.limit():
		return &Error{Field: FieldTag, Value: tag,
			Reason: fmt.Sprintf("is too long for service %s: together they have %d characters, at most %d are allowed", of.Service, both, of.limit())}
	}
	return nil
}

// UpdateTags moves every tag of set to its revision, or to [Latest]. It keeps the
// shares of traffic. A moved tag gets a target of its own, without a share, at
// the end of the list; one that already has such a target keeps its place. It
// fails, with one [*Error] per problem, if a tag is not valid or a revision is
// empty.
func UpdateTags(current []Target, set map[string]string) ([]Target, error) {
	if len(set) == 0 {
		return slices.Clone(current), nil
	}
	return retag(current, set, func(string) bool { return false })
}

// SetTags is [UpdateTags] and also removes all other tags. With an empty set it
// is [ClearTags].
func SetTags(current []Target, set map[string]string) ([]Target, error) {
	return retag(current, set, func(string) bool { return true })
}

// RemoveTags removes tags, and the targets that are then left without a share. It
// ignores unknown tags. To remove and update tags at once, remove first.
func RemoveTags(current []Target, tags []string) []Target {
	if len(tags) == 0 {
		return slices.Clone(current)
	}
	kept, _ := untag(current, nil, func(tag string) bool { return slices.Contains(tags, tag) })
	return kept
}

// ClearTags removes all tags, and with them the targets that have no share.
func ClearTags(current []Target) []Target {
	kept, _ := untag(current, nil, func(string) bool { return true })
	return kept
}

// TagNew puts a tag on a revision that is about to be created. It fails if the tag is
// not valid or the revision has no name.
func TagNew(current []Target, tag, revision string) ([]Target, error) {
	return UpdateTags(current, map[string]string{tag: revision})
}

func retag(current []Target, set map[string]string, remove func(tag string) bool) ([]Target, error) {
	var problems []error
	for _, tag := range slices.Sorted(maps.Keys(set)) {
		if err := CheckTag(tag, Host{}); err != nil {
			problems = append(problems, err)
		}
		if set[tag] == "" {
			problems = append(problems, errNoRevision())
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	targets, missing := untag(current, set, remove)
	for _, tag := range missing {
		targets = append(targets, newTarget(set[tag], tag, 0, -1))
	}
	return targets, nil
}

// untag removes tags, and those of set that must move. It drops the targets that
// are left with neither tag nor share. It also returns the tags of set that now
// have no target, sorted.
func untag(current []Target, set map[string]string, remove func(tag string) bool) ([]Target, []string) {
	missing := maps.Clone(set)
	targets := make([]Target, 0, len(current)+len(set))
	for _, t := range orLatest(current) {
		key, moves := set[t.Tag]
		if _, ok := missing[t.Tag]; ok && t.Percent == 0 && t.key() == key {
			delete(missing, t.Tag)
		} else if moves || remove(t.Tag) {
			t.Tag = ""
		}
		if t.Percent != 0 || t.Tag != "" {
			targets = append(targets, t)
		}
	}
	return targets, slices.Sorted(maps.Keys(missing))
}

func unknownTag(tag string, tagged map[string]string) *Error {
	reason := "is on no revision: the service has no tags"
	if len(tagged) > 0 {
		reason = "is on no revision: the tags in use are " + strings.Join(slices.Sorted(maps.Keys(tagged)), ", ")
	}
	return &Error{Field: FieldTag, Value: tag, Reason: reason}
}
