package cloudrun_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// IAM may not know a Service that was just created. Deploy waits for IAM then,
// but not for an older Service.
func TestDeployPublishesAServiceThatIAMDoesNotKnowYet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lag    time.Duration
		verb   string // the call that returns 404 at first
		exists bool
		fails  bool
	}{
		"known at once":                 {},
		"known after two seconds":       {lag: 2 * time.Second, verb: "getIamPolicy"},
		"known to readers, not writers": {lag: 2 * time.Second, verb: "setIamPolicy"},
		"known too late":                {lag: time.Minute, verb: "getIamPolicy", fails: true},
		"not fresh":                     {lag: 2 * time.Second, verb: "getIamPolicy", exists: true, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t, cloudruntest.WithTimeToReady(9*time.Second))
				d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
				if tc.exists {
					_, err := d.Deploy(t.Context(), "hello")
					require.NoError(t, err)
					time.Sleep(time.Minute)
				}
				start := time.Now()
				if tc.lag > 0 {
					s.Fault(cloudruntest.Fault{Status: 404, Times: -1, Match: func(r *http.Request) bool {
						return strings.HasSuffix(r.URL.Path, ":"+tc.verb) && time.Since(start) < tc.lag
					}})
				}
				r, err := d.Deploy(t.Context(), "hello", cloudrun.WithPublicAccess())
				public, readErr := cloudrun.IsPublic(t.Context(), c, "hello")
				if !tc.fails {
					require.NoError(t, err)
					require.NoError(t, readErr)
					require.True(t, public)
					require.Equal(t, 9*time.Second, time.Since(start), "beside the wait")
					return
				}
				var failed *cloudrun.DeployError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, cloudrun.StagePublish, failed.Stage)
				require.Equal(t, cloudrun.Written, failed.Outcome, "the Service itself is deployed")
				require.True(t, apierrors.IsNotFound(err), err)
				require.NotNil(t, r)
			})
		})
	}
}

// A Service is as new to IAM if somebody else has just created it.
func TestAServiceThatOthersCreatedIsNewToIAM(t *testing.T) {
	t.Parallel()
	deploy := func(ctx context.Context, c *cloudrun.Client) error {
		_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image), cloudrun.WithPublicAccess(), cloudrun.Async())
		return err
	}
	create := func(t *testing.T, c *cloudrun.Client) {
		_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.Async())
		require.NoError(t, err)
	}
	for name, tc := range map[string]struct {
		call  func(context.Context, *cloudrun.Client) error
		race  bool          // another caller creates the Service during the call
		age   time.Duration // of the Service, unless there is a race
		lag   time.Duration // of IAM
		fails bool
		takes time.Duration // at most
	}{
		"a lost race to create":              {call: deploy, race: true, lag: 2 * time.Second, takes: 4 * time.Second},
		"a lost race, but IAM lags too long": {call: deploy, race: true, lag: time.Minute, fails: true, takes: 8 * time.Second},
		"a deploy soon after the creation":   {call: deploy, age: time.Second, lag: 2 * time.Second, takes: 4 * time.Second},
		"make public":                        {call: makePublic, age: time.Second, lag: 2 * time.Second, takes: 4 * time.Second},
		"make private":                       {call: makePrivate, lag: 2 * time.Second, takes: 4 * time.Second},
		"add a member":                       {call: add(invoker, ann), lag: 2 * time.Second, takes: 4 * time.Second},
		"make public, but IAM lags too long": {call: makePublic, lag: time.Minute, fails: true, takes: 8 * time.Second},
		"make public of an older Service":    {call: makePublic, age: time.Minute, lag: 2 * time.Second, fails: true, takes: time.Second},
		"a deploy of an older Service":       {call: deploy, age: time.Minute, lag: 2 * time.Second, fails: true, takes: time.Second},
	} {
		for _, verb := range []string{":getIamPolicy", ":setIamPolicy"} {
			if verb == ":setIamPolicy" && name == "make private" {
				continue // it writes nothing
			}
			t.Run(name+verb, func(t *testing.T) {
				t.Parallel()
				inVirtualTime(t, func(t *testing.T) {
					s, c := newServer(t)
					if tc.race {
						s.Fault(cloudruntest.Fault{Method: http.MethodPost, Path: "/services", Do: func() { create(t, c) }})
					} else {
						create(t, c)
						time.Sleep(tc.age)
					}
					start := time.Now()
					s.Fault(cloudruntest.Fault{Path: verb, Status: 404, For: tc.lag})
					err := tc.call(t.Context(), c)
					require.LessOrEqual(t, time.Since(start), tc.takes)
					require.Equal(t, tc.fails, err != nil, err)
					require.Equal(t, tc.fails, apierrors.IsNotFound(err), err)
				})
			})
		}
	}
}

// The policy of a Service that does not exist is not waited for.
func TestPolicyOfNoService(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		start := time.Now()
		require.True(t, apierrors.IsNotFound(makePublic(t.Context(), c)))
		require.Zero(t, time.Since(start))
	})
}

// If the response to a policy write is lost, Deploy reports the Service correctly and publishes it once.
func TestDeployPublishesUnderLostAnswers(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudruntest.Fault{
		"reset before the effect": {Reset: true},
		"reset after the effect":  {Reset: true, After: true},
		"503 after the effect":    {Status: 503, After: true},
		"truncated":               {Truncate: 9, After: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				faulty := fault
				faulty.Path = ":setIamPolicy"
				s.Fault(faulty)
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithPublicAccess())
				require.NoError(t, err)
				kinds := []string{}
				for _, w := range s.History() {
					kinds = append(kinds, w.Kind)
				}
				require.Equal(t, []string{"create", "setIamPolicy"}, kinds)
			})
		})
	}
}
