package runflags_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/runflags"
)

// newFlagSet returns a flag set with flags of a program.
func newFlagSet(own ...string) *pflag.FlagSet {
	fs := pflag.NewFlagSet("program", pflag.ContinueOnError)
	for _, name := range own {
		fs.String(name, "", "a flag of the program")
	}
	return fs
}

func names(fs *pflag.FlagSet) (all []string) {
	fs.VisitAll(func(f *pflag.Flag) { all = append(all, f.Name) })
	return all
}

func TestProgramsOwnFlags(t *testing.T) {
	t.Parallel()
	fs := newFlagSet("port", "no-cpu-boost")
	flags := runflags.Register(fs)
	require.NoError(t, fs.Parse([]string{"--image=x", "--port=1"}))
	_, err := flags.Options("demo", "us-central1")
	require.ErrorContains(t, err, "the program has a flag --port of its own: use runflags.Prefix, or runflags.Only without it")
	require.ErrorContains(t, err, "the program has a flag --no-cpu-boost of its own")
	require.Equal(t, "a flag of the program", fs.Lookup("port").Usage)

	fs = newFlagSet("port", "to-latest", "member")
	flags = runflags.Register(fs, runflags.Prefix("run-"))
	traffic := runflags.RegisterTraffic(fs, runflags.Prefix("run-"))
	member := runflags.RegisterMember(fs, runflags.Prefix("run-"))
	require.NoError(t, fs.Parse([]string{"--port=x", "--run-image=a", "--run-port=80", "--no-run-cpu-boost", "--run-to-latest", "--run-role=r"}))
	opts, err := flags.Options("demo", "us-central1")
	require.NoError(t, err)
	require.Equal(t, `[WithImage("a") WithPort(80) WithCPUBoost(false)]`, fmt.Sprint(opts))
	changes, err := traffic.Options()
	require.NoError(t, err)
	require.Equal(t, "[ToLatest()]", fmt.Sprint(changes))
	_, err = member.Binding()
	require.EqualError(t, err, "argument --run-member: must be specified")
}

func TestErrorsHaveThePrefix(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"argument --run-memory: not a quantity":                                                          {"--run-memory=many"},
		"argument --no-run-cpu-boost: ignored explicit argument":                                         {"--no-run-cpu-boost=x"},
		"argument --run-clear-key: at most one of --run-clear-key | --run-key can be specified":          {"--run-key=k", "--run-clear-key"},
		"when --run-container is specified --run-image must be specified after --run-container":          {"--run-image=x", "--run-container=a", "--run-image=y"},
		"--run-concurrency: flags that are not about one container must precede --run-container":         {"--run-container=a", "--run-concurrency=3"},
		`argument --run-set-env-vars: PORT is set by Cloud Run in the ingress container: use --run-port`: {"--run-set-env-vars=PORT=1"},
	} {
		fs := newFlagSet()
		flags := runflags.Register(fs, runflags.Prefix("run-"))
		require.NoError(t, fs.Parse(args))
		_, err := flags.Options("demo", "us-central1")
		require.ErrorContains(t, err, want)
	}
}

// A program is advised to use only the flags that it has, as it spells them.
func TestAdviceHasTheFlagsOfTheProgram(t *testing.T) {
	t.Parallel()
	fs := newFlagSet()
	flags := runflags.Register(fs, runflags.Prefix("run-"), runflags.Only("memory", "image", "async"))
	traffic := runflags.RegisterTraffic(fs, runflags.Prefix("run-"))
	_, err := flags.Options("demo", "us-central1")
	require.ErrorIs(t, err, runflags.ErrNoChange)
	require.EqualError(t, err, "no configuration change requested: use --run-image, --run-memory or another flag")
	_, err = traffic.Options()
	require.ErrorIs(t, err, runflags.ErrNoTraffic)
	require.EqualError(t, err, "no traffic configuration change requested: use --run-to-latest, --run-to-revisions, --run-to-tags, --run-update-tags or another flag")
}

func TestOnly(t *testing.T) {
	t.Parallel()
	fs := newFlagSet("port")
	flags := runflags.Register(fs, runflags.Only("image", "container"), runflags.Only("cpu-boost"))
	require.Equal(t, []string{"container", "cpu-boost", "image", "no-cpu-boost", "port"}, names(fs))
	require.NoError(t, fs.Parse([]string{"--no-cpu-boost", "--container=a", "--image=x"}))
	opts, err := flags.Options("demo", "us-central1")
	require.NoError(t, err)
	require.Len(t, opts, 2)

	fs = newFlagSet()
	flags = runflags.Register(fs, runflags.Only("imag"), runflags.Only("zzzzzzzz"))
	require.Empty(t, names(fs))
	_, err = flags.Options("demo", "us-central1")
	require.ErrorContains(t, err, `runflags.Only: there is no flag "imag": did you mean "image"?`)
	require.ErrorContains(t, err, `runflags.Only: there is no flag "zzzzzzzz"`)
	_, err = runflags.RegisterTraffic(newFlagSet(), runflags.Only("image")).Options()
	require.ErrorContains(t, err, `there is no flag "image"`)
	require.Empty(t, names(func() *pflag.FlagSet { fs := newFlagSet(); runflags.Register(fs, runflags.Only()); return fs }()))
}

func TestUsages(t *testing.T) {
	t.Parallel()
	fs := newFlagSet("project")
	runflags.Register(fs)
	text := runflags.Usages(fs, 0)
	at := 0
	for _, part := range []string{
		"Flags:\n", "--project string", "Container flags:\n", "--container CONTAINER", "--image IMAGE ", "such as europe-docker.pkg.dev",
		"--[no-]use-http2", "--memory MEMORY", "(default 512Mi)", "\nEnvironment variable flags:\n", "--set-env-vars [KEY=VALUE,...]",
		"\nSecret flags:\n", "\nProbe flags:\n", "\nVolume flags:\n", "\nServing flags:\n", "\nScaling flags:\n", "\nNetwork flags:\n",
		"\nSecurity flags:\n", "\nMetadata flags:\n", "\nDeployment flags:\n", "--[no-]allow-unauthenticated", "--no-traffic ",
	} {
		i := strings.Index(text[at:], part)
		require.GreaterOrEqual(t, i, 0, "%q is missing after:\n%s", part, text[:at])
		at += i
	}
	require.NotContains(t, text, "--no-cpu-boost", "one line has both")
	require.NotContains(t, text, "--client-name", "it is hidden")
	require.True(t, fs.SortFlags, "the flag set is not changed")
	require.Equal(t, []string{"Container flags"}, fs.Lookup("image").Annotations[runflags.GroupAnnotation])
	for line := range strings.Lines(runflags.Usages(fs, 80)) {
		require.True(t, len(strings.TrimRight(line, "\n")) <= 80 || strings.Count(strings.TrimSpace(line), " ") == 0, line)
	}
	require.Empty(t, runflags.Usages(nil, 80))

	// Flags that the program defines later are shown first too.
	fs.StringP("format", "f", "table", "`form` of the output")
	fs.Bool("old", false, "an old one")
	require.NoError(t, fs.MarkDeprecated("old", "use another"))
	text = runflags.Usages(fs, 0)
	require.Contains(t, text, "  -f, --format form           form of the output (default table)\n")
	require.NotContains(t, text, "--old")
	late := newFlagSet()
	runflags.Register(late)
	late.Bool("own", false, "a flag of the program")
	require.True(t, strings.HasPrefix(runflags.Usages(late, 0), "Flags:\n  --own "))
	require.Empty(t, runflags.Usages(newFlagSet(), 80))
}

// All mistakes come in one round, and each names its flag.
func TestErrorsNameTheirFlags(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"wrong values and PORT": {[]string{"--memory=1GB", "--set-env-vars=PORT=1", "--port=0"},
			"argument --port: bad value [0]: must be an integer between 1 and 65535, inclusive, or \"default\"\n" +
				"argument --memory: not a quantity: write \"1Gi\"\nargument --set-env-vars: PORT is set by Cloud Run in the ingress container: use --port"},
		"a contradiction and a wrong value": {[]string{"--scaling=3", "--min=1", "--cpu=x"},
			"argument --cpu: not a quantity; use a value such as 2, 500m or 1Gi\n" +
				`argument --min: contradicts --scaling: both decide the annotation "run.googleapis.com/minScale"`},
		"flags that exclude each other": {[]string{"--clear-vpc-connector", "--vpc-connector=c", "--clear-env-vars", "--set-env-vars=A=1"},
			"argument --clear-env-vars: at most one of --clear-env-vars | --env-vars-file | --set-env-vars | --remove-env-vars --update-env-vars can be specified\n" +
				`argument --clear-vpc-connector: contradicts --vpc-connector: both decide the template annotation "run.googleapis.com/vpc-access-connector"`},
		"of a container": {[]string{"--remove-containers=b", "--container=a", "--image=x", "--memory=1GB", "--container=b", "--image=y", "--cpu=x"},
			"argument --memory of container a: not a quantity: write \"1Gi\"\nargument --cpu of container b: not a quantity; use a value such as 2, 500m or 1Gi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := optionsOf(tc.args)
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestExplainCalls(t *testing.T) {
	t.Parallel()
	fs := newFlagSet()
	flags := runflags.Register(fs)
	require.NoError(t, fs.Parse([]string{"--set-env-vars=A=1", "--no-traffic"}))
	_, err := flags.Options("demo", "us-central1")
	require.NoError(t, err)
	other := errors.New("another error")
	call := &cloudrun.DeployError{Op: "deploy service", Service: "hello", Err: errors.Join(
		&cloudrun.OptionError{Option: "WithImage", Reason: "missing: a new service needs an image"},
		&cloudrun.OptionError{Option: "WithNoTraffic()", Reason: "no"},
		&cloudrun.OptionError{Option: `SetEnv(map[A:1]) WithEnv("A", …)`, Reason: "unknown"}, other)}
	explained := flags.Explain(call)
	require.ErrorContains(t, explained, "argument --image: missing: a new service needs an image (failed while ; nothing was written)\ndeploy service \"hello\": argument --no-traffic: no")
	require.ErrorIs(t, explained, other)
	var deploy *cloudrun.DeployError
	require.ErrorAs(t, explained, &deploy)
	require.Equal(t, "hello", deploy.Service)
	require.Equal(t, other, flags.Explain(other))
	late := &cloudrun.DeployError{Op: "deploy service", Service: "hello", Stage: cloudrun.StageWait, Err: &cloudrun.TimeoutError{Service: "hello", Err: context.Canceled}}
	require.ErrorContains(t, flags.Explain(late), `the wait was canceled; it goes on: "gcloud run services describe hello" shows when it is ready`)
	require.ErrorAs(t, flags.Explain(late), new(*cloudrun.TimeoutError))
	require.ErrorIs(t, flags.Explain(late), context.Canceled)
	moving := &cloudrun.DeployError{Op: "deploy service", Service: "hello", Err: &cloudrun.TimeoutError{Service: "hello", Traffic: "a=100", Err: context.Canceled}}
	require.Equal(t, moving, flags.Explain(moving), "it names no function")
	require.NoError(t, flags.Explain(nil))
	require.Equal(t, other, (*runflags.Flags)(nil).Explain(other))
}
