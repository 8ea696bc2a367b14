package status_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

var conditionText = regexp.MustCompile(`(\w+)=(\w+)(?:/(\w+))?(?:\((\w*)(?:: ([^)]*))?\))?`)

// conditions reads "Ready=False/Warning(Reason: message)", separated by spaces.
func conditions(text string) (all []status.Condition) {
	for _, m := range conditionText.FindAllStringSubmatch(text, -1) {
		all = append(all, status.Condition{
			Type: apis.ConditionType(m[1]), Status: corev1.ConditionStatus(m[2]), Severity: apis.ConditionSeverity(m[3]), Reason: m[4], Message: m[5],
		})
	}
	return all
}

// service reads "GENERATION/OBSERVED LATESTREADY CONDITIONS".
func service(t *testing.T, text string) *servingv1.Service {
	t.Helper()
	s := &servingv1.Service{}
	var latest string
	n, err := fmt.Sscanf(text, "%d/%d %s", &s.Generation, &s.Status.ObservedGeneration, &latest)
	require.NoError(t, err, "%d", n)
	if latest != "-" {
		s.Status.LatestReadyRevisionName = latest
	}
	s.Status.Conditions = conditions(text)
	return s
}

func typeOf(c *status.Condition) string {
	if c == nil {
		return ""
	}
	return string(c.Type)
}

func TestStateOf(t *testing.T) {
	t.Parallel()
	require.Equal(t, status.Pending, status.StateOf(nil))
	for text, want := range map[string]status.State{
		"Ready=True":          status.Ready,
		"Ready=True/Warning":  status.Ready,
		"Ready=Unknown":       status.Pending,
		"Ready=False":         status.Failed,
		"Ready=False/Error":   status.Failed,
		"Ready=False/Warning": status.Pending,
		"Ready=False/Info":    status.Pending,
		"Ready=Strange":       status.Pending,
	} {
		require.Equal(t, want, status.StateOf(status.Find(conditions(text), "Ready")), text)
	}
}

func TestFindReturnsACopy(t *testing.T) {
	t.Parallel()
	all := conditions("A=True B=False")
	found := status.Find(all, "B")
	found.Status = corev1.ConditionTrue
	require.Equal(t, corev1.ConditionFalse, all[1].Status)
	require.Nil(t, status.Find(all, "C"))
}

func TestCause(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":           "",
		"Ready=True": "",
		"Ready=False(RevisionFailed) ConfigurationsReady=False(X: no port) RoutesReady=False": "ConfigurationsReady",
		"Ready=False(X: the cause) ConfigurationsReady=False":                                 "Ready",
		"Ready=False RoutesReady=False(Y: no such revision)":                                  "RoutesReady",
		"Ready=False(X: a) RoutesReady=False(Y: b)":                                           "RoutesReady",
		"Ready=False ConfigurationsReady=False/Warning(Z: only a warning)":                    "Ready",
		"Ready=False Other=False(Z: unheard of)":                                              "Ready",
	} {
		require.Equal(t, want, typeOf(status.Cause(conditions(text))), text)
	}
}

func TestRevisionCause(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":           "",
		"Ready=True": "",
		"Ready=False(X: a) ContainerHealthy=False(Y: b)":               "ContainerHealthy",
		"ContainerHealthy=False(Y: b) Ready=False(X: a)":               "ContainerHealthy",
		"Ready=False(X: a) ContainerHealthy=False":                     "Ready",
		"ContainerHealthy=False(Y: b) Ready=False":                     "ContainerHealthy",
		"Ready=False ContainerHealthy=False(Y: b)":                     "ContainerHealthy",
		"ContainerHealthy=False/Info(Y: b) ResourcesAvailable=False":   "ResourcesAvailable",
		"ContainerHealthy=False(Y: b) ResourcesAvailable=False(Z: c) ": "ContainerHealthy",
	} {
		require.Equal(t, want, typeOf(status.RevisionCause(conditions(text))), text)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"old image", "two lines"}, status.Warnings(append(
		conditions("A=False/Warning(X: old image) B=True/Warning(X: fine) C=False/Info(X: no) D=False(X: no) E=False/Warning"),
		status.Condition{Type: "F", Status: "Unknown", Severity: apis.ConditionSeverityWarning, Message: "two\nlines"})))
}

func TestChanges(t *testing.T) {
	t.Parallel()
	known := map[apis.ConditionType]status.Condition{}
	for _, c := range conditions("A=True B=False(X: a) C=Unknown") {
		known[c.Type] = c
	}
	changed := status.Changes(known, conditions("A=True B=False(X: b) C=Unknown(Y) D=True"))
	require.Equal(t, conditions("B=False(X: b) C=Unknown(Y) D=True"), changed)
	require.Len(t, known, 3)
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const failedRevision = "ConfigurationsReady=False(X: no port) RoutesReady=%s Ready=False"
	for _, tc := range []struct {
		goal       status.Goal
		service    string
		generation int64
		want       status.State
		deciding   string
	}{
		{status.GoalReady, "1/1 - Ready=True", 1, status.Ready, "Ready"},
		{status.GoalReady, "2/1 - Ready=True", 1, status.Pending, "Ready"}, // the status is stale
		{status.GoalReady, "1/1 - Ready=True", 2, status.Pending, "Ready"}, // the read is stale
		{status.GoalReady, "3/3 - Ready=False", 2, status.Failed, "Ready"},
		{status.GoalReady, "1/1 - Other=True", 1, status.Pending, ""},
		{status.GoalServing, "2/2 a " + fmt.Sprintf(failedRevision, "True"), 2, status.Failed, "Ready"},
		{status.GoalReady, "2/2 a " + fmt.Sprintf(failedRevision, "True"), 2, status.Failed, "Ready"},
		{status.GoalRouted, "2/2 a " + fmt.Sprintf(failedRevision, "True"), 2, status.Ready, "RoutesReady"},
		{status.GoalRouted, "2/2 a " + fmt.Sprintf(failedRevision, "Unknown"), 2, status.Pending, "RoutesReady"},
		{status.GoalRouted, "2/2 a " + fmt.Sprintf(failedRevision, "False"), 2, status.Failed, "RoutesReady"},
		{status.GoalRouted, "2/2 - " + fmt.Sprintf(failedRevision, "True"), 2, status.Failed, "Ready"}, // no Revision can serve
		{status.GoalRouted, "2/2 a ConfigurationsReady=True RoutesReady=False Ready=False", 2, status.Failed, "Ready"},
		{status.GoalRouted, "2/2 a ConfigurationsReady=False Ready=False", 2, status.Failed, "Ready"},
	} {
		s := service(t, tc.service)
		state, deciding := tc.goal.Judge(s, tc.generation)
		require.Equal(t, tc.want, state, "%d %s", tc.goal, tc.service)
		require.Equal(t, tc.deciding, typeOf(deciding), "%d %s", tc.goal, tc.service)
		if tc.goal.Excuses(s) {
			require.Equal(t, "RoutesReady", typeOf(tc.goal.Cause(s)))
		} else {
			require.Equal(t, status.Cause(s.Status.Conditions), tc.goal.Cause(s))
		}
	}
}

func share(revision string, latest bool, percent int64) servingv1.TrafficTarget {
	return servingv1.TrafficTarget{RevisionName: revision, LatestRevision: &latest, Percent: &percent}
}

func TestSettled(t *testing.T) {
	t.Parallel()
	latest := []servingv1.TrafficTarget{share("", true, 100)}
	type targets = []servingv1.TrafficTarget
	for name, tc := range map[string]struct {
		latestReady            string
		wanted, observed       targets
		ready, serving, routed bool
	}{
		"as it should be":           {"b", latest, targets{share("b", true, 100)}, true, true, true},
		"the old one serves":        {"b", latest, targets{share("a", true, 100)}, true, false, false},
		"others are not yet there":  {"b", targets{share("", true, 10), share("a", false, 90)}, targets{share("b", true, 10), share("c", false, 90)}, true, true, false},
		"no traffic is reported":    {"b", latest, nil, true, true, true},
		"no Revision is reported":   {"", latest, targets{share("a", true, 100)}, true, true, true},
		"the new one gets none yet": {"b", targets{share("a", false, 100)}, targets{share("a", false, 100)}, true, true, true},
	} {
		s := &servingv1.Service{}
		s.Spec.Traffic, s.Status.Traffic, s.Status.LatestReadyRevisionName = tc.wanted, tc.observed, tc.latestReady
		require.Equal(t, tc.ready, status.GoalReady.Settled(s), name)
		require.Equal(t, tc.serving, status.GoalServing.Settled(s), name)
		require.Equal(t, tc.routed, status.GoalRouted.Settled(s), name)
		require.False(t, status.Goal(0).Settled(s), "the zero goal is never met")
	}
}

// written returns a Service as a write left it: "UID GENERATION NONCE IMAGE".
func written(t *testing.T, text string, created time.Time) *servingv1.Service {
	t.Helper()
	s := &servingv1.Service{}
	var uid, mark, image string
	_, err := fmt.Sscan(text, &uid, &s.Generation, &mark, &image)
	require.NoError(t, err)
	s.UID, s.CreationTimestamp = types.UID(uid), metav1.NewTime(created)
	s.Spec.Template.Labels = map[string]string{nonce.Label: mark}
	s.Spec.Template.Spec.Containers = []corev1.Container{{Image: image}}
	s.Spec.Traffic = []servingv1.TrafficTarget{share("", true, 100)}
	return s
}

func TestOvertaken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	otherTraffic := func(s *servingv1.Service) { s.Spec.Traffic[0] = share("a", false, 100) }
	sameTraffic := func(s *servingv1.Service) { s.Spec.Traffic = nil } // all to the latest, in another form
	for name, tc := range map[string]struct {
		nonce  nonce.Nonce // of the write
		goal   status.Goal
		seen   string
		edit   func(*servingv1.Service)
		want   bool
		remark string
	}{
		"the write itself":                 {"mine", status.GoalServing, "u 5 mine img", nil, false, ""},
		"an older generation":              {"mine", status.GoalServing, "u 4 theirs old", nil, false, "a stale read"},
		"another Revision":                 {"mine", status.GoalServing, "u 6 theirs img", nil, true, ""},
		"another image, our nonce":         {"mine", status.GoalServing, "u 6 mine other", nil, true, "an edit keeps labels"},
		"other traffic":                    {"mine", status.GoalServing, "u 6 mine img", otherTraffic, false, "others may move traffic meanwhile"},
		"other traffic, which we routed":   {"", status.GoalRouted, "u 6 - img", otherTraffic, true, ""},
		"same traffic, in another form":    {"", status.GoalRouted, "u 6 - other", sameTraffic, false, "their Revision is not our concern"},
		"any change, if we made none":      {"", status.GoalServing, "u 6 - img", nil, true, ""},
		"another Service of the same name": {"mine", status.GoalServing, "v 1 mine img", nil, true, ""},
		"another Service, which we routed": {"", status.GoalRouted, "v 1 - img", nil, true, ""},
		"a Service that has no UID":        {"mine", status.GoalServing, "u 5 mine img", func(s *servingv1.Service) { s.UID = "" }, false, ""},
	} {
		w := status.Write{Service: written(t, "u 5 mine img", now), Generation: 5, Nonce: tc.nonce}
		s := written(t, tc.seen, now)
		if tc.edit != nil {
			tc.edit(s)
		}
		require.Equal(t, tc.want, w.Overtaken(s, tc.goal), "%s: %s", name, tc.remark)
	}
}

func TestIsStale(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := status.Write{Service: written(t, "u 1 mine img", now), Generation: 1, Nonce: "mine"}
	for _, after := range []time.Duration{0, time.Hour} {
		require.True(t, w.IsStale(written(t, "v 9 - img", now.Add(-time.Hour)), after), "a deleted one")
		require.False(t, w.IsStale(written(t, "v 1 - img", now.Add(time.Hour)), after), "a later one")
		require.False(t, w.IsStale(written(t, "u 1 - img", now.Add(-time.Hour)), after), "the one written")
	}
	require.True(t, w.IsStale(written(t, "v 9 - img", now), time.Second), "one of the same second, at first")
	require.False(t, w.IsStale(written(t, "v 9 - img", now), status.ReadLag), "one of the same second, for good")
}

// What is not a name or a URL does not reach a result.
func TestResultsAreSafe(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "a\x1b[31m", "a\u202e", strings.Repeat("a", 3000), "https://", "javascript:alert(1)"} {
		s := &servingv1.Service{}
		s.Spec.Template.Name = bad
		require.Empty(t, status.Revision(s), bad)
		s.Spec.Template.Name, s.Status.LatestCreatedRevisionName = "", bad
		require.Empty(t, status.Revision(s), bad)
		s.Status.Conditions = []status.Condition{{Type: status.ConditionConfigurations, Status: corev1.ConditionFalse}}
		require.Empty(t, status.FailedRevision(s), bad)

		s.Status.URL = &apis.URL{Scheme: "https", Host: "a.example"}
		for _, u := range []string{bad, "https://a.example/" + bad + "\x1b"} {
			urls, err := json.Marshal([]string{u, "https://b.example"})
			require.NoError(t, err)
			s.Annotations = map[string]string{configuration.URLs: string(urls)}
			require.Equal(t, []string{"https://b.example"}, status.URLs(s), u)
			urls, err = json.Marshal([]string{u})
			require.NoError(t, err)
			s.Annotations[configuration.URLs] = string(urls)
			require.Equal(t, []string{"https://a.example"}, status.URLs(s), u)
		}
		s.Annotations, s.Status.URL = nil, &apis.URL{Scheme: "https", Host: "a.example/" + bad + "\u202e"}
		require.Empty(t, status.URLs(s), bad)
		ok := apis.URL{Scheme: "https", Host: "t.example"}
		s.Status.Traffic = []servingv1.TrafficTarget{{Tag: "ok", URL: &ok}, {Tag: "t", URL: s.Status.URL}, {Tag: bad + "\x07", URL: &ok}}
		require.Equal(t, map[string]string{"ok": "https://t.example"}, status.TagURLs(s), bad)
	}
}

// A Revision that was not created is not the latest one.
func TestFailedRevision(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ConfigurationsReady=True Ready=False(X: y)":                                                      "",
		"ConfigurationsReady=False(RevisionFailed: Revision \"b\" failed with message: boom.)":            "b",
		"ConfigurationsReady=False(RevisionFailed: Revision creation failed with message: quota is full)": "",
	} {
		s := &servingv1.Service{}
		s.Status.Conditions, s.Status.LatestCreatedRevisionName = conditions(text), "b"
		require.Equal(t, want, status.FailedRevision(s), text)
		s.Spec.Template.Name = "c"
		require.Empty(t, status.FailedRevision(s), "the template asks for another one: %s", text)
	}
}
