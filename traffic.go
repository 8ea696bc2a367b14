package cloudrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/split"
)

// UpdateTraffic changes which Revisions of a Service get how much of its
// traffic, and their tags, as gcloud run services update-traffic does. It makes
// no new Revision. It waits until the observed traffic is what was asked for.
//
// The error is a [*DeployError], as that of [Deployer.Deploy]. In it is an
// [*OptionError] for a split that does not work out, such as one over 100 percent
// or to a tag that the Service does not have, and then nothing is written; a
// Revision that does not exist gives a [*NotReadyError], and the traffic stays
// where it was.
func (d *Deployer) UpdateTraffic(ctx context.Context, name string, opts ...TrafficOption) (*Result, error) {
	strict := Deployer{client: d.client, defaults: d.callDefaults()}
	c, _, err := strict.begin("update traffic of service", name, asDeployOptions(opts))
	if err != nil {
		return nil, err
	}
	defer c.report.close()
	if c.cfg.traffic.empty() {
		return nil, c.fail(StageOptions, NotWritten, &OptionError{Option: "the traffic",
			Reason: "no change is asked for: say ToLatest, ToRevision or ToTag, or what tags to change"})
	}
	return c.applyTraffic(ctx, c.editTraffic)
}

// applyTraffic edits the traffic of the Service and waits until it is so.
func (c *deployment) applyTraffic(ctx context.Context, edit func(*servingv1.Service) error) (*Result, error) {
	w, err := c.write(ctx, &updater{compose: func(_ context.Context, d *document) ([]byte, error) {
		cleanOnUpdate(d.service)
		if err := edit(d.service); err != nil {
			return nil, err
		}
		c.cfg.sign(&d.service.ObjectMeta, c.client.version)
		return d.merge()
	}})
	if err != nil {
		return nil, err
	}
	c.settled = trafficObserved
	result, err := c.finish(ctx, w, nil)
	if before, err := decodeService(w.before); err == nil {
		result.Before = before.Spec.Traffic
	}
	return result, err
}

// editTraffic edits the traffic as the options say.
func (c *deployment) editTraffic(s *servingv1.Service) error {
	e := c.cfg.traffic
	var problems []error
	for _, tag := range slices.Sorted(maps.Keys(e.tags)) {
		if err := split.CheckTag(tag, c.client.tagService(c.name)); err != nil {
			problems = append(problems, &OptionError{Option: "tag " + tag, Reason: err.Error()})
		}
	}
	targets, err := e.apply(splitTargets(s))
	if err != nil {
		problems = append(problems, &OptionError{Option: "the traffic", Reason: err.Error()})
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	setTraffic(s, targets)
	return nil
}

// trafficObserved reports whether the traffic goes where the Service says that
// it shall. A server that does not tell is believed.
func trafficObserved(s *servingv1.Service) bool {
	if len(s.Status.Traffic) == 0 {
		return true
	}
	latest := s.Status.LatestReadyRevisionName
	want, is := observable(s.Spec.Traffic, latest), observable(s.Status.Traffic, latest)
	if len(s.Spec.Traffic) == 0 {
		want = observable([]servingv1.TrafficTarget{latestTarget(100)}, latest)
	}
	return maps.Equal(want, is)
}

// observable is what can be seen of traffic: who gets how much and has which tags.
func observable(targets []servingv1.TrafficTarget, latest string) map[string]int64 {
	seen := map[string]int64{}
	for _, t := range targets {
		name := t.RevisionName
		if isLatest(t) {
			name = latest
		}
		if percent := percentOf(t); percent > 0 {
			seen[name] += percent
		}
		if t.Tag != "" {
			seen[name+" "+t.Tag]++
		}
	}
	return seen
}

func isLatest(t servingv1.TrafficTarget) bool { return t.LatestRevision != nil && *t.LatestRevision }

func percentOf(t servingv1.TrafficTarget) int64 {
	if t.Percent == nil {
		return 0
	}
	return *t.Percent
}

func latestTarget(percent int64) servingv1.TrafficTarget {
	latest := true
	return servingv1.TrafficTarget{LatestRevision: &latest, Percent: &percent}
}

// describeTraffic puts traffic in words, the largest share first: hello-00002-abc=90,LATEST=10.
func describeTraffic(targets []servingv1.TrafficTarget) string {
	byName := map[string]int64{}
	for _, t := range targets {
		name := t.RevisionName
		if name == "" && isLatest(t) {
			name = Latest
		}
		if percent := percentOf(t); percent > 0 {
			byName[name] += percent
		}
	}
	names := slices.SortedFunc(maps.Keys(byName), func(a, b string) int {
		return cmp.Or(cmp.Compare(byName[b], byName[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%s=%d", name, byName[name])
	}
	return strings.Join(parts, ",")
}

// splitTargets is a Service's traffic in the terms of package split.
func splitTargets(s *servingv1.Service) []split.Target {
	targets := make([]split.Target, 0, len(s.Spec.Traffic))
	for i, t := range s.Spec.Traffic {
		targets = append(targets, split.Target{
			Revision: t.RevisionName, Tag: t.Tag, Latest: isLatest(t), Percent: percentOf(t), Ref: i,
		})
	}
	return targets
}

// setTraffic gives a Service the traffic that package split computed. A target
// that continues one of the Service's keeps what is not known here.
func setTraffic(s *servingv1.Service, targets []split.Target) {
	traffic := make([]servingv1.TrafficTarget, 0, len(targets))
	for _, t := range targets {
		var target servingv1.TrafficTarget
		if t.Ref >= 0 {
			target = *s.Spec.Traffic[t.Ref].DeepCopy()
		}
		target.Tag, target.RevisionName = t.Tag, t.Revision
		target.LatestRevision, target.Percent = nil, nil
		if t.Latest {
			latest := true
			target.LatestRevision, target.RevisionName = &latest, ""
		}
		if t.Percent != 0 || t.Tag == "" {
			percent := t.Percent
			target.Percent = &percent
		}
		traffic = append(traffic, target)
	}
	s.Spec.Traffic = traffic
}
