package cloudrun

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Latest stands for the latest ready Revision, whichever that is, where the
// name of a Revision is expected.
const Latest = split.Latest

// trafficConfig is what a call changes of the traffic.
type trafficConfig struct {
	traffic.Edit
	custom []func(*servingv1.Service) error // of EditTraffic
}

func (e trafficConfig) isEmpty() bool { return e.Empty() && len(e.custom) == 0 }

const (
	thingTraffic = "whether the new revision gets traffic"
	thingSplit   = "how the traffic is split"
	thingTags    = "all tags"
	inParts      = "in parts" // the claim of an option that changes some tags and keeps the others
)

// WithNoTraffic makes a new Revision that gets no traffic: traffic of LATEST
// stays with the Revision that is the latest ready one now. A new Service cannot
// be deployed so: see [WithNoTrafficIfExists]. On an existing Service without any other option it only moves
// the traffic. Flag: --no-traffic. Field: spec.traffic.
func WithNoTraffic() DeployOption {
	return onDeploy(edits.Configures("WithNoTraffic()", thingTraffic, "no", nil, func(c *deployConfig) { c.noTraffic = true }))
}

// WithNoTrafficIfExists is [WithNoTraffic] for an existing Service. The first
// Revision of a new Service serves all its traffic, as Cloud Run requires, and
// the result has a warning. A pipeline that releases step by step needs no first
// deploy of another kind. gcloud has no flag for it. Field: spec.traffic.
func WithNoTrafficIfExists() DeployOption {
	return onDeploy(edits.Configures("WithNoTrafficIfExists()", thingTraffic, "no if it exists", nil, func(c *deployConfig) { c.noTraffic, c.firstServes = true, true }))
}

// WithTag gives the new Revision a tag, and with it a URL of its own. If another
// Revision has the tag, it loses it. A Revision without a suffix is named
// SERVICE-NNNNN-xxx after the Service's generation. If the other options ask for
// no new Revision, or there are none, the latest Revision gets the tag.
// Flag: --tag. Field: spec.traffic.
func WithTag(tag string) DeployOption {
	return onDeploy(edits.Configures(edits.Spell("WithTag", tag), "the tag of the new revision", tag, split.CheckTag(tag, split.Host{}),
		func(c *deployConfig) { c.tag = tag }))
}

// ToLatest sends all traffic to the latest ready Revision, and to each later
// one when that is ready. With [Deployer.Deploy] the new Revision gets it, even
// if the traffic was pinned to another one. Flag: --to-latest. Field: spec.traffic.
func ToLatest() LatestOption {
	claims := edits.Decides(thingSplit, "to latest").And(thingTraffic, "yes")
	return latestOption{deployOption: onDeploy(onTraffic("ToLatest()", claims, nil, func(e *trafficConfig) { e.ToLatest = true }))}
}

// ToRevision sends a percentage of the traffic to a Revision, or to [Latest].
// The rest is divided among the Revisions that no option names, in proportion
// to their current shares; 0 removes a Revision from the split.
// Flag: --to-revisions. Field: spec.traffic.
func ToRevision(name string, percent int) TrafficOption {
	return share("ToRevision", "by revision", "revision", name, percent, func(e *trafficConfig) *map[string]int64 { return &e.Shares })
}

// ToTag sends a percentage of the traffic to the Revision that has a tag, like
// [ToRevision]. Flag: --to-tags. Field: spec.traffic.
func ToTag(tag string, percent int) TrafficOption {
	return share("ToTag", "by tag", "tag", tag, percent, func(e *trafficConfig) *map[string]int64 { return &e.TagShares })
}

func share(option, way, what, name string, percent int, of func(*trafficConfig) *map[string]int64) TrafficOption {
	err := edits.NotEmpty(what, name)
	if err == nil && (percent < 0 || percent > 100) {
		err = errors.New("the percentage must be from 0 to 100")
	}
	claims := edits.Decides(thingSplit, way).And("the traffic of "+what+" "+strconv.Quote(name), fmt.Sprint(percent))
	return trafficOption{settings: settings{onTraffic(edits.Spell(option, name, percent), claims, err, func(e *trafficConfig) {
		put(of(e), name, int64(percent))
	})}}
}

// SetTags replaces all tags of the Service by these, each with the name of a
// Revision or [Latest]. Flag: --set-tags. Field: spec.traffic.
func SetTags(tags map[string]string) TrafficOption {
	option := edits.Spell("SetTags", tags)
	var err error
	if len(tags) == 0 {
		err = errors.New("there are no tags in it: use ClearTags")
	}
	all := settings{onTraffic(option, edits.Decides(thingTags, option), err, func(e *trafficConfig) { e.ReplaceTags = true })}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, tagRevision(option, option, tag, tags[tag]))
	}
	return trafficOption{settings: all}
}

// WithTagOn gives a Revision, or [Latest], a tag and with it a URL of its own. If
// another Revision has the tag, it loses it. Flag: --update-tags. Field: spec.traffic.
func WithTagOn(tag, revision string) TrafficOption {
	return trafficOption{settings: settings{tagRevision(edits.Spell("WithTagOn", tag, revision), inParts, tag, revision)}}
}

func tagRevision(option, all, tag, revision string) edits.Setting {
	err := errors.Join(split.CheckTag(tag, split.Host{}), edits.NotEmpty("revision", revision))
	claims := edits.Decides(tagThing(tag), revision).And(thingTags, all)
	return onTraffic(option, claims, err, func(e *trafficConfig) { put(&e.Tags, tag, revision) })
}

// WithoutTag removes tags; those that do not exist are ignored. Flag:
// --remove-tags. Field: spec.traffic.
func WithoutTag(tags ...string) TrafficOption {
	option := edits.SpellList("WithoutTag", tags)
	return trafficOption{settings: edits.Each(tags, func(tag string) edits.Setting {
		claims := edits.Decides(tagThing(tag), "").And(thingTags, inParts)
		return onTraffic(option, claims, edits.NotEmpty("tag", tag), func(e *trafficConfig) { e.RemoveTags = append(e.RemoveTags, tag) })
	})}
}

// ClearTags removes all tags. Flag: --clear-tags. Field: spec.traffic.
func ClearTags() TrafficOption {
	return trafficOption{settings: settings{
		onTraffic("ClearTags()", edits.Decides(thingTags, "cleared"), nil, func(e *trafficConfig) { e.ReplaceTags = true }),
	}}
}

// EditTraffic changes spec.traffic and the metadata of a Service in a way that no
// option does, in the same conditional write as the other options of the call.
// The edit runs after them. It may be called several times, each time on a fresh
// copy, and should be quick. If it returns an error, nothing is written and the
// error of the call unwraps to it. The call waits until the traffic is in
// effect; [Async] does not change that.
func EditTraffic(edit func(*servingv1.Service) error) TrafficOption {
	return trafficOption{settings: settings{{
		Option: "EditTraffic", Phase: edits.PhaseCustom, Err: notNil(edit == nil),
		Do: func(c *trafficConfig) { c.custom = append(c.custom, edit) },
	}}}
}

func tagThing(tag string) string { return "the tag " + strconv.Quote(tag) }

func onTraffic(option string, claims edits.Claims, err error, set func(*trafficConfig)) edits.Setting {
	return edits.Setting{Option: option, Phase: edits.PhaseSet, Claims: claims, Err: err, Do: set}
}

// put adds an entry to a map that may not exist yet.
func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}
