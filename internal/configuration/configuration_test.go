package configuration_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
)

const bare = `{"kind":"Service","metadata":{"name":"a"},"spec":{"x":1}}`

func service(metadata string) string {
	return fmt.Sprintf(`{"kind":"Service","metadata":{"name":"a",%s},"spec":{"x":1}}`, metadata)
}

func podOf(fields string) string {
	return `{"kind":"Service","metadata":{"name":"a"},"spec":{"template":{"spec":{` + fields + `}}}}`
}

func TestSame(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		same bool
	}{
		"itself":                    {bare, true},
		"another spelling":          {"{\"spec\": {\"x\": 1.0},\n\"metadata\": {\"name\": \"a\"}, \"kind\": \"Service\"}", true},
		"another value":             {`{"kind":"Service","metadata":{"name":"a"},"spec":{"x":2}}`, false},
		"a status":                  {`{"kind":"Service","metadata":{"name":"a"},"spec":{"x":1},"status":{"y":1}}`, true},
		"what the server sets":      {service(`"uid":"u","generation":3,"resourceVersion":"x","creationTimestamp":"t","selfLink":"/","namespace":"p","managedFields":[1]`), true},
		"another field of metadata": {service(`"generateName":"x"`), false},
		"a location":                {service(`"labels":{"cloud.googleapis.com/location":"r"}`), true},
		"a label":                   {service(`"labels":{"cloud.googleapis.com/location":"r","a":"b"}`), false},
		"who wrote it": {service(`"annotations":{"serving.knative.dev/creator":"c","serving.knative.dev/other":"o","run.googleapis.com/client-name":"gcloud",
			"run.googleapis.com/lastModifierEmail":"c","run.googleapis.com/operation-id":"i"}`), true},
		"a state":         {service(`"annotations":{"run.googleapis.com/urls":"[]","run.googleapis.com/ingress-status":"all"}`), true},
		"a setting":       {service(`"annotations":{"run.googleapis.com/ingress":"all"}`), false},
		"a nonce":         {service(`"annotations":{"client.knative.dev/nonce":"n"}`), false},
		"no JSON":         {`{`, false},
		"not an object":   {`[]`, false},
		"an empty object": {`{}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.same, configuration.Same([]byte(bare), []byte(tc.text)))
			require.Equal(t, tc.same, configuration.Same([]byte(tc.text), []byte(bare)))
		})
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"kind":"Service","status":{},"metadata":{"name":"a","uid":"u","annotations":{"serving.knative.dev/creator":"c","run.googleapis.com/ingress":"all","run.googleapis.com/urls":"[]"},"labels":{"cloud.googleapis.com/location":"r"}},"spec":{"cpu":1.50,"new":{"z":1,"a":2}}}`: `{"kind":"Service","metadata":{"annotations":{"run.googleapis.com/ingress":"all","run.googleapis.com/urls":"[]"},"labels":{"cloud.googleapis.com/location":"r"},"name":"a"},"spec":{"cpu":1.50,"new":{"z":1,"a":2}}}`,
		service(`"annotations":{"run.googleapis.com/client-version":"1"}`): bare,
	} {
		got, err := configuration.Export([]byte(in))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	_, err := configuration.Export([]byte("[]"))
	require.Error(t, err)
}

func TestReplacement(t *testing.T) {
	t.Parallel()
	existing := &configuration.Existing{ResourceVersion: "7", Annotations: map[string]string{"serving.knative.dev/creator": "c", "run.googleapis.com/ingress": "all"}}
	for name, tc := range map[string]struct {
		manifest string
		existing *configuration.Existing
		want     string
	}{
		"new": {manifest: service(`"resourceVersion":"3","uid":"u","annotations":{}`),
			want: `{"kind":"Service","metadata":{"annotations":{},"name":"a","namespace":"demo"},"spec":{"x":1}}`},
		"with a namespace": {manifest: service(`"namespace":"own"`), existing: existing,
			want: `{"kind":"Service","metadata":{"annotations":{"serving.knative.dev/creator":"c"},"name":"a","namespace":"own","resourceVersion":"7"},"spec":{"x":1}}`},
		"with annotations": {manifest: service(`"annotations":{"a":"b","serving.knative.dev/creator":"other"}`), existing: existing,
			want: `{"kind":"Service","metadata":{"annotations":{"a":"b","serving.knative.dev/creator":"c"},"name":"a","namespace":"demo","resourceVersion":"7"},"spec":{"x":1}}`},
		"a default that only a create gets": {manifest: podOf(``), existing: &configuration.Existing{ResourceVersion: "7", Raw: []byte(podOf(`"enableServiceLinks":false,"timeoutSeconds":300`))},
			want: `{"kind":"Service","metadata":{"name":"a","namespace":"demo","resourceVersion":"7"},"spec":{"template":{"spec":{"enableServiceLinks":false}}}}`},
		"a setting instead of the default": {manifest: podOf(`"enableServiceLinks":true`), existing: &configuration.Existing{ResourceVersion: "7", Raw: []byte(podOf(`"enableServiceLinks":false`))},
			want: `{"kind":"Service","metadata":{"name":"a","namespace":"demo","resourceVersion":"7"},"spec":{"template":{"spec":{"enableServiceLinks":true}}}}`},
		"a setting that is removed": {manifest: podOf(``), existing: &configuration.Existing{ResourceVersion: "7", Raw: []byte(podOf(`"enableServiceLinks":true`))},
			want: `{"kind":"Service","metadata":{"name":"a","namespace":"demo","resourceVersion":"7"},"spec":{"template":{"spec":{}}}}`},
		"nothing to keep": {manifest: bare, existing: &configuration.Existing{ResourceVersion: "7"},
			want: `{"kind":"Service","metadata":{"name":"a","namespace":"demo","resourceVersion":"7"},"spec":{"x":1}}`},
	} {
		got, err := configuration.Replacement([]byte(tc.manifest), "demo", tc.existing)
		require.NoError(t, err, name)
		require.Equal(t, tc.want, string(got), name)
	}
	_, err := configuration.Replacement([]byte("x"), "demo", nil)
	require.Error(t, err)
}

func TestServerMark(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		"client.knative.dev/nonce": true, "client.knative.dev/user-image": true, "run.googleapis.com/build-id": true, "run.googleapis.com/satisfiesPzs": true,
		"run.googleapis.com/startupProbeType": true, "cloud.googleapis.com/location": true, configuration.Creator: true, configuration.URLs: true,
		"serving.knative.dev/other": false, "run.googleapis.com/ingress": false, "a": false, "": false,
	} {
		require.Equal(t, want, configuration.ServerMark(key), key)
	}
	for _, name := range []string{"uid", "generation", "managedFields"} {
		require.True(t, configuration.ServerField(name))
	}
	require.False(t, configuration.ServerField("name"))
}
