// Package cobra_test runs the flags of package runflags in a program built on
// cobra. It is in this module so that cobra stays out of the library's go.mod.
package cobra_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/runflags"
)

// newCommand returns a command "release SERVICE" with gcloud's flags and one of its own.
func newCommand(client *cloudrun.Client) *cobra.Command {
	cmd := &cobra.Command{Use: "release SERVICE", Args: cobra.ExactArgs(1), SilenceErrors: true, SilenceUsage: true}
	ticket := cmd.Flags().String("ticket", "", "`ID` of the ticket of the release")
	flags := runflags.Register(cmd.Flags())
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return runflags.Explain(c.Flags(), err) })
	cmd.SetUsageFunc(func(c *cobra.Command) error {
		_, err := fmt.Fprintf(c.OutOrStderr(), "Usage:\n  %s\n\n%s", c.UseLine(), runflags.Usages(c.Flags(), 80))
		return err
	})
	cmd.RunE = func(c *cobra.Command, args []string) error {
		opts, err := flags.Options(client.Project(), client.Region())
		if err != nil {
			return err
		}
		result, err := cloudrun.NewDeployer(client, cloudrun.WithLabel("ticket", *ticket)).Deploy(c.Context(), args[0], opts...)
		if err != nil {
			return flags.Explain(err)
		}
		fmt.Fprintln(c.OutOrStdout(), result.Action, result.Service.Labels["ticket"], result.URL)
		return nil
	}
	return cmd
}

func TestCobra(t *testing.T) {
	server := cloudruntest.NewServer(cloudruntest.InProcess())
	defer server.Close()
	client, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", server.ClientOptions()...)
	require.NoError(t, err)
	for _, tc := range []struct{ args, out, err string }{
		{"--help", "Usage:\n  release SERVICE [flags]\n\nFlags:\n  --ticket ID                 ID of the ticket of the release\n", ""},
		{"web --ticket=a-1 --image=gcr.io/cloudrun/hello --memory=1Gi", "created a-1 https://web-123456789012.us-central1.run.app\n", ""},
		{"web --memroy=1Gi", "", "unrecognized arguments: --memroy (did you mean '--memory'?)"},
		{"web --memory=1GB --set-env-vars=PORT=1", "", "argument --memory: not a quantity: write \"1Gi\"\nargument --set-env-vars: PORT is set by Cloud Run in the ingress container: use --port"},
		{"other --ticket=a-1 --memory=1Gi", "", "argument --image: missing"},
		{"", "", "accepts 1 arg(s), received 0"},
	} {
		var out bytes.Buffer
		cmd := newCommand(client)
		cmd.SetArgs(strings.Fields(tc.args))
		cmd.SetOut(&out)
		cmd.SetErr(io.Discard)
		err := cmd.ExecuteContext(t.Context())
		if tc.err == "" {
			require.NoError(t, err)
			require.Contains(t, out.String(), tc.out)
			continue
		}
		require.ErrorContains(t, err, tc.err)
		require.Empty(t, out.String())
	}
}

// The snippet for cobra in the documentation of runflags is the code above.
func TestDocumentation(t *testing.T) {
	own, err := os.ReadFile("cobra_test.go")
	require.NoError(t, err)
	usage, err := os.ReadFile("../../runflags/usage.go")
	require.NoError(t, err)
	_, snippet, found := strings.Cut(string(usage), "// For a command of cobra:\n//\n")
	require.True(t, found)
	snippet, _, _ = strings.Cut(snippet, "\nfunc ")
	compiled := 0
	for _, line := range strings.Split(snippet, "\n") {
		require.Contains(t, string(own), strings.TrimSpace(strings.TrimPrefix(line, "//")))
		compiled++
	}
	require.Greater(t, compiled, 3)
}
