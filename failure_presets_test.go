package cloudrun_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// The diagnosis recognizes each of the failures that cloudruntest has ready.
func TestDiagnosisOfPresets(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script cloudruntest.Script
		want   cloudrun.Cause
	}{
		"image":  {cloudruntest.ImageNotFound(), cloudrun.CauseImage},
		"secret": {cloudruntest.SecretDenied(), cloudrun.CauseSecret},
		"port":   {cloudruntest.NotListening(), cloudrun.CauseContainerStart},
		"quota":  {cloudruntest.QuotaExceeded(), cloudrun.CauseQuota},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				s.Script("hello", tc.script)
				_, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithSecretEnv("DB", "db", "latest"))
				failed := errorAs[*cloudrun.NotReadyError](t, err)
				require.Equal(t, tc.want, failed.Cause())
				if tc.want == cloudrun.CauseSecret {
					require.Equal(t, "projects/123456789012/secrets/db/versions/latest", failed.DeniedSecrets()[0].Secret)
				}
			})
		})
	}
}

// A Deploy edits again what another writer changed in between.
func TestDeployBesideAConcurrentWriter(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		_, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		fault := s.ConcurrentWriter("demo", "hello")
		fault.Times = 2
		s.Fault(fault)
		r, err := d.Deploy(t.Context(), "hello", cloudrun.WithEnv("A", "1"))
		require.NoError(t, err)
		require.Equal(t, "2", r.Service.Labels["concurrent-writer"])
		require.Equal(t, "1", r.Service.Spec.Template.Spec.Containers[0].Env[0].Value)
	})
}
