package traffic_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

func target(revision, tag string, percent int64) servingv1.TrafficTarget {
	t := servingv1.TrafficTarget{RevisionName: revision, Tag: tag}
	if percent > 0 {
		t.Percent = &percent
	}
	return t
}

func latestWithTag(tag string) servingv1.TrafficTarget {
	t := traffic.LatestTarget(0)
	t.Percent, t.Tag = nil, tag
	return t
}

func service(latestReady string, wanted, observed []servingv1.TrafficTarget) *servingv1.Service {
	s := &servingv1.Service{}
	s.Spec.Traffic, s.Status.Traffic, s.Status.LatestReadyRevisionName = wanted, observed, latestReady
	return s
}

func TestWantedAndObserved(t *testing.T) {
	t.Parallel()
	observedLatest := traffic.LatestTarget(100)
	observedLatest.RevisionName = "a" // the status of LATEST names the revision that it resolved to
	for _, tc := range []struct {
		name             string
		service          *servingv1.Service
		wanted, observed string
	}{
		{"no targets, nothing ready", service("", nil, nil), "LATEST=100", "LATEST=100"},
		{"no targets mean the latest", service("b", nil, nil), "b=100", "b=100"},
		{
			"a status that lags behind", service("b", []servingv1.TrafficTarget{traffic.LatestTarget(100)}, []servingv1.TrafficTarget{observedLatest}),
			"b=100", "a=100",
		},
		{
			"shares of one revision add up", service("b", []servingv1.TrafficTarget{target("a", "", 30), target("a", "", 20), target("c", "", 50)}, nil),
			"a=50,c=50", "b=100",
		},
		{
			"tags follow the shares", service("b", []servingv1.TrafficTarget{latestWithTag("next"), target("a", "old", 0), target("c", "", 100)}, nil),
			"c=100 (tags: next=b,old=a)", "b=100",
		},
		{"a tag alone serves nobody", service("b", []servingv1.TrafficTarget{target("a", "old", 0)}, nil), "nobody (tags: old=a)", "b=100"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.wanted, traffic.Wanted(tc.service).String())
			require.Equal(t, tc.observed, traffic.Observed(tc.service).String())
		})
	}
}

func TestRoutesToOneRevision(t *testing.T) {
	t.Parallel()
	routes := traffic.Wanted(service("b", []servingv1.TrafficTarget{target("a", "old", 30), target("b", "new", 70)}, nil))
	require.Equal(t, traffic.Routes{{Revision: "a"}: 30, {Revision: "a", Tag: "old"}: 100}, routes.To("a"))
	require.Empty(t, routes.To("c"))
	require.Len(t, routes, 4, "the routes themselves are unchanged")
	require.False(t, routes.Equal(routes.To("a")))
}

func TestSameAndDescribe(t *testing.T) {
	t.Parallel()
	resolved := traffic.LatestTarget(10)
	resolved.RevisionName = "b"
	for _, tc := range []struct {
		name string
		a, b []servingv1.TrafficTarget
		same bool
		is   string // a in words
	}{
		{"empty means LATEST", nil, []servingv1.TrafficTarget{traffic.LatestTarget(100)}, true, "LATEST=100"},
		{
			"order and form do not matter", []servingv1.TrafficTarget{target("a", "t", 60), target("b", "", 40)},
			[]servingv1.TrafficTarget{target("b", "", 40), target("a", "", 60), target("a", "t", 0)}, true, "a=60,b=40",
		},
		{"another share", []servingv1.TrafficTarget{target("a", "", 100)}, []servingv1.TrafficTarget{target("a", "", 99), target("b", "", 1)}, false, "a=100"},
		{"another tag", []servingv1.TrafficTarget{target("a", "t", 100)}, []servingv1.TrafficTarget{target("a", "u", 100)}, false, "a=100"},
		{
			"a resolved LATEST is described as requested", []servingv1.TrafficTarget{target("a", "", 90), resolved},
			[]servingv1.TrafficTarget{target("a", "", 90), target("b", "", 10)}, true, "a=90,LATEST=10",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.same, traffic.Same(tc.a, tc.b))
			require.Equal(t, tc.same, traffic.Same(tc.b, tc.a))
			require.Equal(t, tc.is, traffic.Describe(tc.a))
		})
	}
}
