package cloudrun

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// TrafficOption configures [Deployer.UpdateTraffic]. Every [CallOption] is one
// too. The rules are those of [DeployOption]; tags are changed before the
// traffic is split.
type TrafficOption interface {
	edits.Option
	onTraffic()
}

type trafficOption struct{ list []edits.Setting }

func (o trafficOption) Settings() []edits.Setting { return o.list }
func (trafficOption) onTraffic()                  {}

// LatestOption is a [TrafficOption] that [Deployer.Deploy] takes as well.
type LatestOption interface {
	DeployOption
	TrafficOption
}

type latestOption struct{ deployOption }

func (latestOption) onTraffic() {}

// Latest stands for the latest ready Revision, whichever that is, where the
// name of a Revision is asked for.
const Latest = split.Latest

// trafficConfig is what the options of a call say about the traffic.
type trafficConfig struct {
	traffic.Edit
	custom []func(*servingv1.Service) error // of EditTraffic
}

func (e trafficConfig) empty() bool { return e.Edit.Empty() && len(e.custom) == 0 }

// check finds what is wrong without the Service's own traffic. The Service is
// that whose name limits the length of tags; empty if none does.
func (e trafficConfig) check(service string) error {
	var problems []error
	for _, tag := range slices.Sorted(maps.Keys(e.Tags)) {
		if err := split.CheckTag(tag, service); err != nil {
			problems = append(problems, &OptionError{Option: edits.Spell("WithTagOn", tag, e.Tags[tag]), Reason: err.Error()})
		}
	}
	return errors.Join(append(problems, checkSum("ToRevision", e.Shares), checkSum("ToTag", e.TagShares))...)
}

// checkSum refuses shares that add up to too much, and names them all.
func checkSum(option string, shares map[string]int64) error {
	var sum int64
	calls := make([]string, 0, len(shares))
	for _, name := range slices.Sorted(maps.Keys(shares)) {
		sum += shares[name]
		calls = append(calls, edits.Spell(option, name, shares[name]))
	}
	if sum <= 100 {
		return nil
	}
	return &OptionError{Option: strings.Join(calls, " and "), Reason: fmt.Sprintf("the percentages add up to %d, which is over 100", sum)}
}

const (
	thingSplit = "how the traffic is split"
	thingTags  = "all tags"
)

func setsTraffic(option string, claims edits.Claims, err error, set func(*trafficConfig)) edits.Setting {
	return edits.Setting{Option: option, Phase: edits.PhaseSet, Claims: claims, Err: err, Do: set}
}

// ToLatest sends all traffic to the latest ready Revision, and to each later
// one when that is ready. With [Deployer.Deploy] the new Revision gets it, even
// if the traffic was pinned to another one. Flag: --to-latest. Field: spec.traffic.
func ToLatest() LatestOption {
	claims := edits.Decides(thingSplit, "to latest").And("whether the new revision gets traffic", "yes")
	return latestOption{deployOption{setsTraffic("ToLatest()", claims, nil, func(e *trafficConfig) { e.ToLatest = true })}}
}

// ToRevision sends a percentage of the traffic to a Revision, or to [Latest].
// What the Revisions named do not get is divided among the others in proportion
// to what they have; 0 takes a Revision out. Flag: --to-revisions. Field: spec.traffic.
func ToRevision(name string, percent int) TrafficOption {
	return share("ToRevision", "by revision", "revision", name, percent, func(e *trafficConfig) *map[string]int64 { return &e.Shares })
}

// ToTag sends a percentage of the traffic to the Revision that has a tag, like
// [ToRevision]. Flag: --to-tags. Field: spec.traffic.
func ToTag(tag string, percent int) TrafficOption {
	return share("ToTag", "by tag", "tag", tag, percent, func(e *trafficConfig) *map[string]int64 { return &e.TagShares })
}

func share(option, way, what, name string, percent int, where func(*trafficConfig) *map[string]int64) TrafficOption {
	err := notEmpty(what, name)
	if err == nil && (percent < 0 || percent > 100) {
		err = errors.New("the percentage must be from 0 to 100")
	}
	claims := edits.Decides(thingSplit, way).And("the traffic of "+what+" "+strconv.Quote(name), fmt.Sprint(percent))
	return trafficOption{[]edits.Setting{setsTraffic(edits.Spell(option, name, percent), claims, err, func(e *trafficConfig) {
		put(where(e), name, int64(percent))
	})}}
}

// put adds an entry to a map that may not be there yet.
func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}

// SetTags makes these tags, each with the name of a Revision or [Latest], all
// that the Service has. Flag: --set-tags. Field: spec.traffic.
func SetTags(tags map[string]string) TrafficOption {
	option := edits.Spell("SetTags", tags)
	var err error
	if len(tags) == 0 {
		err = errors.New("there are no tags in it: use ClearTags")
	}
	all := []edits.Setting{setsTraffic(option, edits.Decides(thingTags, option), err, func(e *trafficConfig) { e.ReplaceTags = true })}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, tagsRevision(option, option, tag, tags[tag]))
	}
	return trafficOption{all}
}

// WithTagOn gives a Revision, or [Latest], a tag and with it a URL of its own; a
// tag that another Revision has moves. Flag: --update-tags. Field: spec.traffic.
func WithTagOn(tag, revision string) TrafficOption {
	return trafficOption{[]edits.Setting{tagsRevision(edits.Spell("WithTagOn", tag, revision), "in parts", tag, revision)}}
}

func tagsRevision(option, all, tag, revision string) edits.Setting {
	err := errors.Join(split.CheckTag(tag, ""), notEmpty("revision", revision))
	claims := edits.Decides("the tag "+strconv.Quote(tag), revision).And(thingTags, all)
	return setsTraffic(option, claims, err, func(e *trafficConfig) { put(&e.Tags, tag, revision) })
}

// WithoutTag removes tags; those that are not there are ignored. Flag:
// --remove-tags. Field: spec.traffic.
func WithoutTag(tags ...string) TrafficOption {
	option := edits.SpellList("WithoutTag", tags)
	return trafficOption{perItem(tags, func(tag string) edits.Setting {
		claims := edits.Decides("the tag "+strconv.Quote(tag), "").And(thingTags, "in parts")
		return setsTraffic(option, claims, notEmpty("tag", tag), func(e *trafficConfig) { e.RemoveTags = append(e.RemoveTags, tag) })
	})}
}

// ClearTags removes all tags. Flag: --clear-tags. Field: spec.traffic.
func ClearTags() TrafficOption {
	return trafficOption{[]edits.Setting{setsTraffic("ClearTags()", edits.Decides(thingTags, "cleared"), nil, func(e *trafficConfig) { e.ReplaceTags = true })}}
}

// EditTraffic changes spec.traffic and the metadata of a Service in a way that no
// option does, in the same conditional write as the other options of the call.
// The edit runs after them. It may be called several times, each time on a fresh
// copy, and should be quick. If it returns an error, nothing is written and the
// error of the call unwraps to it. The call waits until the traffic is in
// effect; [Async] does not change that.
func EditTraffic(edit func(*servingv1.Service) error) TrafficOption {
	s := edits.Setting{Option: "EditTraffic", Phase: edits.PhaseCustom, Do: func(c *trafficConfig) { c.custom = append(c.custom, edit) }}
	if edit == nil {
		s.Err = errors.New("the function is nil")
	}
	return trafficOption{[]edits.Setting{s}}
}
