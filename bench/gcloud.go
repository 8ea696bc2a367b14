package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// gcloud compares a deployment with the command line tool, where it is installed.
func (b *bench) gcloud(ctx context.Context) (table, error) {
	if _, err := exec.LookPath("gcloud"); err != nil {
		return table{title: "gcloud is not installed here", columns: []string{}}, nil
	}
	if _, err := b.server.control("ready=0s&services=0"); err != nil {
		return table{}, err
	}
	env, err := b.gcloudEnv()
	if err != nil {
		return table{}, err
	}
	took := samples{}
	err = b.turns(max(3, b.rounds/3), []string{"ours", "gcloud"}, func(round int, name string) error {
		service := fmt.Sprintf("cli-%s-%d", name, round)
		cmd := exec.CommandContext(ctx, filepath.Join(b.programs, "ours"), b.server.url, service)
		if name == "gcloud" {
			cmd = exec.CommandContext(ctx, "gcloud", "run", "deploy", service, "--image=gcr.io/demo/app:1", "--project=demo", "--region=us-central1",
				"--no-allow-unauthenticated", "--quiet")
			cmd.Env = env
		}
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		took.add(name, time.Since(start).Seconds())
		return nil
	})
	ratio := fmt.Sprintf("%.0f", took.median("gcloud")/took.median("ours"))
	return table{"The command line tool", []row{{"a deployment that is ready at once, times this library", []string{"1", ratio}}}, []string{"ours", "gcloud"}}, err
}

// gcloudEnv sends what gcloud asks of the API to the server, without credentials.
func (b *bench) gcloudEnv() ([]string, error) {
	u, err := url.Parse(b.server.url)
	if err != nil {
		return nil, err
	}
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "CLOUDSDK_") && !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			env = append(env, v)
		}
	}
	env = append(env, "CLOUDSDK_CONFIG="+filepath.Join(b.programs, "gcloud"), "CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true", "CLOUDSDK_PROXY_TYPE=http",
		"CLOUDSDK_PROXY_ADDRESS="+u.Hostname(), "CLOUDSDK_PROXY_PORT="+u.Port(), "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1",
		"CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1", "CLOUDSDK_SURVEY_DISABLE_PROMPTS=1")
	for _, api := range []string{"run", "serviceusage"} {
		env = append(env, fmt.Sprintf("CLOUDSDK_API_ENDPOINT_OVERRIDES_%s=http://%s.googleapis.com/", strings.ToUpper(api), api))
	}
	return env, nil
}
