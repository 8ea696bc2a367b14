package cloudrun_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
)

// manifestText returns a small manifest with extra lines in three places.
func manifestText(metadata, container, spec string) string {
	return fmt.Sprintf(`apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: hello
%sspec:
%s  template:
    spec:
      containers:
      - image: us-docker.pkg.dev/cloudrun/container/hello
%s`, metadata, spec, container)
}

func manifestMetadata(lines string) string  { return manifestText(lines, "", "") }
func manifestContainer(lines string) string { return manifestText("", lines, "") }
func manifestSpec(lines string) string      { return manifestText("", "", lines) }

// manifestProblems returns the errors of a manifest.
func manifestProblems(t *testing.T, err error) (all []*cloudrun.ManifestError) {
	t.Helper()
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		var one *cloudrun.ManifestError
		require.ErrorAs(t, err, &one)
		return []*cloudrun.ManifestError{one}
	}
	for _, e := range joined.Unwrap() {
		var one *cloudrun.ManifestError
		require.ErrorAs(t, e, &one)
		all = append(all, one)
	}
	return all
}

func TestManifestRefusals(t *testing.T) {
	t.Parallel()
	const container = "spec.template.spec.containers[0]"
	for name, tc := range map[string]struct {
		text, path string
		line       int
		reason     string
	}{
		"empty":                     {"", "", 0, "empty"},
		"comments only":             {"# nothing\n---\n", "", 0, "empty"},
		"a list":                    {"- a\n", "", 1, "a list, want an object"},
		"a string":                  {"hello", "", 1, `the string "hello", want an object`},
		"not YAML":                  {"a: b\nc: [\n", "", 2, "not valid YAML"},
		"not JSON":                  {`{"a": `, "", 1, "not valid YAML"},
		"unknown alias":             {"a: *b\n", "", 0, "unknown anchor"},
		"not UTF-8":                 {"a: b\nc: \xff\n", "", 2, "not valid UTF-8"},
		"too large":                 {manifestMetadata("  annotations: {a: " + strings.Repeat("x", 5<<20) + "}\n"), "", 0, "larger than"},
		"several documents":         {manifestSpec("") + "---\nkind: Service\n", "", 11, "second document"},
		"another kind":              {"apiVersion: serving.knative.dev/v1\nkind: Deploy\nreplicas: 1\n", "kind", 2, `the string "Deploy", want Service`},
		"a Job":                     {"apiVersion: run.googleapis.com/v1\nkind: Job\nmetadata: {name: a}\n", "kind", 2, "this is a Job, not a Service: deploy it with gcloud run jobs replace"},
		"a wrong indent":            {manifestContainer("        env:\n        - name: A\n         value: b\n"), "", 12, "does not continue the block above it"},
		"a Kubernetes Service":      {"kind: Service\napiVersion: v1\n", "apiVersion", 2, "want serving.knative.dev/v1"},
		"no apiVersion":             {"kind: Service\n", "apiVersion", 1, "missing: write apiVersion: serving.knative.dev/v1"},
		"no name":                   {"kind: Service\napiVersion: serving.knative.dev/v1\nmetadata: {}\n", "metadata.name", 0, "missing"},
		"unknown field":             {manifestSpec("  bogus: 1\n"), "spec.bogus", 6, "unknown field of spec"},
		"unknown field at the top":  {"extra: 1\n" + manifestSpec(""), "extra", 1, "unknown field of the object"},
		"misspelt field":            {manifestContainer("        evn: []\n"), container + ".evn", 10, "did you mean env?"},
		"field in another case":     {manifestContainer("        Env: []\n"), container + ".Env", 10, "did you mean env?"},
		"misspelt addition":         {manifestContainer("        sandboxlauncher: true\n"), container + ".sandboxlauncher", 10, "did you mean sandboxLauncher?"},
		"field of the v2 API":       {manifestContainer("        dependsOn: [a]\n"), container + ".dependsOn", 10, "run.googleapis.com/container-dependencies"},
		"path as a key":             {"spec.template.spec.sandboxes: {}\n" + manifestSpec(""), "spec.template.spec.sandboxes", 1, "unknown field"},
		"string for a number":       {manifestContainer("      timeoutSeconds: soon\n"), "spec.template.spec.timeoutSeconds", 10, `the string "soon", want a whole number`},
		"octal number in quotes":    {manifestContainer("        ports: [{containerPort: \"080\"}]\n"), container + ".ports[0].containerPort", 10, `the string "080", want a whole number`},
		"octal number":              {manifestContainer("        ports: [{containerPort: 010}]\n"), container + ".ports[0].containerPort", 10, "the number 010, want a whole number"},
		"hexadecimal number":        {manifestContainer("        ports: [{containerPort: 0x50}]\n"), container + ".ports[0].containerPort", 10, "the number 0x50"},
		"number with a fraction":    {manifestContainer("        ports: [{containerPort: 80.0}]\n"), container + ".ports[0].containerPort", 10, "the number 80.0, want a whole number"},
		"number too large":          {manifestContainer("        ports: [{containerPort: 3000000000}]\n"), container + ".ports[0].containerPort", 10, "out of range"},
		"number for a string":       {manifestContainer("        env: [{name: A, value: 5}]\n"), container + ".env[0].value", 10, "got a number, want a string: put it in quotes"},
		"boolean for a string":      {manifestMetadata("  annotations: {a/b: true}\n"), "metadata.annotations[a/b]", 5, "the boolean true, want a string: put it in quotes"},
		"date for a string":         {manifestMetadata("  labels: {a: 2025-01-02}\n"), "metadata.labels[a]", 5, "the date 2025-01-02, want a string: put it in quotes"},
		"nothing for a string":      {manifestMetadata("  labels: {a: }\n"), "metadata.labels[a]", 5, "got an empty value, want a string"},
		"list for a string":         {manifestMetadata("  labels: {a: [b]}\n"), "metadata.labels[a]", 5, "got a list, want a string"},
		"string for a list":         {manifestContainer("        args: a b\n"), container + ".args", 10, "a string, want a list"},
		"string for an object":      {manifestContainer("        resources: a\n"), container + ".resources", 10, "want an object"},
		"object for a list":         {manifestContainer("        env: {A: b}\n"), container + ".env", 10, "got an object, want a list"},
		"string for a boolean":      {manifestContainer("        sandboxLauncher: \"true\"\n"), container + ".sandboxLauncher", 10, `the string "true", want true or false`},
		"old boolean for a boolean": {manifestContainer("        sandboxLauncher: yes\n"), container + ".sandboxLauncher", 10, "yes is a boolean in some versions of YAML"},
		"old boolean for a string":  {manifestContainer("        args: [off]\n"), container + ".args[0]", 10, "off is a boolean in some versions of YAML"},
		"old boolean for a name":    {manifestContainer("        env: [{name: N}]\n"), container + ".env[0].name", 10, "N is a boolean in some versions of YAML"},
		"old boolean for a key":     {manifestMetadata("  labels: {on: a}\n"), "metadata.labels", 5, "the key on is a boolean in some versions of YAML"},
		"number for a key":          {manifestMetadata("  labels: {8080: a}\n"), "metadata.labels", 5, "a key that is the number 8080, want a string: put it in quotes"},
		"list for a key":            {manifestMetadata("  labels: {[a]: a}\n"), "metadata.labels", 5, "a key that is a list"},
		"quantity":                  {manifestContainer("        resources: {limits: {memory: 512MB}}\n"), container + ".resources.limits[memory]", 10, "\"512MB\" is not a valid Quantity"},
		"empty quantity":            {manifestContainer("        resources: {limits: {memory: }}\n"), container + ".resources.limits[memory]", 10, "empty"},
		"port of a probe":           {manifestContainer("        livenessProbe: {httpGet: {port: 1.5}}\n"), container + ".livenessProbe.httpGet.port", 10, "the number 1.5, want a whole number"},
		"time":                      {manifestMetadata("  creationTimestamp: yesterday\n"), "metadata.creationTimestamp", 5, "is not a valid Time"},
		"key given twice":           {manifestMetadata("  labels:\n    a: b\n    a: c\n"), "metadata.labels.a", 7, "duplicate key, first in line 6"},
		"key given twice in JSON":   {"{\"kind\": \"Service\",\n\"apiVersion\": \"serving.knative.dev/v1\",\n\"metadata\": {\"name\": \"a\",\n\"name\": \"b\"}}", "metadata.name", 4, "duplicate key, first in line 3"},
		"unknown field in JSON":     {"{\"kind\": \"Service\", \"apiVersion\": \"serving.knative.dev/v1\",\n\"bogus\": 1}", "bogus", 2, "unknown field"},
		"merge of a string":         {manifestMetadata("  labels: {<<: a}\n"), "metadata.labels", 5, "<< merges objects"},
		"tag":                       {manifestMetadata("  labels: {a: !secret b}\n"), "metadata.labels[a]", 5, "a value with a tag of its own"},
		"binary":                    {manifestMetadata("  labels: {a: !!binary Yg==}\n"), "metadata.labels[a]", 5, "a value with the tag !!binary"},
		"tag of an object":          {manifestMetadata("  labels: !mine {a: b}\n"), "metadata.labels", 5, "want an object"},
		"control characters":        {manifestMetadata("  \"a\\e[31m\\nb\": c\n"), `metadata."a\x1b[31m\nb"`, 5, "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := cloudrun.ParseManifest([]byte(tc.text))
			require.Nil(t, m)
			problems := manifestProblems(t, err)
			require.Len(t, problems, 1, "%v", err)
			require.Equal(t, tc.path, problems[0].Path)
			require.Contains(t, problems[0].Reason, tc.reason)
			require.Equal(t, tc.line, problems[0].Line, "%v", err)
		})
	}
}

func TestManifestForCluster(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"        livenessProbe: {httpGet: {port: http}}\n", "        securityContext: {runAsNonRoot: true}\n", "      initContainers: [{image: i}]\n"} {
		text := []byte(manifestContainer(field))
		_, err := cloudrun.ParseManifest(text)
		require.Error(t, err, field)
		_, err = cloudrun.ParseManifest(text, cloudrun.ForCluster())
		require.NoError(t, err, field)
	}
}

// A field of Knative without a value counts as absent, as one of Cloud Run does.
func TestManifestLaxWithoutValue(t *testing.T) {
	t.Parallel()
	m, err := cloudrun.ParseManifest([]byte(manifestContainer("      initContainers:\n")), cloudrun.AllowUnknownFields())
	require.NoError(t, err)
	require.NotContains(t, string(m.JSON()), "initContainers")
}

func TestManifestProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := cloudrun.ParseManifest([]byte(manifestSpec("")), nil)
	require.ErrorContains(t, err, "an option is nil")
	_, err = cloudrun.ParseManifest([]byte(manifestContainer("        evn: []\n        sandboxLauncher: 1\n        args: [yes, 5]\n")))
	require.EqualError(t, err, `manifest line 10: spec.template.spec.containers[0].evn: unknown field: did you mean env?
manifest line 11: spec.template.spec.containers[0].sandboxLauncher: got the number 1, want true or false
manifest line 12: spec.template.spec.containers[0].args[0]: yes is a boolean in some versions of YAML and a string in others: write true or false, or put it in quotes
manifest line 12: spec.template.spec.containers[0].args[1]: got a number, want a string: put it in quotes`)

	_, err = cloudrun.ParseManifest([]byte(manifestContainer("        args: [" + strings.Repeat("1, ", 1000) + "]\n")))
	problems := manifestProblems(t, err)
	require.Len(t, problems, 101)
	require.Contains(t, problems[100].Reason, "more problems")
}

// TestManifestBombs checks that small texts that expand to large objects are refused quickly.
func TestManifestBombs(t *testing.T) {
	t.Parallel()
	levels := func(first, next string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "  l0: &l0 %s\n", first)
		for i := 1; i < 30; i++ {
			fmt.Fprintf(&b, "  l%d: &l%d %s\n", i, i, strings.ReplaceAll(next, "*", fmt.Sprintf("*l%d", i-1)))
		}
		return manifestMetadata(b.String())
	}
	long := strings.Repeat("x", 1<<19)
	for name, text := range map[string]string{
		"lists":       levels("[a]", "[*, *, *, *, *, *, *, *, *, *]"),
		"empty lists": levels("[]", "[*, *]"),
		"objects":     levels("{a: b}", "{a: *, b: *}"),
		"merges":      levels("{a: b}", "{<<: [*, *]}"),
		"problems":    levels("[!x a]", "[*, *]"),
		"long string": levels(long, "[*, *, *]"),
		"cycle":       manifestMetadata("  l: &l [*l]\n"),
		"merge cycle": manifestMetadata("  l: &l {<<: *l}\n"),
		"depth":       manifestMetadata("  l: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "\n"),
		"JSON depth":  `{"apiVersion": "serving.knative.dev/v1", "kind": "Service", "l": ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}",
		"brackets":    strings.Repeat("[", 4<<20),
		"braces":      strings.Repeat("{", 4<<20),
		"dashes":      strings.Repeat("- ", 2<<20),
		"marks":       strings.Repeat("? ", 2<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := cloudrun.ParseManifest([]byte(text), cloudrun.AllowUnknownFields())
			require.Error(t, err)
			require.LessOrEqual(t, len(manifestProblems(t, err)), 101)
		})
	}
}

func TestManifestKeepsWhatIsWritten(t *testing.T) {
	t.Parallel()
	text := manifestMetadata(`  namespace: 123456789012
  clusterName: c
  creationTimestamp: 2025-05-01T12:00:00.123456Z
  annotations: &all
    a: "yes"
    b: "1:30"
    c: "0x10"
    d: |
      two
      lines
  labels: {<<: *all, a: own}
  ownerReferences:
`) + `        sandboxLauncher: true
        resources: {limits: {cpu: 0.50, memory: 1024Mi, "nvidia.com/gpu": 1}}
        env:
        - {name: A, value: ""}
        - name: B
          valueFrom: {secretKeyRef: {localObjectReference: {name: sec}, key: latest}}
        livenessProbe: {initialDelaySeconds: 0, httpGet: {port: 8080}}
      sandboxes: {templates: [{name: s, image: i, env: [{name: A, valueFrom: {configMapKeyRef: {localObjectReference: {name: c}, key: k}}}]}]}
status: {foo: [bar}
`
	text = strings.Replace(text, "[bar}", "[bar]}", 1)
	m, err := cloudrun.ParseManifest([]byte(text))
	require.NoError(t, err)
	require.Equal(t, "hello", m.Name())
	require.Equal(t, strings.ReplaceAll(`{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"hello","namespace":"123456789012","clusterName":"c",
"creationTimestamp":"2025-05-01T12:00:00.123456Z","annotations":{"a":"yes","b":"1:30","c":"0x10","d":"two\nlines\n"},
"labels":{"a":"own","b":"1:30","c":"0x10","d":"two\nlines\n"}},
"spec":{"template":{"spec":{"containers":[{"image":"us-docker.pkg.dev/cloudrun/container/hello","sandboxLauncher":true,
"resources":{"limits":{"cpu":"0.50","memory":"1024Mi","nvidia.com/gpu":"1"}},
"env":[{"name":"A","value":""},{"name":"B","valueFrom":{"secretKeyRef":{"localObjectReference":{"name":"sec"},"key":"latest"}}}],
"livenessProbe":{"initialDelaySeconds":0,"httpGet":{"port":8080}}}],
"sandboxes":{"templates":[{"name":"s","image":"i","env":[{"name":"A","valueFrom":{"configMapKeyRef":{"localObjectReference":{"name":"c"},"key":"k"}}}]}]}}}}}`, "\n", ""),
		string(m.JSON()))

	s, err := m.Service()
	require.NoError(t, err)
	require.Equal(t, "500m", s.Spec.Template.Spec.Containers[0].Resources.Limits.Cpu().String())
	requireManifestRoundTrips(t, m)

	yaml, err := m.YAML()
	require.NoError(t, err)
	for _, quoted := range []string{`"yes"`, `"1:30"`, `"0x10"`, `"0.50"`} {
		require.Contains(t, string(yaml), quoted, "for readers of YAML 1.1")
	}
	require.Contains(t, string(yaml), "d: |\n")
	require.Contains(t, string(yaml), "memory: 1024Mi\n")
}

func TestManifestUnknownFields(t *testing.T) {
	t.Parallel()
	text := manifestContainer("        brandNew: {a: [1.50, null, true, 18446744073709551616, x], b: 2025-01-01}\n")
	_, err := cloudrun.ParseManifest([]byte(text))
	require.ErrorContains(t, err, "brandNew: unknown field")
	m, err := cloudrun.ParseManifest([]byte(text), cloudrun.AllowUnknownFields())
	require.NoError(t, err)
	require.Contains(t, string(m.JSON()), `"brandNew":{"a":[1.50,null,true,18446744073709551616,"x"],"b":"2025-01-01"}`)
	requireManifestRoundTrips(t, m)

	_, err = cloudrun.ParseManifest([]byte(manifestContainer("        brandNew: [0x10, 010, .inf, yes]\n")), cloudrun.AllowUnknownFields())
	require.Len(t, manifestProblems(t, err), 4, "%v", err)
}

// TestManifestJSONIsNotYAML checks that JSON is read as JSON where it differs from YAML.
func TestManifestJSONIsNotYAML(t *testing.T) {
	t.Parallel()
	m, err := cloudrun.ParseManifest([]byte("{\n\t\"apiVersion\": \"serving.knative.dev\\/v1\", \"kind\": \"Service\",\n\t" +
		`"metadata": {"name": "a", "annotations": {"a": "\ud83d\ude00 \u0000 yes"}}}`))
	require.NoError(t, err)
	require.Contains(t, string(m.JSON()), `"a":"😀 \u0000 yes"`)
	requireManifestRoundTrips(t, m)
}

func TestManifestWith(t *testing.T) {
	t.Parallel()
	m, err := cloudrun.ParseManifest([]byte(manifestText("", "        sandboxLauncher: true\n        resources: {limits: {cpu: 1000m}}\n", "")))
	require.NoError(t, err)
	changed, err := m.With(cloudrun.WithImage("img@sha256:1"), cloudrun.WithLaunchStage("BETA"))
	require.NoError(t, err)
	require.Equal(t, `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"hello","annotations":{"run.googleapis.com/launch-stage":"BETA"}},`+
		`"spec":{"template":{"spec":{"containers":[{"image":"img@sha256:1","sandboxLauncher":true,"resources":{"limits":{"cpu":"1000m"}}}]}}}}`, string(changed.JSON()))
	require.NotContains(t, string(m.JSON()), "BETA", "the manifest itself does not change")

	_, err = m.With(cloudrun.WithCPU("many"))
	var wrong *cloudrun.OptionError
	require.ErrorAs(t, err, &wrong)
}
