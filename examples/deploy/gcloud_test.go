package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/parity"
)

// scenarios are commands about one Service that gcloud and this program run in
// sequence, each on its own control plane. They are not among the recorded ones.
var scenarios = map[string][]string{
	"web": {
		"deploy web --image=gcr.io/demo/web:1 --allow-unauthenticated --cpu=2 --memory=1Gi --concurrency=7 --timeout=3m --port=9000 --set-env-vars=A=1,B=two",
		"services update web --update-env-vars=B=2,C=3 --remove-env-vars=A --memory=768Mi --no-cpu-throttling --min-instances=2",
		"deploy web --image=gcr.io/demo/web:2 --clear-env-vars --no-allow-unauthenticated --max-instances=default --execution-environment=gen2 --session-affinity",
		"services update web --set-env-vars=^|^X=1,2|Y=3 --port=default --concurrency=default --cpu-boost",
	},
	"vault": {
		"deploy vault --image=gcr.io/demo/vault --no-allow-unauthenticated --set-secrets=KEY=key:3,/etc/tls/crt=tls:latest --service-account=vault@demo.iam.gserviceaccount.com",
		"services update vault --update-secrets=KEY=key:4,/etc/tls/crt=tls:7 --add-volume=name=tmp,type=in-memory,size-limit=64Mi --add-volume-mount=volume=tmp,mount-path=/var/tmp",
		"services update vault --remove-secrets=/etc/tls/crt --add-volume=name=shared,type=nfs,location=10.1.2.3:/export,readonly=true --add-volume-mount=volume=shared,mount-path=/srv",
		"services update vault --clear-secrets --remove-volume-mount=/var/tmp --remove-volume=tmp",
	},
	"net": {
		"deploy net --image=gcr.io/demo/net --no-allow-unauthenticated --ingress=internal --network=prod --subnet=run --network-tags=a,b --vpc-egress=all-traffic",
		"services update net --network-tags=c --ingress=all --add-cloudsql-instances=pg,demo:europe-west4:pg2",
		"services update net --clear-network-tags --remove-cloudsql-instances=pg --add-custom-audiences=https://net.example.com",
		"services update net --clear-network --clear-cloudsql-instances --clear-custom-audiences",
	},
	"probe": {
		"deploy probe --image=gcr.io/demo/probe --no-allow-unauthenticated --startup-probe=tcpSocket.port=8080,failureThreshold=9 --liveness-probe=httpGet.path=/live,periodSeconds=20 --labels=team=core,tier=web",
		"services update probe --startup-probe=httpGet.path=/up,timeoutSeconds=3,periodSeconds=4 --remove-labels=tier --update-labels=team=edge",
		"services update probe --liveness-probe= --startup-probe=",
		"services update probe --clear-labels --revision-suffix=plain",
		"services update probe --cpu=4",
	},
	"pod": {
		"deploy pod --no-allow-unauthenticated --container=app --image=gcr.io/demo/app --port=8080 --depends-on=proxy --container=proxy --image=gcr.io/demo/proxy --cpu=500m --startup-probe=tcpSocket.port=9090",
		"services update pod --container=proxy --memory=256Mi --set-env-vars=MODE=x --container=log --image=gcr.io/demo/log",
		"services update pod --remove-containers=log --container=app --args=-v,--level=2",
	},
	"split": {
		"deploy split --image=gcr.io/demo/split:1 --no-allow-unauthenticated --revision-suffix=v1 --min=1",
		"deploy split --image=gcr.io/demo/split:2 --revision-suffix=v2 --no-traffic --tag=next",
		"services update-traffic split --to-revisions=split-v1=70,split-v2=30",
		"services update-traffic split --to-tags=next=50 --update-tags=old=split-v1",
		"deploy split --image=gcr.io/demo/split:3 --revision-suffix=v3 --tag=next",
		"services update-traffic split --to-latest --remove-tags=old",
		"services add-iam-policy-binding split --member=user:ann@example.com --role=roles/run.invoker",
		"services remove-iam-policy-binding split --member=user:ann@example.com --role=roles/run.invoker",
	},
	"kept": {
		"services replace service.yaml",
		"services update kept --cpu=2 --set-env-vars=A=1",
		"services replace service.yaml",
	},
}

const scenarioManifest = `apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: kept
  labels: {team: core}
  annotations:
    run.googleapis.com/ingress: internal
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/maxScale: "7"
    spec:
      containerConcurrency: 5
      containers:
      - image: gcr.io/demo/kept
        env:
        - {name: MODE, value: prod}
        resources:
          limits: {cpu: "1", memory: 1Gi}
`

// TestBesideGcloud runs the installed gcloud and this program side by side, and
// compares the results.
func TestBesideGcloud(t *testing.T) {
	if _, err := exec.LookPath("gcloud"); err != nil {
		t.Skip("gcloud is not installed: this program is not compared with it")
	}
	if testing.Short() {
		t.Skip("gcloud takes seconds a command: not compared with -short")
	}
	for name, commands := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs, ours := cloudruntest.NewServer(), cloudruntest.NewServer()
			t.Cleanup(theirs.Close)
			t.Cleanup(ours.Close)
			gcloud := gcloudOn(t, theirs)
			manifest := filepath.Join(t.TempDir(), "service.yaml")
			require.NoError(t, os.WriteFile(manifest, []byte(scenarioManifest), 0o600))
			for _, command := range commands {
				args := located(strings.Fields(strings.ReplaceAll(command, "service.yaml", manifest)))
				gcloud(args)
				var stdout, stderr bytes.Buffer
				require.NoError(t, run(t.Context(), args, &stdout, &stderr, ours.ClientOptions()...), command)
				require.Empty(t, parity.Compare(left(t, theirs, name), left(t, ours, name)), "gcloud run %s", command)
			}
		})
	}
}

// located puts the flags of all commands before those of containers.
func located(args []string) []string {
	i := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--") })
	if i < 0 {
		i = len(args)
	}
	return slices.Insert(args, i, "--region=us-central1", "--project=demo")
}

// gcloudOn runs the installed gcloud on a control plane.
func gcloudOn(t *testing.T, s *cloudruntest.Server) func(args []string) {
	var env []string
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "CLOUDSDK_") && !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			env = append(env, e)
		}
	}
	env = append(env, s.Environ()...)
	env = append(env, "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_CORE_DISABLE_FILE_LOGGING=1")
	return func(args []string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "gcloud", append([]string{"run"}, args...)...)
		cmd.Env = env
		said, err := cmd.CombinedOutput()
		require.NoError(t, err, "gcloud run %s\n%s", strings.Join(args, " "), said)
	}
}

// left returns the state of a Service on a control plane, as requests that would write it.
func left(t *testing.T, s *cloudruntest.Server, name string) []parity.Request {
	t.Helper()
	service, ok := s.Service("demo", name)
	require.True(t, ok)
	write := parity.Request{Method: "PUT", Path: "/apis/serving.knative.dev/v1/namespaces/demo/services/" + name}
	require.NoError(t, json.Unmarshal(service, &write.Body))
	var policy map[string]any
	require.NoError(t, json.Unmarshal(s.Policy("demo", name), &policy))
	return []parity.Request{write, {
		Method: "POST", Path: "/v1/projects/demo/locations/us-central1/services/" + name + ":setIamPolicy",
		Body: map[string]any{"policy": map[string]any{"bindings": policy["bindings"]}},
	}}
}
