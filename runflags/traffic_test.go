package runflags_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
	"github.com/cloudrun-go/cloudrun/runflags"
)

func trafficOf(args []string) ([]cloudrun.TrafficOption, error) {
	fs := pflag.NewFlagSet("update-traffic", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	flags := runflags.RegisterTraffic(fs)
	if err := fs.Parse(args); err != nil {
		return nil, runflags.Explain(fs, err)
	}
	return flags.Options()
}

func TestTrafficFlags(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"latest":    {"--to-latest"},
		"revisions": {"--to-revisions=a=10,LATEST=90", "--update-tags=x=a", "--remove-tags=x,y"},
		"tags":      {"--to-tags=x=10", "--clear-tags"},
		"set":       {"--set-tags=x=a,y=LATEST"},
	} {
		opts, err := trafficOf(args)
		require.NoError(t, err, name)
		require.NotEmpty(t, opts, name)
	}
	for want, args := range map[string][]string{
		"no traffic configuration change requested":                                      nil,
		"argument --to-latest: at most one of --to-latest | --to-revisions | --to-tags":  {"--to-latest", "--to-tags=a=1"},
		"argument --to-revisions: traffic percentage value x is not an integer":          {"--to-revisions=a=x"},
		"argument --to-revisions: traffic percentage value 101 is not between 0 and 100": {"--to-revisions=a=101"},
		"argument --to-tags: bad syntax for dict arg":                                    {"--to-tags=a"},
		"argument --remove-tags: \"a\" cannot be specified multiple times":               {"--remove-tags=a,a"},
		"argument --clear-tags: at most one of --clear-tags | --set-tags":                {"--clear-tags", "--set-tags=a=b"},
		"argument --update-tags: bad syntax for dict arg":                                {"--update-tags=a"},
		"argument --set-tags: bad syntax for dict arg":                                   {"--set-tags=a"},
		"unrecognized arguments: --to-revision (did you mean '--to-revisions'?)":         {"--to-revision=a=1"},
	} {
		_, err := trafficOf(args)
		require.ErrorContains(t, err, want)
	}
}

// The errors of a call name the flags too, and mistakes are reported together.
func TestExplainTrafficCalls(t *testing.T) {
	t.Parallel()
	s, c := testkit.NewServer(t)
	deployer := cloudrun.NewDeployer(c)
	for _, suffix := range []string{"v1", "v2"} {
		_, err := deployer.Deploy(t.Context(), "hello", cloudrun.WithImage("img"), cloudrun.WithRevisionSuffix(suffix))
		require.NoError(t, err)
	}
	before := len(s.History())
	for want, args := range map[string][]string{
		`argument --to-revisions: the percentages add up to 110, which is over 100`:                       {"--to-revisions=hello-v1=60,hello-v2=50"},
		`argument --to-tags: tag "x" is on no revision: the service has no tags`:                          {"--to-tags=x=10"},
		"argument --update-tags: tag \"A\" is not valid[^\n]*\nargument --update-tags: tag \"B_\" is not": {"--update-tags=A=hello-v1,B_=hello-v1"},
		`argument --set-tags: tag "A" is not valid`:                                                       {"--set-tags=A=hello-v1"},
		"at most one of [^\n]*\nargument --update-tags: tag \"A\" is not valid":                           {"--to-latest", "--to-tags=x=1", "--update-tags=A=hello-v1"},
	} {
		fs := pflag.NewFlagSet("update-traffic", pflag.ContinueOnError)
		flags := runflags.RegisterTraffic(fs)
		require.NoError(t, fs.Parse(args))
		opts, err := flags.Options()
		if err == nil {
			_, err = deployer.UpdateTraffic(t.Context(), "hello", opts...)
			err = flags.Explain(err)
		}
		require.Error(t, err)
		require.Regexp(t, want, err.Error())
	}
	require.Len(t, s.History(), before, "nothing was written")
	require.NoError(t, (*runflags.TrafficFlags)(nil).Explain(nil))
	other := errors.New("another error")
	require.Equal(t, other, runflags.RegisterTraffic(newFlagSet()).Explain(other))
}

func bindingOf(args []string) (*runflags.Binding, error) {
	fs := pflag.NewFlagSet("add-iam-policy-binding", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	flags := runflags.RegisterMember(fs)
	if err := fs.Parse(args); err != nil {
		return nil, runflags.Explain(fs, err)
	}
	return flags.Binding()
}

const conditional = `{"bindings":[{"role":"r","members":["user:a"],"condition":{"title":"t","expression":"e"}},{"role":"r","members":["user:a"]}]}`

// edited returns a policy after an edit.
func edited(t *testing.T, policy string, edit func(*cloudrun.Policy) error) (string, error) {
	t.Helper()
	var p cloudrun.Policy
	require.NoError(t, json.Unmarshal([]byte(policy), &p))
	if err := edit(&p); err != nil {
		return "", err
	}
	text, err := json.Marshal(p.Bindings)
	require.NoError(t, err)
	return string(text), nil
}

func TestMemberFlags(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "condition.yaml")
	require.NoError(t, os.WriteFile(file, []byte("title: t\nexpression: e\n"), 0o600))
	who := []string{"--member=user:b", "--role=r"}

	for name, args := range map[string][]string{
		"in a dict": append([]string{"--condition=^:^title=t:expression=e"}, who...),
		"in a file": append([]string{"--condition-from-file=" + file}, who...),
	} {
		b, err := bindingOf(args)
		require.NoError(t, err, name)
		got, err := edited(t, conditional, b.Add)
		require.NoError(t, err, name)
		require.Contains(t, got, `"members":["user:a","user:b"],"condition":`, name)
	}

	b, err := bindingOf(who)
	require.NoError(t, err)
	_, err = edited(t, conditional, b.Add)
	require.ErrorContains(t, err, "use --condition=None")
	got, err := edited(t, `{}`, b.Add)
	require.NoError(t, err)
	require.JSONEq(t, `[{"role":"r","members":["user:b"]}]`, got)
	_, err = edited(t, `{}`, b.Remove)
	require.ErrorIs(t, err, cloudrun.ErrNoBinding)

	b, err = bindingOf([]string{"--member=user:a", "--role=r", "--all"})
	require.NoError(t, err)
	got, err = edited(t, conditional, b.Remove)
	require.NoError(t, err)
	require.NotContains(t, got, "user:a")

	b, err = bindingOf([]string{"--member=user:a", "--role=r", "--condition=None"})
	require.NoError(t, err)
	got, err = edited(t, conditional, b.Remove)
	require.NoError(t, err)
	require.Contains(t, got, `"members":["user:a"],"condition":`)
}

func TestInvalidMemberFlags(t *testing.T) {
	t.Parallel()
	who := []string{"--member=user:b", "--role=roles/owner"}
	for want, args := range map[string][]string{
		"argument --member: must be specified":                                          {"--role=r"},
		"argument --role: must be specified":                                            {"--member=m"},
		"argument --condition: invalid choice: 'name'":                                  append([]string{"--condition=name=x"}, who...),
		"argument --condition: the condition must be None, or have an expression and a": append([]string{"--condition=title=x"}, who...),
		"binding with a condition and a basic role is not allowed":                      append([]string{"--condition=title=x,expression=y"}, who...),
		"at most one of --all | --condition | --condition-from-file can be specified":   append([]string{"--condition=None", "--all"}, who...),
		"argument --condition-from-file: ":                                              append([]string{"--condition-from-file=/nowhere/at-all"}, who...),
	} {
		_, err := bindingOf(args)
		require.ErrorContains(t, err, want)
	}
}
