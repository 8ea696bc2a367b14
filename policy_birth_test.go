package cloudrun_test

import (
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
