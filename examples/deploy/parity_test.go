package main

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun/internal/parity"
)

const casesDir = "../../testdata/parity"

// attempt is the result of a command on the server of a case.
type attempt struct {
	server         *parity.Server
	stdout, stderr string
	err            error
}

// arguments returns the arguments of a case for this program. Files are written to a directory.
func arguments(t *testing.T, c *parity.Case) []string {
	args := slices.Clone(c.Command)
	dir := t.TempDir()
	for name, text := range c.Files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], name, path)
		}
	}
	return args
}

// try runs a command in virtual time, against the server of a case.
func try(t *testing.T, c *parity.Case, args ...string) attempt {
	return tryOn(t, parity.NewServer(c), args...)
}

// tryOn runs a command in virtual time, against a server that other commands have used.
func tryOn(t *testing.T, server *parity.Server, args ...string) attempt {
	a := attempt{server: server}
	synctest.Test(t, func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		transport := option.WithHTTPClient(&http.Client{Transport: a.server})
		a.err = run(context.Background(), args, &stdout, &stderr, transport)
		a.stdout, a.stderr = stdout.String(), stderr.String()
	})
	return a
}

var verbose = flag.Bool("parity", false, "report for every case whether the result is that of gcloud")

// TestParity runs every recorded gcloud command through this program. Those
// listed in docs/differences-from-gcloud.md must differ, and no others may.
func TestParity(t *testing.T) {
	cases, err := parity.Load(casesDir)
	require.NoError(t, err)
	require.Greater(t, len(cases), 300)
	listed := listedDifferences(t)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			a := try(t, c, arguments(t, c)...)
			differences := parity.Compare(c.Requests, a.server.Requests())
			if (c.Exit == 0) != (a.err == nil) {
				differences = append(differences, "ended otherwise")
			}
			if *verbose {
				t.Logf("%v\n%v", strings.Join(differences, "\n"), a.err)
			}
			if _, ok := listed[c.Name]; ok {
				require.NotEmpty(t, differences, "docs/differences-from-gcloud.md lists this case, but there is no difference")
				return
			}
			require.Empty(t, differences, "gcloud %s\nerror: %v", strings.Join(c.Command, " "), a.err)
		})
	}
	for name := range listed {
		require.True(t, slices.ContainsFunc(cases, func(c *parity.Case) bool { return c.Name == name }), "there is no case %q", name)
	}
}

// TestSettingTwiceChangesNothing runs every recorded command a second time with
// --if-changed, and checks that it changes nothing.
func TestSettingTwiceChangesNothing(t *testing.T) {
	cases, err := parity.Load(casesDir)
	require.NoError(t, err)
	tried := 0
	for _, c := range cases {
		i := slices.IndexFunc(c.Command, func(word string) bool { return word == "deploy" || word == "update" })
		if i < 0 || c.Exit != 0 || c.Server.Mode != "" || len(c.Server.Fail) > 0 {
			continue
		}
		tried++
		t.Run(c.Name, func(t *testing.T) {
			first := try(t, c, arguments(t, c)...)
			if first.err != nil {
				t.Skip("refused, see TestDifferences")
			}
			before := len(first.server.Requests())
			second := tryOn(t, first.server, slices.Insert(arguments(t, c), i+1, "--if-changed")...)
			require.NoError(t, second.err)
			require.Empty(t, writesOf(second.server.Requests()[before:]))
		})
	}
	require.Greater(t, tried, 150)
}
