package cloudruntest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRefuses names the field to blame for each mistake. Where it is empty, Cloud
// Run accepts the Service.
func TestRefuses(t *testing.T) {
	t.Parallel()
	const pod = "spec.template.spec."
	const c0 = pod + "containers[0]."
	container := func(sv object) object { return dig(sv, "spec", "template", "spec", "containers", 0).(object) }
	set := func(path string, v any) func(object) {
		keys := strings.Split(path, "/")
		return func(sv object) {
			for _, k := range keys[:len(keys)-1] {
				if _, ok := sv[k].(object); !ok {
					sv[k] = object{}
				}
				sv = sv[k].(object)
			}
			sv[keys[len(keys)-1]] = v
		}
	}
	in := func(key string, v any) func(object) { return func(sv object) { container(sv)[key] = v } }
	containers := func(list ...any) func(object) { return set("spec/template/spec/containers", list) }
	limit := func(key, v string) func(object) { return in("resources", object{"limits": object{key: v}}) }
	revision := func(key string, v any) func(object) { return set("spec/template/spec/"+key, v) }
	port := []any{object{"containerPort": 8080}}
	tests := map[string]struct {
		edit  func(object)
		field string
	}{
		"plain":                   {func(object) {}, ""},
		"no name":                 {set("metadata/name", ""), "metadata.name"},
		"49 characters":           {set("metadata/name", strings.Repeat("a", 49)), ""},
		"50 characters":           {set("metadata/name", strings.Repeat("a", 50)), "metadata.name"},
		"upper case":              {set("metadata/name", "Hello"), "metadata.name"},
		"hyphen at the end":       {set("metadata/name", "hello-"), "metadata.name"},
		"digit first":             {set("metadata/name", "1hello"), "metadata.name"},
		"namespace by number":     {set("metadata/namespace", "123456789012"), ""},
		"other namespace":         {set("metadata/namespace", "other"), "metadata.namespace"},
		"api version":             {set("apiVersion", "serving.knative.dev/v1alpha1"), "apiVersion"},
		"kind":                    {set("kind", "Route"), "kind"},
		"spec is text":            {set("spec", "x"), "spec"},
		"containers is text":      {revision("containers", "x"), pod + "containers"},
		"traffic of text":         {set("spec/traffic", []any{"x"}), "spec.traffic"},
		"good label":              {set("metadata/labels", object{"team_a-1": "x_y-1"}), ""},
		"system label":            {set("metadata/labels", object{"client.knative.dev/nonce": "abc"}), ""},
		"label key":               {set("metadata/labels", object{"Bad Key": "x"}), "metadata.labels"},
		"label prefix":            {set("metadata/labels", object{"skaffold.dev/run-id": "x"}), "metadata.labels"},
		"label value":             {set("metadata/labels", object{"a": "X Y"}), "metadata.labels"},
		"template label":          {set("spec/template/metadata/labels", object{"a": "X Y"}), "spec.template.metadata.labels"},
		"annotation is a number":  {set("metadata/annotations", object{"a": 1}), "metadata.annotations[a]"},
		"annotations is a list":   {set("metadata/annotations", []any{}), "metadata.annotations"},
		"ingress":                 {set("metadata/annotations", object{"run.googleapis.com/ingress": "some"}), "metadata.annotations[run.googleapis.com/ingress]"},
		"max scale 0":             {set("spec/template/metadata/annotations", object{"autoscaling.knative.dev/maxScale": "0"}), "spec.template.metadata.annotations[autoscaling.knative.dev/maxScale]"},
		"min over max":            {set("spec/template/metadata/annotations", object{"autoscaling.knative.dev/maxScale": "1", "autoscaling.knative.dev/minScale": "2"}), "spec.template.metadata.annotations"},
		"revision name":           {set("spec/template/metadata/name", "hello-blue"), ""},
		"revision without prefix": {set("spec/template/metadata/name", "blue"), "spec.template.metadata.name"},
		"no containers":           {containers(), pod + "containers"},
		"no image":                {in("image", ""), c0 + "image"},
		"two, one with a port":    {containers(object{"image": "a", "ports": port}, object{"image": "b"}), ""},
		"two without ports":       {containers(object{"image": "a"}, object{"image": "b"}), pod + "containers"},
		"two with ports":          {containers(object{"image": "a", "ports": port}, object{"image": "b", "ports": port}), pod + "containers"},
		"same name":               {containers(object{"image": "a", "ports": port, "name": "x"}, object{"image": "b", "name": "x"}), pod + "containers[1].name"},
		"container name":          {in("name", "Bad_Name"), c0 + "name"},
		"two ports":               {in("ports", []any{object{}, object{}}), c0 + "ports"},
		"port name":               {in("ports", []any{object{"name": "grpc"}}), c0 + "ports[0].name"},
		"port number":             {in("ports", []any{object{"containerPort": 70000}}), c0 + "ports[0].containerPort"},
		"env":                     {in("env", []any{object{"name": "A"}, object{"name": "A", "value": ""}}), ""},
		"env without name":        {in("env", []any{object{"value": "x"}}), c0 + "env[0].name"},
		"env PORT":                {in("env", []any{object{"name": "PORT", "value": "1"}}), c0 + "env"},
		"env K_SERVICE":           {in("env", []any{object{"name": "K_SERVICE", "value": "1"}}), c0 + "env"},
		"env is text":             {in("env", "x"), c0 + "env"},
		"memory":                  {limit("memory", "1.5Gi"), ""},
		"memory in megabytes":     {limit("memory", "512MB"), c0 + "resources.limits.memory"},
		"memory too small":        {limit("memory", "64Mi"), c0 + "resources.limits.memory"},
		"memory too large":        {limit("memory", "64Gi"), c0 + "resources.limits.memory"},
		"memory in bytes":         {limit("memory", "536870912"), ""},
		"memory with exponent":    {limit("memory", "1e9"), ""},
		"memory with an evil one": {limit("memory", "1e99999999"), c0 + "resources.limits.memory"},
		"cpu":                     {limit("cpu", "0.5833"), ""},
		"cpu 3":                   {limit("cpu", "3"), c0 + "resources.limits.cpu"},
		"cpu too small":           {limit("cpu", "10m"), c0 + "resources.limits.cpu"},
		"gpu":                     {limit("nvidia.com/gpu", "1"), ""},
		"mount": {func(sv object) {
			revision("volumes", []any{object{"name": "v"}})(sv)
			in("volumeMounts", []any{object{"name": "v", "mountPath": "/x"}})(sv)
		}, ""},
		"mount of nothing": {in("volumeMounts", []any{object{"name": "v", "mountPath": "/x"}}), c0 + "volumeMounts[0].name"},
		"relative mount": {func(sv object) {
			revision("volumes", []any{object{"name": "v"}})(sv)
			in("volumeMounts", []any{object{"name": "v", "mountPath": "x"}})(sv)
		}, c0 + "volumeMounts[0].mountPath"},
		"volume twice":         {revision("volumes", []any{object{"name": "v"}, object{"name": "v"}}), pod + "volumes[1].name"},
		"volume without name":  {revision("volumes", []any{object{}}), pod + "volumes[0].name"},
		"timeout 3600":         {revision("timeoutSeconds", 3600), ""},
		"timeout 3601":         {revision("timeoutSeconds", 3601), pod + "timeoutSeconds"},
		"timeout as text":      {revision("timeoutSeconds", "60"), ""},
		"timeout as words":     {revision("timeoutSeconds", "a minute"), pod + "timeoutSeconds"},
		"concurrency 1000":     {revision("containerConcurrency", 1000), ""},
		"concurrency 1001":     {revision("containerConcurrency", 1001), pod + "containerConcurrency"},
		"negative concurrency": {revision("containerConcurrency", -1), pod + "containerConcurrency"},
		"fraction":             {revision("containerConcurrency", 1.5), pod + "containerConcurrency"},
		"traffic":              {split(object{"latestRevision": true, "percent": 100, "tag": "a"}, object{"latestRevision": true, "tag": "b"}), ""},
		"traffic of 90":        {split(object{"latestRevision": true, "percent": 90}), "spec.traffic"},
		"negative traffic":     {split(object{"latestRevision": true, "percent": -1}, object{"latestRevision": true, "percent": 100}), "spec.traffic[0].percent"},
		"latest and a name":    {split(object{"latestRevision": true, "revisionName": "hello-1", "percent": 100}), "spec.traffic[0]"},
		"tag twice":            {split(object{"latestRevision": true, "percent": 100, "tag": "a"}, object{"latestRevision": true, "tag": "a"}), "spec.traffic[1].tag"},
		"tag too long":         {split(object{"latestRevision": true, "percent": 100, "tag": "a" + strings.Repeat("b", 45)}), "spec.traffic[0].tag"},
		"tag in upper case":    {split(object{"latestRevision": true, "percent": 100, "tag": "A"}), "spec.traffic[0].tag"},
		"what gcloud leaves there": {func(sv object) {
			revision("nodeSelector", object{})(sv)
			in("name", "")(sv)
			set("status/address", object{})(sv)
		}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			doc := minimal("hello")
			test.edit(doc)
			code, answer := do(t, s, "POST", demo+"/services", doc)
			if test.field == "" {
				require.Equal(t, 200, code, "%v", answer)
				return
			}
			require.Equal(t, 400, code, "%v", answer)
			require.Equal(t, "INVALID_ARGUMENT", dig(answer, "error", "status"))
			require.Contains(t, violatedFields(answer), test.field)
			require.Empty(t, s.History())
		})
	}
}

func TestRefusesWhatIsNoObject(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	create(t, s, "hello")
	for _, body := range []string{"", "{", "null", "[]", "7", `"x"`} {
		code, answer := do(t, s, "POST", demo+"/services", body)
		require.Equal(t, 400, code, body)
		require.Contains(t, dig(answer, "error", "message"), "Invalid JSON payload received")
	}
	doc := minimal("other")
	code, answer := do(t, s, "PUT", demo+"/services/hello", doc)
	require.Equal(t, 400, code)
	require.Equal(t, []string{"metadata.name"}, violatedFields(answer))
	doc["metadata"] = object{}
	code, _ = do(t, s, "PUT", demo+"/services/hello", doc)
	require.Equal(t, 200, code, "the path names it")
}

func TestLessThanOneCPUServesOneRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	sv := create(t, s, "hello", func(sv object) {
		dig(sv, "spec", "template", "spec", "containers", 0).(object)["resources"] = object{"limits": object{"cpu": "500m"}}
	})
	require.Equal(t, 1.0, dig(sv, "spec", "template", "spec", "containerConcurrency"))
}

func FuzzWrite(f *testing.F) {
	f.Add(`{"metadata":{"name":"hello"},"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}`)
	f.Add(`{"metadata":{"name":7},"spec":{"traffic":[null],"template":{"metadata":null,"spec":{"containers":[{"ports":[{}],"resources":{"limits":{"cpu":1}}}]}}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		s := newServer(t)
		code, _, _ := send(t, s, "POST", demo+"/services", body)
		if code != 200 && code != 400 {
			t.Errorf("answered %d", code)
		}
	})
}
