package cloudrun_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/runflags"

	"github.com/spf13/pflag"
)

const hunter = "hunter2-secret-value"

// printed returns a value in every form that packages fmt, log/slog and
// encoding/json have for it, by itself and inside of other values.
func printed(v any) string {
	type open struct{ Value any }
	type closed struct{ value any }
	var b bytes.Buffer
	text := slog.New(slog.NewTextHandler(&b, nil))
	object := slog.New(slog.NewJSONHandler(&b, nil))
	for _, v := range []any{v, &v, open{v}, &open{v}, closed{v}, &closed{v}, []any{v}, map[string]any{"v": v}, [1]closed{{v}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		fmt.Fprintln(&b, v)
		text.Info("x", "v", v, slog.Group("g", "v", v))
		object.Info("x", "v", v, slog.Group("g", "v", v))
		encoded, _ := json.Marshal(v)
		b.Write(encoded)
	}
	return b.String()
}

// requireUnprinted checks that no form of a value contains the secret, in
// whatever encoding of its bytes.
func requireUnprinted(t *testing.T, what string, v any) {
	t.Helper()
	text := printed(v)
	for _, form := range []string{hunter, fmt.Sprintf("%x", hunter), fmt.Sprintf("%X", hunter), strings.Trim(fmt.Sprint([]byte(hunter)), "[]"), "aHVudGVyMi1zZWNyZXQt"} {
		if i := strings.Index(text, form); i >= 0 {
			t.Fatalf("%s prints %s: …%s", what, hunter, text[max(0, i-200):i+len(form)])
		}
	}
}

// secretOptions are options with a secret, by name.
func secretOptions() map[string]cloudrun.DeployOption {
	return map[string]cloudrun.DeployOption{
		"WithEnv":                cloudrun.WithEnv("PASSWORD", hunter),
		"WithEnv twice":          cloudrun.WithEnv("PASSWORD="+hunter, ""),
		"SetEnv":                 cloudrun.SetEnv(map[string]string{"PASSWORD": hunter}),
		"WithoutEnv":             cloudrun.WithoutEnv("PASSWORD=" + hunter),
		"WithArgs":               cloudrun.WithArgs("--password", hunter),
		"WithCommand":            cloudrun.WithCommand("sh", "-c", hunter),
		"WithAnnotation":         cloudrun.WithAnnotation("example.com/token", hunter),
		"WithAnnotation, a URL":  cloudrun.WithAnnotation("example.com/db", "postgres://u:"+hunter+"@host/db"),
		"WithTemplateAnnotation": cloudrun.WithTemplateAnnotation("example.com/api-key", hunter),
		"WithLabel":              cloudrun.WithLabel("token", hunter),
		"SetLabels":              cloudrun.SetLabels(map[string]string{"token": hunter}),
		"WithContainer":          cloudrun.WithContainer("a", cloudrun.WithEnv("PASSWORD", hunter)),
		"WithVolume":             cloudrun.WithVolume("v", cloudrun.GCSVolume("bucket", true, "token="+hunter)),
		"WithImage":              cloudrun.WithImage("https://u:" + hunter + "@host/image"),
		"EditService":            cloudrun.EditService(func(s *servingv1.Service) error { s.Name = hunter; return nil }),
	}
}

// Nothing that is made with a secret prints it.
func TestValuesAreNotPrinted(t *testing.T) {
	t.Parallel()
	for name, o := range secretOptions() {
		requireUnprinted(t, name, o)
		requireUnprinted(t, name, o.Settings())
		requireUnprinted(t, name, []cloudrun.DeployOption{o})
		requireUnprinted(t, name, cloudrun.NewDeployer(nil, o))
		requireUnprinted(t, name, *cloudrun.NewDeployer(nil, o))
		requireUnprinted(t, name, cloudrun.CheckOptions(o, o, cloudrun.WithEnv("PASSWORD", "other"), cloudrun.WithLabel("token", "other")))
	}
	requireUnprinted(t, "GCSVolume", cloudrun.GCSVolume("bucket", true, "token="+hunter))

	m, err := cloudrun.ParseManifest([]byte(`{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"hello"},
		"spec":{"template":{"spec":{"containers":[{"image":"i","env":[{"name":"PASSWORD","value":"` + hunter + `"}]}]}}}}`))
	require.NoError(t, err)
	require.Contains(t, string(m.JSON()), hunter)
	requireUnprinted(t, "Manifest", m)
	requireUnprinted(t, "Manifest", *m)
	require.Equal(t, `manifest of service "hello"`, fmt.Sprint(m))

	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	flags := runflags.Register(fs)
	require.NoError(t, fs.Parse([]string{"--set-env-vars=PASSWORD=" + hunter}))
	requireUnprinted(t, "Flags", flags)
	requireUnprinted(t, "Flags", *flags)
}

func TestOptionsPrintTheirSpelling(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]any{
		`WithEnv("PASSWORD", …)`:                 cloudrun.WithEnv("PASSWORD", hunter),
		`WithEnv("PASSWORD=…", …)`:               cloudrun.WithEnv("PASSWORD="+hunter, ""),
		`WithoutEnv("A=…", "B")`:                 cloudrun.WithoutEnv("A=b", "B"),
		`WithContainer("a") WithEnv("A", …)`:     cloudrun.WithContainer("a", cloudrun.WithEnv("A", "b")),
		`WithAnnotation("example.com/token", …)`: cloudrun.WithAnnotation("example.com/token", hunter),
		`WithAnnotation("example.com/a", "b")`:   cloudrun.WithAnnotation("example.com/a", "b"),
		`SetLabels(map[a:b token:…])`:            cloudrun.SetLabels(map[string]string{"a": "b", "token": hunter}),
		`WithImage(…)`:                           cloudrun.WithImage("https://u:" + hunter + "@host/image"),
		`WithTag("a")`:                           cloudrun.WithTag("a"),
		`Async()`:                                cloudrun.Async(),
		`WithPageSize(3)`:                        cloudrun.WithPageSize(3),
		`RollbackTo("hello-00001-abc")`:          cloudrun.RollbackTo("hello-00001-abc"),
		`WithGeneration(3)`:                      cloudrun.WithGeneration(3),
		`DryRun()`:                               cloudrun.DryRun(),
		`WithLaunchStage("BETA")`:                cloudrun.WithLaunchStage("BETA"),
	} {
		require.Equal(t, want, fmt.Sprintf("%v", o))
		require.Equal(t, want, fmt.Sprintf("%#v", o))
		encoded, err := json.Marshal(o)
		require.NoError(t, err)
		var decoded string
		require.NoError(t, json.Unmarshal(encoded, &decoded))
		require.Equal(t, want, decoded)
	}
}

// Results, plans, clients and events of real calls do not print values either.
func TestValuesOfCallsAreNotPrinted(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		env := cloudrun.WithEnv("PASSWORD", hunter)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), env, cloudrun.WithAnnotation("example.com/token", hunter))
		requireUnprinted(t, "Client", c)
		requireUnprinted(t, "Client", *c)
		p, err := d.Plan(t.Context(), "hello")
		require.NoError(t, err)
		requireUnprinted(t, "Plan", p)
		requireUnprinted(t, "Plan", *p)
		result, err := d.Deploy(t.Context(), "hello", cloudrun.WithProgress(func(e cloudrun.Event) { requireUnprinted(t, "Event", e) }))
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(result.Service.Spec), hunter)
		requireUnprinted(t, "Result", result)
		require.Equal(t, fmt.Sprintf("service \"hello\" (demo, us-central1): created: revision %q with 100%% of the traffic, %q (%v)",
			result.Revision, result.URL, result.Duration.Round(time.Millisecond)), fmt.Sprint(result))
		_, err = d.Apply(t.Context(), p)
		require.ErrorIs(t, err, cloudrun.ErrPlanStale)
		requireUnprinted(t, "PlanStaleError", err)
		requireUnprinted(t, "PlanStaleError", errorAs[*cloudrun.PlanStaleError](t, err))
	})
}

func errorAs[E error](t *testing.T, err error) (e E) {
	t.Helper()
	require.ErrorAs(t, err, &e)
	return e
}

// kubectl records whole Services in an annotation. A plan shows no values in it.
func TestPlanHidesValuesInsideOfAnnotations(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		_, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
		for _, applied := range []string{
			`{"spec":{"template":{"spec":{"containers":[{"env":[{"name":"A","value":"` + hunter + `"}],"image":"i"}]}}}}`,
			`{"spec":{"template":{"spec":{"containers":[{"env":[{"name":"A","value":"` + hunter + `-2`, // cut off
		} {
			const key = "kubectl.kubernetes.io/last-applied-configuration"
			p, err := d.Plan(t.Context(), "hello", cloudrun.WithAnnotation(key, applied), cloudrun.WithTemplateAnnotation("example.com/x", `[`+applied+`]`))
			require.NoError(t, err)
			require.Contains(t, planText(t, p), key)
			require.NotContains(t, planText(t, p), hunter)
			requireUnprinted(t, "Plan", p)
			_, err = d.Deploy(t.Context(), "hello", cloudrun.WithAnnotation(key, applied))
			require.NoError(t, err)
		}
	})
}
