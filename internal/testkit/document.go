package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// UnknownFieldsService is a Service with fields at every level that the Knative types do not know.
const UnknownFieldsService = `{"apiVersion": "serving.knative.dev/v1", "kind": "Service",
	"metadata": {"name": "hello", "namespace": "demo", "labels": {"seed": "1"}, "annotations": {"seed.example/a": "1"}, "futureMeta": {"n": 12345678901234567890}},
	"spec": {"futureSpec": [1, {"a": null}], "template": {"metadata": {"annotations": {"seed.example/b": "1"}, "name": "hello-00001-abc"},
		"spec": {"futureTemplate": "x", "containerConcurrency": 80, "containers": [{"image": "` + Image + `", "futureContainer": {"deep": [true]},
			"env": [{"name": "SEED", "value": "1", "futureEnv": 1}]}]}},
	"traffic": [{"latestRevision": true, "percent": 100, "futureTarget": "y"}]}}`

// FullPolicy is an IAM policy with everything that one can have, and with fields that this library does not know.
const FullPolicy = `{
	"version": 1,
	"etag": "BwAAAAAAAAA=",
	"futureField": {"n": 12345678901234567890, "list": [null, {"a": 1e400}]},
	"auditConfigs": [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ", "exemptedMembers": ["user:eve@example.com"]}]}],
	"bindings": [
		{"role": "roles/run.invoker", "members": ["user:ann@example.com"], "bindingId": "b1",
		 "condition": {"title": "t", "description": "d", "expression": "request.time < timestamp(\"2030-01-01T00:00:00Z\")", "location": "here"}},
		{"role": "roles/run.admin", "members": ["group:ops@example.com"], "bindingId": "b2"},
		{"role": "roles/run.invoker", "members": ["user:bob@example.com"], "bindingId": "b3"}
	]
}`

// Decode decodes a JSON object and keeps the spelling of its numbers.
func Decode(raw string) map[string]any {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(raw)))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		panic(err)
	}
	return m
}

// Encode encodes a JSON object.
func Encode(m map[string]any) string {
	encoded, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// Leaves returns the values of a Service by path, without its status. Elements
// of a list go by their name or position; the traffic targets are one value.
func Leaves(raw []byte) map[string]string {
	if len(raw) == 0 {
		return nil
	}
	leaves := map[string]string{}
	document := Decode(string(raw))
	delete(document, "status")
	Flatten(leaves, "", document)
	return leaves
}

// Flatten adds the values below a path to leaves, as Leaves has them.
func Flatten(leaves map[string]string, path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			Flatten(leaves, path+"/"+key, v)
		}
		return
	case []any:
		if path == "/spec/traffic" {
			break
		}
		for i, v := range value {
			name := fmt.Sprint(i)
			if o, ok := v.(map[string]any); ok && o["name"] != nil && !strings.HasSuffix(path, "/containers") {
				name = fmt.Sprint(o["name"])
			}
			Flatten(leaves, path+"/"+name, v)
		}
		return
	}
	encoded, _ := json.Marshal(value)
	leaves[path] = string(encoded)
}

// Traffic returns traffic targets as short JSON: revision, percent and tag.
func Traffic(t testing.TB, targets []servingv1.TrafficTarget) string {
	t.Helper()
	type target struct {
		R string `json:"r,omitempty"`
		P int64  `json:"p,omitempty"`
		T string `json:"t,omitempty"`
	}
	all := []target{}
	for _, x := range targets {
		one := target{R: x.RevisionName, T: x.Tag}
		if x.LatestRevision != nil && *x.LatestRevision {
			one.R = "LATEST"
		}
		if x.Percent != nil {
			one.P = *x.Percent
		}
		all = append(all, one)
	}
	raw, err := json.Marshal(all)
	require.NoError(t, err)
	return string(raw)
}
