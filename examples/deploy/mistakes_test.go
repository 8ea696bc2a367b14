package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// mistakes are the commonest ones on the command line.
var mistakes = []string{
	"deploy hello --image=gcr.io/demo/api --memroy=1Gi",
	"deploy hello --image=gcr.io/demo/api --memory=lots --cpu=many",
	"deploy hello --image",
	"deploy helo --memory=1Gi",
	"deploy hello --image=gcr.io/demo/api --set-env-vars=A",
	"deploy hello --image=gcr.io/demo/api --set-env-vars=A=1 --update-env-vars=B=2",
	"deploy hello --image=gcr.io/demo/api --port=http",
	"deploy hello --image=gcr.io/demo/api --region=uscentral1",
	"deploy hello --image=gcr.io/demo/api other",
	"deploy new --image=gcr.io/demo/api --no-traffic",
	"deploy --image=gcr.io/demo/api",
	"deploy hello --image=gcr.io/demo/api --labels=cloudruntest-outcome=never-ready",
	"update-traffic hello --to-revisions=helo-v1=10",
	"update-traffic hello --to-revisions=hello-v1=60,hello-v2=50",
	"update-traffic hello --to-tags=stabel=10",
	"update-traffic hello",
	"replace absent.yaml",
}

// The golden file has what a person sees. Read every line with these questions:
// would I know what to do, is it true, and does it name what was typed?
func TestMistakes(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, line := range mistakes {
		synctest.Test(t, func(t *testing.T) {
			s := cloudruntest.NewServer(cloudruntest.InProcess(), cloudruntest.WithScriptLabels(), cloudruntest.WithTimeToReady(time.Second))
			defer s.Close()
			attempt := func(args ...string) (string, error) {
				var out bytes.Buffer
				args = append([]string{args[0], "--project=demo", "--quiet"}, args[1:]...)
				return out.String(), run(t.Context(), args, &out, &out, s.ClientOptions()...)
			}
			_, err := attempt("deploy", "hello", "--image=gcr.io/demo/api", "--revision-suffix=v1", "--region=us-central1")
			require.NoError(t, err)
			args := strings.Fields(line)
			if !strings.Contains(line, "--region") {
				args = append([]string{args[0], "--region=us-central1"}, args[1:]...)
			}
			_, err = attempt(args...)
			require.Error(t, err, line)
			var shown bytes.Buffer
			report(&shown, err)
			got.WriteString("$ " + line + "\n" + shown.String() + "\n")
		})
	}
	file := filepath.Join("testdata", "mistakes.golden")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}
