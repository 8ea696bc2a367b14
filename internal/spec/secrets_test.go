package spec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/spec"
)

func version(secret, version string) spec.SecretVersion {
	return spec.SecretVersion{Secret: secret, Version: version}
}

const remote = "projects/123/secrets/remote"

// Workloads with secrets in files.
const (
	secretsPod  = `{"pod": {"containers": [{"name": "app", "volumeMounts": [{"name": "v", "mountPath": "/etc/a"}]}], "volumes": [{"name": "v", "secret": {"secretName": "k", "items": [{"key": "1", "path": "x"}, {"key": "2", "path": "y"}]}}]}}`
	sharedMount = `{"pod": {"containers": [{"name": "app", "ports": [{"containerPort": 80}], "volumeMounts": [{"name": "v", "mountPath": "/etc/a"}]},
		{"name": "side", "volumeMounts": [{"name": "v", "mountPath": "/etc/a"}]}], "volumes": [{"name": "v", "secret": {"secretName": "k", "items": [{"key": "1", "path": "x"}]}}]}}`
)

func TestSecretsInFiles(t *testing.T) {
	t.Parallel()
	testEdits(t, map[string]edit{
		"another version of the file": {secretsPod, spec.SecretFile("F", "/etc/a/x", version("k", "9")),
			`{"pod": {"containers": [{"name": "app", "volumeMounts": [{"name": "v", "mountPath": "/etc/a"}]}], "volumes": [{"name": "v", "secret": {"secretName": "k", "items": [{"key": "9", "path": "x"}, {"key": "2", "path": "y"}]}}]}}`, ""},
		"one more file": {secretsPod, spec.SecretFile("F", "/etc/a/z", version("k", "3")),
			`{"pod": {"containers": [{"name": "app", "volumeMounts": [{"name": "v", "mountPath": "/etc/a"}]}], "volumes": [{"name": "v", "secret": {"secretName": "k", "items": [{"key": "1", "path": "x"}, {"key": "2", "path": "y"}, {"key": "3", "path": "z"}]}}]}}`, ""},
		"the same file": {secretsPod, spec.SecretFile("F", "/etc/a/y", version("k", "2")), secretsPod, ""},
		"another secret for some files": {secretsPod, spec.SecretFile("F", "/etc/a/x", version("l", "1")), "",
			`secret "k" is mounted at "/etc/a": a directory can have files of one secret only`},
		"another secret for all files": {secretsPod, all(spec.SecretFile("F", "/etc/a/x", version("l", "1")), spec.SecretFile("G", "/etc/a/y", version("l", "2"))),
			`{"pod": {"containers": [{"name": "app", "volumeMounts": [{"name": "v", "mountPath": "/etc/a"}]}], "volumes": [{"name": "v", "secret": {"secretName": "l", "items": [{"key": "1", "path": "x"}, {"key": "2", "path": "y"}]}}]}}`, ""},
		"one file less": {secretsPod, spec.WithoutSecret("W", []string{"/etc/a/x"}),
			`{"pod": {"containers": [{"name": "app", "volumeMounts": [{"name": "v", "mountPath": "/etc/a"}]}], "volumes": [{"name": "v", "secret": {"secretName": "k", "items": [{"key": "2", "path": "y"}]}}]}}`, ""},
		"the last file": {secretsPod, spec.WithoutSecret("W", []string{"/etc/a/x", "/etc/a/y"}), `{"pod": {"containers": [{"name": "app", "volumeMounts": []}], "volumes": []}}`, ""},
		"all":           {secretsPod, spec.ClearSecrets("C"), `{"pod": {"containers": [{"name": "app", "volumeMounts": []}], "volumes": []}}`, ""},
		"a bare name":   {"", spec.SecretFile("F", "x", version("k", "1")), "", "the path must be absolute"},
		"in the root":   {"", spec.SecretFile("F", "/x", version("k", "1")), "", "with a directory other than the root"},
		"over a volume": {`{"pod": {"containers": [{"name": "a", "volumeMounts": [{"name": "v", "mountPath": "/d"}]}], "volumes": [{"name": "v", "emptyDir": {}}]}}`,
			spec.SecretFile("F", "/d/x", version("k", "1")), "", `remove that with WithoutVolumeMount("/d")`},
	})
}

// A volume that another container mounts is copied before it is changed.
func TestSharedSecretVolume(t *testing.T) {
	t.Parallel()
	w := parse(t, sharedMount)
	require.NoError(t, w.apply(spec.SecretFile("F", "/etc/a/x", version("k", "2"))...))
	require.Len(t, w.Pod.Volumes, 2)
	require.Equal(t, "v", w.Pod.Volumes[0].Name)
	require.Equal(t, "1", w.Pod.Volumes[0].Secret.Items[0].Key)
	require.Regexp(t, `^k-[a-z]{3}-[a-z]{3}-[a-z]{3}$`, w.Pod.Volumes[1].Name)
	require.Equal(t, "2", w.Pod.Volumes[1].Secret.Items[0].Key)
	require.Equal(t, w.Pod.Volumes[1].Name, w.Pod.Containers[0].VolumeMounts[0].Name)
	require.Equal(t, "v", w.Pod.Containers[1].VolumeMounts[0].Name)
}

func TestSecretsInVariables(t *testing.T) {
	t.Parallel()
	testEdits(t, map[string]edit{
		"set": {before: env(""), settings: spec.SecretEnv("E", "P", version("k", "1")),
			after: env(`{"name": "P", "valueFrom": {"secretKeyRef": {"name": "k", "key": "1"}}}`)},
		"kept in all other respects": {before: envBefore, settings: all(spec.WithoutEnv("W", []string{"A", "B"}), spec.SecretEnv("E", "S", version("t", "2"))),
			after: env(`{"name": "S", "valueFrom": {"secretKeyRef": {"name": "t", "key": "2", "optional": true}}}, {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}`)},
		"PORT of the ingress":  {settings: spec.SecretEnv("E", "PORT", version("k", "1")), err: "use WithPort"},
		"over a literal value": {before: envBefore, settings: spec.SecretEnv("E", "A", version("k", "1")), err: `add WithoutEnv("A")`},
		"no version":           {settings: spec.SecretEnv("E", "A", version("k", "")), err: "the version is empty"},
		"no name of a secret":  {settings: spec.SecretEnv("E", "A", version("k/l", "1")), err: `secret "k/l"`},
		"a project's ID":       {settings: spec.SecretEnv("E", "A", version("projects/p/secrets/k", "1")), err: "with the project's number"},
		"removed":              {before: envBefore, settings: spec.WithoutSecret("W", []string{"S", "A"}), after: env(`{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}`)},
	})
}

// A secret of another project has an alias, which is removed with its last use.
func TestRemoteSecrets(t *testing.T) {
	t.Parallel()
	w := parse(t, `{"pod": {"containers": [{"name": "app"}]}}`)
	require.NoError(t, w.apply(all(spec.SecretEnv("E", "P", version(remote, "1")), spec.SecretFile("F", "/d/x", version(remote, "2")))...))
	pair := w.Template.Annotations[spec.AnnotationSecrets]
	require.Regexp(t, `^remot-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:projects/123/secrets/remote$`, pair)
	again := parse(t, `{"pod": {"containers": [{"name": "app"}]}}`)
	require.NoError(t, again.apply(spec.SecretEnv("E", "P", version(remote, "1"))...))
	require.Equal(t, pair, again.Template.Annotations[spec.AnnotationSecrets], "the same alias each time")

	require.NoError(t, w.apply(spec.WithoutSecret("W", []string{"P"})...))
	require.Equal(t, pair, w.Template.Annotations[spec.AnnotationSecrets], "the file still uses it")
	require.NoError(t, w.apply(spec.WithoutSecret("W", []string{"/d/x"})...))
	require.NotContains(t, w.Template.Annotations, spec.AnnotationSecrets)

	used := parse(t, `{"template": {"annotations": {"run.googleapis.com/secrets": "z:projects/1/secrets/z,a:`+remote+`"}},
		"pod": {"containers": [{"name": "app", "env": [{"name": "Z", "valueFrom": {"secretKeyRef": {"name": "z", "key": "1"}}}]}]}}`)
	require.NoError(t, used.apply(spec.SecretEnv("E", "P", version(remote, "1"))...))
	require.Equal(t, "a", used.Pod.Containers[0].Env[1].ValueFrom.SecretKeyRef.Name, "an alias that exists is used")
	require.Equal(t, "z:projects/1/secrets/z,a:"+remote, used.Template.Annotations[spec.AnnotationSecrets], "the order stays")
}

func TestSetSecrets(t *testing.T) {
	t.Parallel()
	w := parse(t, secretsPod)
	require.NoError(t, w.apply(spec.SetSecrets("S", map[string]spec.SecretVersion{"A": version("a", "1"), "/etc/a/y": version("k", "2")})...))
	require.Equal(t, "a", w.Pod.Containers[0].Env[0].ValueFrom.SecretKeyRef.Name)
	require.Len(t, w.Pod.Volumes[0].Secret.Items, 1)
	require.Equal(t, "y", w.Pod.Volumes[0].Secret.Items[0].Path)
}
