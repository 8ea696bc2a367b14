package cloudruntest_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// bubble runs a test in virtual time. Services take nine seconds to become ready.
func bubble(t *testing.T, test func(t *testing.T, s *cloudruntest.Server)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newServer(t, cloudruntest.WithTimeToReady(9*time.Second))) })
}

// timeline returns the conditions of a Service as they change during a time.
func timeline(t *testing.T, s *cloudruntest.Server, name string, during time.Duration) []string {
	t.Helper()
	var list []string
	for start := time.Now(); time.Since(start) <= during; time.Sleep(100 * time.Millisecond) {
		now := strings.Join(conditions(get(t, s, name)), " ")
		if len(list) == 0 || list[len(list)-1] != now {
			list = append(list, now)
		}
	}
	return list
}

func operation(sv object) string {
	id, _ := dig(sv, "metadata", "annotations", "run.googleapis.com/operation-id").(string)
	return located + "/operations/" + id
}

func TestRolloutTakesTime(t *testing.T) {
	bubble(t, func(t *testing.T, s *cloudruntest.Server) {
		first := create(t, s, "hello")
		require.Equal(t, []string{"Ready=Unknown(Deploying)", "ConfigurationsReady=Unknown(Deploying)", "RoutesReady=Unknown"}, conditions(first))
		require.Nil(t, dig(first, "status", "latestReadyRevisionName"))
		require.Equal(t, []string{
			"Ready=Unknown(Deploying) ConfigurationsReady=Unknown(Deploying) RoutesReady=Unknown",
			"Ready=Unknown ConfigurationsReady=True RoutesReady=Unknown(Routing)",
			"Ready=True ConfigurationsReady=True RoutesReady=True",
		}, timeline(t, s, "hello", 10*time.Second))
		ready := get(t, s, "hello")
		require.NotEqual(t, dig(first, "metadata", "resourceVersion"), dig(ready, "metadata", "resourceVersion"), "the status has changed")

		second := edit(t, s, "hello", env("A", "1"))
		require.NotEqual(t, dig(second, "status", "latestCreatedRevisionName"), dig(second, "status", "latestReadyRevisionName"))
		require.Equal(t, dig(ready, "status", "traffic"), dig(second, "status", "traffic"), "the old revision serves until the new one is ready")
		time.Sleep(9 * time.Second)
		require.Equal(t, dig(second, "status", "latestCreatedRevisionName"), dig(get(t, s, "hello"), "status", "traffic", 0, "revisionName"))
	})
}

func TestOperations(t *testing.T) {
	bubble(t, func(t *testing.T, s *cloudruntest.Server) {
		sv := create(t, s, "hello")
		start := time.Now()
		code, op := do(t, s, "POST", operation(sv)+":wait", object{"timeout": "2s"})
		require.Equal(t, 200, code)
		require.Equal(t, false, op["done"])
		require.Equal(t, 2*time.Second, time.Since(start))
		_, op = do(t, s, "POST", operation(sv)+":wait", object{})
		require.Equal(t, true, op["done"])
		require.Equal(t, 9*time.Second, time.Since(start))
		require.Equal(t, "type.googleapis.com/google.cloud.run.v1.Service", dig(op, "response", "@type"))
		require.Equal(t, "True", dig(op, "response", "status", "conditions", 0, "status"))
		_, op = do(t, s, "GET", operation(sv), nil)
		require.Equal(t, true, op["done"])
		code, _ = do(t, s, "POST", located+"/operations/nothing:wait", nil)
		require.Equal(t, 404, code)
	})
}

func TestOperationEndsWhenOvertaken(t *testing.T) {
	bubble(t, func(t *testing.T, s *cloudruntest.Server) {
		sv := create(t, s, "hello")
		next := get(t, s, "hello")
		env("A", "1")(next)
		body, err := json.Marshal(next)
		require.NoError(t, err)
		go func() {
			time.Sleep(time.Second)
			answer, err := request(t.Context(), s, "PUT", regional+demo+"/services/hello", string(body))
			assert.NoError(t, err)
			assert.Contains(t, string(answer), `"generation":2`)
		}()
		start := time.Now()
		_, op := do(t, s, "POST", operation(sv)+":wait", nil)
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, 2.0, dig(op, "response", "metadata", "generation"))
		synctest.Wait()
	})
}

func TestWaitEndsWithTheCaller(t *testing.T) {
	bubble(t, func(t *testing.T, s *cloudruntest.Server) {
		sv := create(t, s, "hello")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := request(ctx, s, "POST", regional+operation(sv)+":wait", "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestFailingUpdateKeepsTheOldRevision(t *testing.T) {
	bubble(t, func(t *testing.T, s *cloudruntest.Server) {
		create(t, s, "hello")
		time.Sleep(9 * time.Second)
		good := dig(get(t, s, "hello"), "status", "latestReadyRevisionName")
		s.Script("demo/hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Reason: "Boom", Message: "It broke.", LogURL: "https://logs/1"}})
		bad := edit(t, s, "hello", env("A", "1"))
		time.Sleep(9 * time.Second)
		sv := get(t, s, "hello")
		require.Equal(t, []string{"Ready=False(Boom)", "ConfigurationsReady=False(Boom)", "RoutesReady=True"}, conditions(sv))
		require.Contains(t, dig(sv, "status", "conditions", 0, "message"), "It broke.")
		require.Equal(t, good, dig(sv, "status", "latestReadyRevisionName"))
		require.Equal(t, good, dig(sv, "status", "traffic", 0, "revisionName"))
		_, rev := do(t, s, "GET", demo+"/revisions/"+dig(bad, "status", "latestCreatedRevisionName").(string), nil)
		require.Equal(t, "https://logs/1", dig(rev, "status", "logUrl"))
		require.Equal(t, "It broke.", dig(rev, "status", "conditions", 0, "message"))
		require.Equal(t, []string{"Ready=False(Boom)", "ContainerHealthy=False(Boom)", "ResourcesAvailable=True", "Active=False(Retired)"}, conditions(rev))

		s.Script("demo/hello", cloudruntest.Script{})
		edit(t, s, "hello", env("B", "1"))
		time.Sleep(9 * time.Second)
		require.Equal(t, "True", dig(get(t, s, "hello"), "status", "conditions", 0, "status"))
	})
}

func TestFailingCreate(t *testing.T) {
	bubble(t, func(t *testing.T, s *cloudruntest.Server) {
		s.Script("hello", cloudruntest.Script{FailRevision: &cloudruntest.Failure{Hidden: true, Message: "secret cause", Condition: "ContainerReady"}})
		sv := create(t, s, "hello")
		_, op := do(t, s, "POST", operation(sv)+":wait", nil)
		failed := op["response"].(object)
		require.Equal(t, []string{"Ready=False(HealthCheckContainerError)", "ConfigurationsReady=False(HealthCheckContainerError)", "RoutesReady=False(HealthCheckContainerError)"}, conditions(failed))
		require.NotContains(t, dig(failed, "status", "conditions", 0, "message"), "secret cause")
		require.Nil(t, dig(failed, "status", "traffic"))
		require.Nil(t, dig(failed, "status", "latestReadyRevisionName"))
		_, rev := do(t, s, "GET", demo+"/revisions/"+dig(failed, "status", "latestCreatedRevisionName").(string), nil)
		require.Contains(t, conditions(rev), "ContainerReady=False(HealthCheckContainerError)")
		require.Equal(t, "secret cause", dig(rev, "status", "conditions", 0, "message"))
	})
}

func TestScripts(t *testing.T) {
	const done = "Ready=True ConfigurationsReady=True RoutesReady=True"
	const routing = "Ready=Unknown ConfigurationsReady=True RoutesReady=Unknown(Routing)"
	const deploying = "Ready=Unknown(Deploying) ConfigurationsReady=Unknown(Deploying) RoutesReady=Unknown"
	stages := []cloudruntest.Stage{
		{Conditions: []cloudruntest.Condition{{Type: "Ready", Status: "Unknown", Reason: "Mine"}}},
		{After: time.Second, Conditions: []cloudruntest.Condition{{Type: "ConfigurationsReady", Status: "True"}, {Type: "Ready", Status: "Unknown"}}},
		{After: 2 * time.Second, Conditions: []cloudruntest.Condition{{Type: "RoutesReady", Status: "True"}, {Type: "Ready", Status: "True"}}},
	}
	tests := map[string]struct {
		script cloudruntest.Script
		want   []string
	}{
		"plain":           {cloudruntest.Script{}, []string{deploying, routing, done}},
		"time":            {cloudruntest.Script{TimeToReady: time.Second}, []string{deploying, routing, done}},
		"observed lag":    {cloudruntest.Script{ObservedLag: time.Second}, []string{done, deploying, routing, done}},
		"false alarm":     {cloudruntest.Script{FalseAlarm: time.Second}, []string{"Ready=False(RevisionMissing) ConfigurationsReady=Unknown RoutesReady=Unknown", deploying, routing, done}},
		"never":           {cloudruntest.Script{NeverReady: true}, []string{deploying}},
		"stages":          {cloudruntest.Script{Stages: stages}, []string{"Ready=Unknown(Mine)", "ConfigurationsReady=True Ready=Unknown", "RoutesReady=True Ready=True"}},
		"extra condition": {cloudruntest.Script{TimeToReady: time.Nanosecond, ExtraConditions: []cloudruntest.Condition{{Type: "X", Status: "False", Severity: "Warning"}}}, []string{deploying + " X=False", done + " X=False"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *cloudruntest.Server) {
				create(t, s, "hello")
				time.Sleep(9 * time.Second)
				s.Script("hello", test.script)
				edit(t, s, "hello", env("A", "1"))
				require.Equal(t, test.want, timeline(t, s, "hello", 15*time.Second))
			})
		})
	}
}

func TestObservedLagShowsTheOldStatus(t *testing.T) {
	bubble(t, func(t *testing.T, s *cloudruntest.Server) {
		create(t, s, "hello")
		time.Sleep(9 * time.Second)
		s.Script("hello", cloudruntest.Script{ObservedLag: time.Second, RouteLag: 3 * time.Second})
		sv := edit(t, s, "hello", env("A", "1"))
		require.Equal(t, 2.0, dig(sv, "metadata", "generation"))
		require.Equal(t, 1.0, dig(sv, "status", "observedGeneration"))
		time.Sleep(10 * time.Second)
		ready := get(t, s, "hello")
		require.Equal(t, "True", dig(ready, "status", "conditions", 0, "status"))
		require.Equal(t, dig(sv, "status", "traffic"), dig(ready, "status", "traffic"), "traffic lags")
		time.Sleep(3 * time.Second)
		require.NotEqual(t, dig(sv, "status", "traffic"), dig(get(t, s, "hello"), "status", "traffic"))
	})
}

func TestOperationOutcomes(t *testing.T) {
	bubble(t, func(t *testing.T, s *cloudruntest.Server) {
		s.Script("hello", cloudruntest.Script{OperationError: "It went wrong.", NoURL: true})
		sv := create(t, s, "hello")
		require.Nil(t, dig(sv, "status", "url"))
		_, op := do(t, s, "POST", operation(sv)+":wait", nil)
		require.Equal(t, "It went wrong.", dig(op, "error", "message"))
		s.Script("hello", cloudruntest.Script{NoOperation: true})
		sv = edit(t, s, "hello", env("A", "1"))
		require.Nil(t, dig(sv, "metadata", "annotations", "run.googleapis.com/operation-id"))

		s.Script("hello", cloudruntest.Script{NeverReady: true})
		sv = edit(t, s, "hello", env("B", "1"))
		_, op = do(t, s, "POST", operation(sv)+":wait", object{"timeout": "60s"})
		require.Equal(t, false, op["done"])
		do(t, s, "DELETE", demo+"/services/hello", nil)
		_, op = do(t, s, "POST", operation(sv)+":wait", nil)
		require.NotNil(t, op["error"])
		create(t, s, "hello")
		_, op = do(t, s, "POST", operation(sv)+":wait", nil)
		require.NotNil(t, op["error"], "a new Service of that name is another one")
	})
}

func TestTrafficToWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	before := create(t, s, "hello")
	sv := edit(t, s, "hello", split(object{"revisionName": "hello-nobody", "percent": 100}))
	require.Equal(t, []string{"Ready=False(RevisionMissing)", "ConfigurationsReady=True", "RoutesReady=False(RevisionMissing)"}, conditions(sv))
	require.Equal(t, `Revision "hello-nobody" referenced in traffic not found.`, dig(sv, "status", "conditions", 0, "message"))
	require.Equal(t, dig(before, "status", "traffic"), dig(sv, "status", "traffic"))
}

// TestWritesDuringAnything checks that a write in any state returns a status.
func TestWritesDuringAnything(t *testing.T) {
	scripts := map[string]cloudruntest.Script{
		"never":      {NeverReady: true},
		"failing":    {FailRevision: &cloudruntest.Failure{}},
		"plain":      {},
		"lag":        {ObservedLag: time.Second, FalseAlarm: time.Second},
		"scripted":   {Stages: []cloudruntest.Stage{{After: time.Second}}},
		"unobserved": {Stages: []cloudruntest.Stage{{Unobserved: true}}},
	}
	changes := map[string]func(object){
		"template": env("A", "1"),
		"label":    func(sv object) { dig(sv, "metadata").(object)["labels"] = object{"a": "b"} },
		"traffic":  split(object{"latestRevision": true, "percent": 100, "tag": "t"}),
	}
	for first, script := range scripts {
		for second, next := range scripts {
			for what, change := range changes {
				t.Run(first+" "+what+" "+second, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						for _, opts := range [][]cloudruntest.Option{{}, {cloudruntest.Cluster()}} {
							s := newServer(t, append(opts, cloudruntest.WithTimeToReady(9*time.Second))...)
							for _, pause := range []time.Duration{0, 8 * time.Second, time.Minute} {
								s.Script("hello", script)
								create(t, s, "hello")
								time.Sleep(pause)
								s.Script("hello", next)
								edit(t, s, "hello", change)
								for range 12 {
									get(t, s, "hello")
									time.Sleep(time.Second)
								}
								do(t, s, "DELETE", demo+"/services/hello", nil)
							}
						}
					})
				})
			}
		}
	}
}

func TestFalseAlarmHoldsTheRevisionBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Script("hello", cloudruntest.Script{FalseAlarm: time.Second})
		sv := create(t, s, "hello")
		require.Equal(t, "False", dig(sv, "status", "conditions", 0, "status"))
		require.Nil(t, dig(sv, "status", "latestReadyRevisionName"))
		start := time.Now()
		_, op := do(t, s, "POST", operation(sv)+":wait", nil)
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, "True", dig(op, "response", "status", "conditions", 0, "status"))
	})
}
