package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// environ returns the environment for gcloud and examples/deploy, as KEY=VALUE.
func environ(s *cloudruntest.Server) []string {
	return append(s.Environ(), "CLOUDSDK_CORE_PROJECT=demo", "CLOUDSDK_RUN_REGION=us-central1", "CLOUDRUN_ENDPOINT="+s.URL)
}

// explain prints the environment as shell code, and other hints as comments.
func explain(w io.Writer, s *cloudruntest.Server) {
	for _, e := range environ(s) {
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(w, "export %s='%s'\n", name, value)
	}
	fmt.Fprintf(w, `# gcloud run deploy hello --image=gcr.io/cloudrun/hello --allow-unauthenticated
# go run ./examples/deploy hello --image=gcr.io/cloudrun/hello
# cloudrun.NewClient(ctx, "demo", "us-central1",
# option.WithEndpoint(%q), option.WithoutAuthentication())
`, s.URL)
}

// writeEnv writes the environment to a file, which appears as a whole. The
// function that it returns removes the file unless another emulator has replaced it.
func writeEnv(path string, s *cloudruntest.Server) (remove func(), err error) {
	var text bytes.Buffer
	explain(&text, s)
	f, err := os.CreateTemp(filepath.Dir(path), ".env-*")
	if err != nil {
		return nil, fmt.Errorf("--env-file: %w", err)
	}
	_, err = f.Write(text.Bytes())
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return nil, fmt.Errorf("--env-file: %w", err)
	}
	return func() {
		if now, err := os.ReadFile(path); err == nil && bytes.Equal(now, text.Bytes()) {
			_ = os.Remove(path)
		}
	}, nil
}
