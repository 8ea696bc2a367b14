package runflags_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/runflags"
)

// optionsOf parses arguments as a program would.
func optionsOf(args []string, opts ...runflags.Option) ([]cloudrun.DeployOption, error) {
	fs := pflag.NewFlagSet("deploy", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	flags := runflags.Register(fs, opts...)
	if err := fs.Parse(args); err != nil {
		return nil, runflags.Explain(fs, err)
	}
	return flags.Options("demo", "us-central1")
}

// serviceOf returns the JSON of the Service that arguments produce.
func serviceOf(t *testing.T, args ...string) string {
	t.Helper()
	opts, err := optionsOf(args)
	require.NoError(t, err)
	var edits []cloudrun.ServiceOption
	for _, o := range opts {
		if edit, ok := o.(cloudrun.ServiceOption); ok {
			edits = append(edits, edit)
		}
	}
	s, err := cloudrun.NewService("hello", edits...)
	require.NoError(t, err)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	return string(text)
}

func TestValues(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		args []string
		want []string // parts of the Service
	}{
		"a delimiter":              {[]string{"--set-env-vars=^@^A=1,2@B=3"}, []string{`{"name":"A","value":"1,2"}`, `{"name":"B","value":"3"}`}},
		"a delimiter of two bytes": {[]string{"--set-env-vars=^::^A=1,2::B=:3"}, []string{`{"name":"A","value":"1,2"}`, `{"name":"B","value":":3"}`}},
		"a dict in pieces":         {[]string{"--set-env-vars=A=1", "--set-env-vars", "B=x=y"}, []string{`{"name":"A","value":"1"}`, `{"name":"B","value":"x=y"}`}},
		"an empty value":           {[]string{"--set-env-vars=A="}, []string{`{"name":"A"}`}},
		"the last of a flag":       {[]string{"--memory=1Gi", "--memory=2Gi"}, []string{`"memory":"2Gi"`}},
		"an argument with commas":  {[]string{"--args=^;^-c;echo a,b"}, []string{`"args":["-c","echo a,b"]`}},
		"arguments by the piece":   {[]string{"--args=-c", "--args=ls"}, []string{`"args":["-c","ls"]`}},
		"a negated switch":         {[]string{"--no-cpu-boost"}, []string{`"run.googleapis.com/startup-cpu-boost":"False"`}},
		"the last of a switch":     {[]string{"--cpu-throttling", "--no-cpu-throttling"}, []string{`"run.googleapis.com/cpu-throttling":"False"`}},
		"seconds":                  {[]string{"--timeout=45"}, []string{`"timeoutSeconds":45`}},
		"minutes":                  {[]string{"--timeout=1m30s"}, []string{`"timeoutSeconds":90`}},
		"an ISO 8601 duration":     {[]string{"--timeout=PT1H"}, []string{`"timeoutSeconds":3600`}},
		"half an hour":             {[]string{"--timeout=0.5h"}, []string{`"timeoutSeconds":1800`}},
		"a mesh of the project":    {[]string{"--mesh=m"}, []string{`"run.googleapis.com/mesh":"projects/demo/locations/global/meshes/m"`}},
		"a mesh by its full name":  {[]string{"--mesh=projects/p/locations/global/meshes/m"}, []string{`"run.googleapis.com/mesh":"projects/p/locations/global/meshes/m"`}},
		"a database by its name":   {[]string{"--add-cloudsql-instances=db,other:europe-west1:db2"}, []string{`"run.googleapis.com/cloudsql-instances":"demo:us-central1:db,other:europe-west1:db2"`}},
		"containers": {[]string{"--container=app", "--image=a", "--port=80", "--depends-on=proxy", "--container=proxy", "--image=b", "--container=app", "--cpu=2"},
			[]string{`"name":"app"`, `"image":"a"`, `"cpu":"2"`, `"image":"b"`, `"run.googleapis.com/container-dependencies":"{\"app\":[\"proxy\"]}"`}},
		"a beta feature":        {[]string{"--max=3"}, []string{`"run.googleapis.com/launch-stage":"BETA"`, `"run.googleapis.com/maxScale":"3"`}},
		"an older name":         {[]string{"--service-min-instances=2", "--min=9"}, []string{`"run.googleapis.com/minScale":"2"`}},
		"a probe":               {[]string{"--startup-probe=httpGet.path=/up,periodSeconds=5"}, []string{`"startupProbe":{"httpGet":{"path":"/up"`, `"periodSeconds":5`}},
		"an nfs volume":         {[]string{"--add-volume=name=v,type=nfs,location=10.0.0.2:/x,readonly=true"}, []string{`"nfs":{"server":"10.0.0.2","path":"/x","readOnly":true}`}},
		"dynamic buckets":       {[]string{"--add-volume=name=v,type=cloud-storage,dynamic-mounting=true"}, []string{`"bucketName":"_"`, `"run.googleapis.com/launch-stage":"ALPHA"`}},
		"a removal of an image": {[]string{"--image=x", "--command=", "--labels=a=b", "--remove-labels=a"}, []string{`"image":"x"`}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := tc.args
			if name != "containers" && name != "a removal of an image" {
				args = append(args, "--image=gcr.io/cloudrun/hello")
			}
			got := serviceOf(t, args...)
			for _, part := range tc.want {
				require.Contains(t, got, part)
			}
		})
	}
}

func TestInvalidFlags(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		args []string
		want string
	}{
		"an unknown flag":                    {[]string{"--memry=1Gi"}, "unrecognized arguments: --memry (did you mean '--memory'?)"},
		"a flag like none":                   {[]string{"--zzzzzzzz"}, "unrecognized arguments: --zzzzzzzz"},
		"an unknown letter":                  {[]string{"-z"}, "unrecognized arguments: -z"},
		"a value that is missing":            {[]string{"--memory"}, "argument --memory: expected one argument"},
		"a switch with a value":              {[]string{"--cpu-boost=true"}, "argument --cpu-boost: ignored explicit argument 'true'"},
		"a negated switch with a value":      {[]string{"--no-cpu-boost=false"}, "argument --no-cpu-boost: ignored explicit argument 'false'"},
		"two that exclude each other":        {[]string{"--clear-env-vars", "--set-env-vars=A=1"}, "argument --clear-env-vars: at most one of --clear-env-vars | --env-vars-file | --set-env-vars | --remove-env-vars --update-env-vars can be specified"},
		"no pair":                            {[]string{"--set-env-vars=A"}, "argument --set-env-vars: bad syntax for dict arg: item 1 has no ="},
		"an empty key":                       {[]string{"--set-env-vars==A"}, "argument --set-env-vars: invalid value: in item 1, a key must precede the ="},
		"an empty delimiter":                 {[]string{"--set-env-vars=^^A=1"}, "argument --set-env-vars: invalid delimiter"},
		"a key twice":                        {[]string{"--update-env-vars=A=1", "--update-env-vars=A=2"}, `argument --update-env-vars: "A" cannot be specified multiple times`},
		"a reserved key":                     {[]string{"--set-env-vars=X_GOOGLE_A=1"}, "argument --set-env-vars: environment variable keys that start with `X_GOOGLE_`"},
		"a port":                             {[]string{"--port=0"}, "argument --port: bad value [0]: must be an integer between 1 and 65535"},
		"a concurrency":                      {[]string{"--concurrency=x"}, "argument --concurrency: bad value [x]"},
		"instances":                          {[]string{"--min-instances=-1"}, "argument --min-instances: instance count value -1 is negative"},
		"a year":                             {[]string{"--timeout=P1Y"}, "argument --timeout: failed to parse duration: years and months have no fixed length"},
		"a duration without a unit":          {[]string{"--timeout=1h3"}, "argument --timeout: failed to parse duration: it must end with a unit"},
		"a duration without a number":        {[]string{"--timeout=h"}, "argument --timeout: failed to parse duration: unit 'H' must be preceded by a number"},
		"a duration of an unknown unit":      {[]string{"--timeout=3q"}, "argument --timeout: failed to parse duration: unknown unit 'Q'"},
		"a duration beyond all":              {[]string{"--timeout=1e300h"}, "argument --timeout: failed to parse duration"},
		"a choice":                           {[]string{"--ingress=intrnal"}, "argument --ingress: invalid choice: 'intrnal': did you mean 'internal'?"},
		"a choice like none":                 {[]string{"--ingress=x"}, "argument --ingress: invalid choice: 'x': use one of all, internal, internal-and-cloud-load-balancing"},
		"a platform":                         {[]string{"--image=x", "--platform=gke"}, "argument --platform: invalid choice: 'gke'"},
		"a flag before --container":          {[]string{"--image=x", "--container=a", "--image=y"}, "when --container is specified --image must be specified after --container"},
		"a flag after --container":           {[]string{"--container=a", "--image=y", "--concurrency=3"}, "unrecognized arguments: --concurrency: flags that are not about one container must precede --container"},
		"a container's flag":                 {[]string{"--container=a", "--image=y", "--memory=many"}, "argument --memory of container a: "},
		"a volume of no type":                {[]string{"--add-volume=name=v"}, "argument --add-volume: key [type] required in dict arg but not provided"},
		"a volume of another type":           {[]string{"--add-volume=name=v,type=disk"}, "argument --add-volume: volume type disk not supported"},
		"an nfs volume without a path":       {[]string{"--add-volume=name=v,type=nfs,location=10.0.0.2"}, "must be of the form IP_ADDRESS:/DIRECTORY"},
		"a bucket and all of them":           {[]string{"--add-volume=name=v,type=cloud-storage,bucket=b,dynamic-mounting=true"}, "either set bucket or enable dynamic-mounting, not both"},
		"a mount with an odd key":            {[]string{"--add-volume-mount=volume=v,mount-path=/x,ro=1"}, "argument --add-volume-mount: key [ro] not recognized"},
		"a probe of two kinds":               {[]string{"--startup-probe=httpGet.path=/,tcpSocket.port=1"}, "argument --startup-probe: a probe uses only one of"},
		"a liveness probe by TCP":            {[]string{"--liveness-probe=tcpSocket.port=1"}, "argument --liveness-probe: key [tcpSocket.port] not recognized"},
		"a probe's number":                   {[]string{"--startup-probe=periodSeconds=x"}, "argument --startup-probe: value for key [periodSeconds] must be an integer"},
		"a database":                         {[]string{"--add-cloudsql-instances=a:b"}, "argument --add-cloudsql-instances: malformed CloudSQL instance string: a:b"},
		"a GPU":                              {[]string{"--gpu=one"}, "argument --gpu: bad value [one]"},
		"a scaling":                          {[]string{"--scaling=-3"}, "argument --scaling: input value '-3' should be a positive integer or 'auto'"},
		"manual scaling with a limit":        {[]string{"--scaling=3", "--max=5"}, "argument --max: cannot set service max instances when scaling mode is manual"},
		"hours":                              {[]string{"--encryption-key-shutdown-hours=soon"}, "argument --encryption-key-shutdown-hours: bad value [soon]"},
		"a container's name":                 {[]string{"--remove-containers=A_B"}, "argument --remove-containers: bad value [A_B]"},
		"two options that contradict":        {[]string{"--scaling=3", "--min=1"}, "contradicts"},
		"nothing":                            {nil, "no configuration change requested"},
		"nothing but how":                    {[]string{"--async", "--allow-unauthenticated"}, "no configuration change requested"},
		"a file that is not there":           {[]string{"--env-vars-file=/nowhere/at-all"}, "argument --env-vars-file: "},
		"a tag that repeats":                 {[]string{"--network-tags=a,a"}, `argument --network-tags: "a" cannot be specified multiple times`},
		"an empty --container":               {[]string{"--container="}, "the name is empty"},
		"a secret without a version":         {[]string{"--set-secrets=A=s"}, "argument --set-secrets: "},
		"an unnamed problem of two flags":    {[]string{"--memory=many", "--port=0"}, "argument --memory"},
		"the other problem of the two flags": {[]string{"--memory=many", "--port=0"}, "argument --port"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := optionsOf(tc.args)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// What ErrNoChange allows to ignore comes with all that was asked for.
func TestOptionsWithoutAChange(t *testing.T) {
	t.Parallel()
	opts, err := optionsOf([]string{"--async", "--no-allow-unauthenticated", "--client-name=ci"})
	require.ErrorIs(t, err, runflags.ErrNoChange)
	require.Equal(t, `[WithoutPublicAccess() Async() WithClient("ci", "")]`, fmt.Sprint(opts))
	opts, err = optionsOf(nil, runflags.Beta())
	require.ErrorIs(t, err, runflags.ErrNoChange)
	require.Equal(t, `[WithLaunchStage("BETA")]`, fmt.Sprint(opts))
	opts, err = optionsOf([]string{"--async", "--memory=many"})
	require.NotErrorIs(t, err, runflags.ErrNoChange)
	require.Empty(t, opts)
}

func TestErrorsAreValues(t *testing.T) {
	t.Parallel()
	_, err := optionsOf(nil)
	require.ErrorIs(t, err, runflags.ErrNoChange)
	_, err = optionsOf([]string{"--container=a", "--image=y", "--memory=many"})
	var argument *runflags.ArgumentError
	require.ErrorAs(t, err, &argument)
	require.Equal(t, "--memory", argument.Flag)
	require.Equal(t, "a", argument.Container)
	require.Error(t, argument.Unwrap())
}

func TestEnvFile(t *testing.T) {
	t.Parallel()
	file := func(text string) string { return envFile(t, text) }
	got := serviceOf(t, "--image=x", file("A: plain\nB: |\n  two\n  lines\nC: \"1\"\n"))
	require.Contains(t, got, `{"name":"A","value":"plain"},{"name":"B","value":"two\nlines\n"},{"name":"C","value":"1"}`)
	require.Contains(t, serviceOf(t, "--image=x", file("A: !!str 1\nB: ! 2\n")), `{"name":"A","value":"1"},{"name":"B","value":"2"}`)
	require.Contains(t, serviceOf(t, "--image=x", file(`{"A": "json"}`)), `{"name":"A","value":"json"}`)
	for name, tc := range map[string]struct{ text, want string }{
		"a number":  {"A: 1\n", "environment variable values must be strings in quotes: found a number for A"},
		"a list":    {"- A\n", "expected map-like data"},
		"one twice": {"A: x\nA: y\n", `near line 2: the key "A" occurs twice`},
		"no YAML":   {"A: [\n", "invalid YAML/JSON data"},
		"a tag":     {"A: x\nPASSWORD: !hunter2\n", "line 2: the value has a tag, because it begins with !: put it in quotes"},
		"of Python": {"A: !!python/str x\n", "line 1: the value has a tag"},
	} {
		_, err := optionsOf([]string{"--image=x", file(tc.text)})
		require.ErrorContains(t, err, tc.want, name)
		require.ErrorContains(t, err, "argument --env-vars-file: ", name)
	}
}

// An error shows no value, nor a part of one, that a user wrote in the wrong way.
func TestErrorsOfFlagsHideValues(t *testing.T) {
	t.Parallel()
	const container = "--container=hello"
	for _, args := range [][]string{
		{"--set-env-vars=PASSWORD=ab,hunter2"}, {"--set-env-vars=PASSWORD=ab,=hunter2"}, {"--update-env-vars=^@^A=b@hunter2"},
		{"--update-env-vars=A=hunter2", "--update-env-vars=A=b"}, {"--update-env-vars=A=b", "--update-env-vars=A=hunter2"},
		{"--set-env-vars=X_GOOGLE_A=hunter2"}, {"--set-env-vars= =hunter2"}, {"--set-env-vars=K_SERVICE=hunter2"}, {container, "--image=x", "--set-env-vars=A=b,hunter2"},
		{"--remove-env-vars=PASSWORD=hunter2"}, {"--remove-env-vars=PASSWORD=hunter2,PASSWORD=hunter2"}, {"--remove-secrets=A=hunter2,A=hunter2"},
		{"--set-env-vars=A=hunter2", "--clear-env-vars"}, {"--container=a", "--labels=A=hunter2"}, {"--labels=A=b,hunter2"}, {"--labels=token=Hunter2"}, {"-phunter2"}, {"--pasword=hunter2"},
		{"--set-secrets=PASSWORD=hunter2"}, {"--set-secrets=PASSWORD=a:hunter2:c"}, {"--set-secrets=PASSWORD=postgres://u:hunter2@h"}, {"--update-secrets=PASSWORD=hunter2!:1"},
		{"--update-secrets=/a/b=hunter2"}, {"--set-secrets=PASSWORD=ab:1,hunter2"}, {"--update-annotations=a=b,hunter2"}, {"--startup-probe=httpGet.path=/a,hunter2"},
		{envFile(t, "PASSWORD: {a: hunter2}\n")}, {envFile(t, "PASSWORD: [hunter2]\n")}, {envFile(t, "PASSWORD: 'hunter2\n")}, {envFile(t, "PASSWORD: *hunter2\n")},
		{envFile(t, "PASSWORD: !hunter2\n")}, {envFile(t, "PASSWORD: [!hunter2 x]\n")}, {envFile(t, "PASSWORD=hunter2\n")}, {envFile(t, "- hunter2\n")}, {envFile(t, "hunter2\n")}, {envFile(t, "PASSWORD: a\nPASSWORD: hunter2\n")}, {envFile(t, "? [hunter2]\n: a\n")},
		{envFile(t, "PASSWORD: 1234567 # hunter2\n")}, {envFile(t, "PASSWORD=hunter2: 5\n")}, {envFile(t, "PASSWORD: a: hunter2\n")}, {envFile(t, "PASSWORD: !!float hunter2\n")}, {envFile(t, `{"A": {"hunter2": 1}}`)},
	} {
		if !slices.Contains(args, container) {
			args = append([]string{"--image=x"}, args...)
		}
		_, err := optionsOf(args)
		if err == nil && strings.HasPrefix(args[1], "--remove") {
			continue
		}
		require.Error(t, err, args)
		require.NotContains(t, strings.ToLower(fmt.Sprintf("%v %+v %#v", err, err, err)), "hunter2", args)
	}
}

// envFile returns the flag for a file of environment variables.
func envFile(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "env.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return "--env-vars-file=" + path
}

// TestEveryFlagIsUsable checks that each flag is documented and can be looked up.
func TestEveryFlagIsUsable(t *testing.T) {
	t.Parallel()
	fs := pflag.NewFlagSet("deploy", pflag.ContinueOnError)
	runflags.Register(fs)
	n := 0
	fs.VisitAll(func(f *pflag.Flag) {
		n++
		require.NotEmpty(t, f.Usage, f.Name)
	})
	require.Greater(t, n, 90)
}

// TestDocsHaveEveryFlag compares docs/options.md with the flags that edit a Service.
func TestDocsHaveEveryFlag(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "docs", "options.md"))
	require.NoError(t, err)
	ofDeployments := []string{"allow-unauthenticated", "no-traffic", "no-traffic-if-exists", "tag", "async"}
	fs := pflag.NewFlagSet("deploy", pflag.ContinueOnError)
	runflags.Register(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && !slices.Contains(ofDeployments, f.Name) {
			require.Regexp(t, "`[^`]*--(\\[no-\\]|no-)?"+f.Name+"\\b", string(text))
		}
	})
}

func TestStages(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string][]runflags.Option{"": nil, "BETA": {runflags.Beta()}, "ALPHA": {runflags.Alpha(), runflags.Beta()}} {
		made, err := optionsOf([]string{"--image=x"}, opts...)
		require.NoError(t, err)
		var edits []cloudrun.ServiceOption
		for _, o := range made {
			edits = append(edits, o.(cloudrun.ServiceOption))
		}
		s, err := cloudrun.NewService("hello", edits...)
		require.NoError(t, err)
		require.Equal(t, want, s.Annotations["run.googleapis.com/launch-stage"])
	}
}

func FuzzOptions(f *testing.F) {
	for _, raw := range []string{"", "A=1", "^@^A=1@B=2", "^^", "=", "A=1,A=2", "name=v,type=nfs,location=:/", "PT1H", "1h30m", "9e999s", "x:latest", "/a/b=s:1", "httpGet.path=/"} {
		f.Add("set-env-vars", raw)
		f.Add("timeout", raw)
		f.Add("add-volume", raw)
		f.Add("set-secrets", raw)
		f.Add("startup-probe", raw)
	}
	f.Fuzz(func(t *testing.T, name, raw string) {
		opts, err := optionsOf([]string{"--image=x", "--" + name + "=" + raw})
		if err == nil {
			require.NotEmpty(t, opts)
			require.NoError(t, cloudrun.CheckOptions(opts...), "what the flags accept, the library accepts")
		}
	})
}

func TestNilOptions(t *testing.T) {
	t.Parallel()
	_, err := optionsOf([]string{"--image=x"}, nil)
	require.ErrorContains(t, err, "an option of the flags is nil")
	_, err = runflags.RegisterTraffic(pflag.NewFlagSet("traffic", pflag.ContinueOnError), runflags.Beta(), nil).Options()
	require.ErrorContains(t, err, "an option of the flags is nil")
}
