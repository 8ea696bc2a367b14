package traffic_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

func TestUsageOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name             string
		wanted, observed targets
		edit             func(*servingv1.Service)
		want             traffic.Usage
		text             string
	}{
		{"none", targets{target("b", "", 100)}, nil, nil, traffic.Usage{}, ""},
		{"a share", targets{target("a", "", 5), target("b", "", 90), target("a", "x", 5)}, nil, nil, traffic.Usage{Percent: 10, Tags: []string{"x"}}, "it serves 10 % of the traffic"},
		{"an observed share", targets{target("b", "", 100)}, targets{target("a", "", 7), target("b", "", 93)}, nil, traffic.Usage{Percent: 7}, "it serves 7 % of the traffic"},
		{"the larger share", targets{target("a", "", 5)}, targets{target("a", "", 7)}, nil, traffic.Usage{Percent: 7}, "it serves 7 % of the traffic"},
		{"tags", targets{target("a", "y", 0), target("a", "x", 0)}, targets{target("a", "x", 0)}, nil, traffic.Usage{Tags: []string{"x", "y"}}, "it is tagged x, y"},
		{"the share of LATEST", targets{traffic.LatestTarget(100)}, nil, func(s *servingv1.Service) { s.Status.LatestReadyRevisionName = "a" },
			traffic.Usage{Percent: 100, LatestReady: true}, "it serves 100 % of the traffic"},
		{"LATEST as observed, which is another", nil, targets{resolved("b", 100)}, func(s *servingv1.Service) { s.Status.LatestReadyRevisionName = "a" },
			traffic.Usage{LatestReady: true}, "it is the service's latest ready revision"},
		{"a target of nobody", targets{{Tag: "x"}}, nil, func(s *servingv1.Service) { s.Status.LatestReadyRevisionName = "a" },
			traffic.Usage{LatestReady: true}, "it is the service's latest ready revision"},
		{"the latest created", nil, nil, func(s *servingv1.Service) { s.Status.LatestCreatedRevisionName = "a" }, traffic.Usage{LatestCreated: true}, "it is the service's latest revision"},
		{"the template's", nil, nil, func(s *servingv1.Service) { s.Spec.Template.Name = "a" }, traffic.Usage{Named: true}, "it is the service's latest revision"},
		{"that of a rollout", nil, nil, func(s *servingv1.Service) {
			s.Annotations = map[string]string{traffic.RolloutAnnotation: `{"revision":"b","percent":5,"before":{"a":100}}`}
		}, traffic.Usage{Rollout: true}, "a rollout under way needs it"},
		{"that of a rollout that cannot be read", nil, nil, func(s *servingv1.Service) {
			s.Annotations = map[string]string{traffic.RolloutAnnotation: `{"revision":"a"`}
		}, traffic.Usage{}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := service("c", tc.wanted, tc.observed)
			if tc.edit != nil {
				tc.edit(s)
			}
			got := traffic.UsageOf(s, "a")
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.text, got.String())
		})
	}
}

// BenchmarkUsages looks up all Revisions of a Service that has a tag for each.
// Ten times the Revisions cost ten times the time.
func BenchmarkUsages(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			tagged := make(targets, n)
			for i := range tagged {
				tagged[i] = target(fmt.Sprintf("hello-%05d", i), fmt.Sprintf("v%d", i), 0)
			}
			s := service("c", tagged, tagged)
			for b.Loop() {
				usage := traffic.Usages(s)
				for _, t := range tagged {
					if len(usage(t.RevisionName).Tags) != 1 {
						b.Fatal("no tag")
					}
				}
			}
		})
	}
}
