package lossless_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/lossless"
)

// inContainer returns a Service with one container that has the members.
func inContainer(members string) string { return inTemplate(`"containers":[{` + members + `}]`) }

// inTemplate returns a Service whose template's spec has the members.
func inTemplate(members string) string {
	return `{"x":1,"spec":{"x":2,"template":{"x":3,"spec":{"x":4,` + members + `}}}}`
}

func inSpec(members string) string { return `{"spec":{` + members + `}}` }

type editCase struct {
	name string
	raw  string
	edit func(*service)
	want string
}

func runEdits(t *testing.T, cases []editCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := view(t, c.raw)
			before := encode(t, s)
			c.edit(s)
			after := encode(t, s)
			merged, err := lossless.Merge([]byte(c.raw), before, after)
			require.NoError(t, err)
			require.Equal(t, c.want, string(merged))
			unchanged, err := lossless.Merge([]byte(c.raw), before, before)
			require.NoError(t, err)
			require.Equal(t, c.raw, string(unchanged))
		})
	}
}

func TestMergeObjects(t *testing.T) {
	t.Parallel()
	runEdits(t, []editCase{
		{"no change", `{ "kind":"Service" , "zero": 0.0, "spec":null}`, func(*service) {},
			`{ "kind":"Service" , "zero": 0.0, "spec":null}`},
		{"a scalar", inContainer(`"sourceCode":{"a":[1.0]},"image":"a"`), func(s *service) { s.container().Image = "b" },
			inContainer(`"sourceCode":{"a":[1.0]},"image":"b"`)},
		{"characters that encoders escape", inContainer(`"image":"a","x":"<&>"`), func(s *service) { s.container().Image = "<\u2028>" },
			inContainer(`"image":"\u003c\u2028\u003e","x":"<&>"`)},
		{"a new key goes behind", inContainer(`"x":5`), func(s *service) { s.container().Image = "a" },
			inContainer(`"x":5,"image":"a"`)},
		{"a key goes", inContainer(`"image":"a","x":5`), func(s *service) { s.container().Image = "" },
			inContainer(`"x":5`)},
		{"the last key goes", inSpec(`"containerConcurrency":1,"template":{"spec":{"containerConcurrency":5}}`),
			func(s *service) { s.Spec.Template.Spec.Concurrency = nil }, inSpec(`"containerConcurrency":1,"template":{"spec":{}}`)},
		{"a wanted zero", inTemplate(`"containerConcurrency":5`), func(s *service) { s.Spec.Template.Spec.Concurrency = ptr[int64](0) },
			inTemplate(`"containerConcurrency":0`)},
		{"unknown and unwritten fields beside the edit stay", `{"status":{"y":null},"metadata":{"clusterName":"","name":"a"}}`,
			func(s *service) { s.Metadata.Name = "b" }, `{"status":{"y":null},"metadata":{"clusterName":"","name":"b"}}`},
		{"quantities and numbers keep their spelling", inContainer(`"resources":{"limits":{"cpu":"1000m","memory":"1Gi"}},"n":1e3,"image":"a"`),
			func(s *service) { s.container().Resources.Limits["memory"] = "2Gi" },
			inContainer(`"resources":{"limits":{"cpu":"1000m","memory":"2Gi"}},"n":1e3,"image":"a"`)},
		{"resources that raw lacks", inContainer(`"image":"a"`),
			func(s *service) { s.container().Resources.Limits = map[string]quantity{"cpu": "1"} },
			inContainer(`"image":"a","resources":{"limits":{"cpu":"1"}}`)},
		{"resources that are null", inContainer(`"resources":null`),
			func(s *service) { s.container().Resources.Limits = map[string]quantity{"cpu": "1"} },
			inContainer(`"resources":{"limits":{"cpu":"1"}}`)},
		{"resources with unknown fields only", inContainer(`"resources":{"x":5}`),
			func(s *service) { s.container().Resources.Limits = map[string]quantity{"cpu": "1"} },
			inContainer(`"resources":{"x":5,"limits":{"cpu":"1"}}`)},
		{"resources that have become empty", inContainer(`"image":"a","resources":{"limits":{"cpu":"1"}}`),
			func(s *service) { s.container().Resources.Limits = nil }, inContainer(`"image":"a"`)},
		{"resources that were empty", inContainer(`"image":"a","resources":{}`),
			func(s *service) { s.container().Image = "b" }, inContainer(`"image":"b","resources":{}`)},
		{"a subtree that raw lacks comes clean", `{}`, func(s *service) {
			s.Spec.Template.Spec.Containers = []container{{Image: "a", Startup: &probe{HTTPGet: &action{}}}}
		}, `{"spec":{"template":{"spec":{"containers":[{"image":"a","startupProbe":{"httpGet":{}}}]}}}}`},
		{"the first annotation", `{"metadata":{"x":1}}`, func(s *service) { s.Metadata.Annotations = map[string]string{"b": "1", "a": ""} },
			`{"metadata":{"x":1,"annotations":{"a":"","b":"1"}}}`},
		{"an annotation beside an empty map", `{"metadata":{"annotations":{}}}`,
			func(s *service) { s.Metadata.Annotations["name"] = "" }, `{"metadata":{"annotations":{"name":""}}}`},
		{"the last annotation goes", `{"metadata":{"annotations":{"a":"1"},"name":"n"}}`,
			func(s *service) { delete(s.Metadata.Annotations, "a") }, `{"metadata":{"name":"n"}}`},
		{"labels are edited one by one", `{"metadata":{"labels":{"b":"\u0031","a":"1","c":"1"}}}`,
			func(s *service) { delete(s.Metadata.Labels, "a"); s.Metadata.Labels["c"] = "2" },
			`{"metadata":{"labels":{"b":"\u0031","c":"2"}}}`},
		{"escaped keys are the same keys", `{"m\u0065tadata":{"\u006eame":"a"}}`, func(s *service) { s.Metadata.Name = "b" },
			`{"m\u0065tadata":{"\u006eame":"b"}}`},
		{"a port of a probe that had none", inContainer(`"startupProbe":{"initialDelaySeconds":0,"httpGet":{"x":5}}`),
			func(s *service) { s.container().Startup.HTTPGet.Port = 80 },
			inContainer(`"startupProbe":{"initialDelaySeconds":0,"httpGet":{"x":5,"port":80}}`)},
		{"a port of a probe goes", inContainer(`"startupProbe":{"httpGet":{"port":80}}`),
			func(s *service) { s.container().Startup.HTTPGet.Port = 0 }, inContainer(`"startupProbe":{"httpGet":{}}`)},
		{"another kind of volume", inTemplate(`"volumes":[{"name":"v","emptyDir":{"x":1},"y":2}]`), func(s *service) {
			v := &s.Spec.Template.Spec.Volumes[0]
			v.EmptyDir, v.Secret = nil, &secret{}
		}, inTemplate(`"volumes":[{"name":"v","y":2,"secret":{}}]`)},
		{"invalid UTF-8 stays", "{\"x\":\"\xff\",\"metadata\":{\"\xff\":1,\"name\":\"a\"}}", func(s *service) { s.Metadata.Name = "b" },
			"{\"x\":\"\xff\",\"metadata\":{\"\xff\":1,\"name\":\"b\"}}"},
		{"a repeated key elsewhere stays", `{"x":{"a":1,"a":2},"metadata":{"name":"a"}}`, func(s *service) { s.Metadata.Name = "b" },
			`{"x":{"a":1,"a":2},"metadata":{"name":"b"}}`},
	})
}

func TestMergeLists(t *testing.T) {
	t.Parallel()
	runEdits(t, []editCase{
		{"a container is added in front", inTemplate(`"containers":[{"name":"a","x":1}]`), func(s *service) {
			s.Spec.Template.Spec.Containers = slices.Insert(s.containers(), 0, container{Name: "b", Image: "i"})
		}, inTemplate(`"containers":[{"name":"b","image":"i"},{"name":"a","x":1}]`)},
		{"containers swap and one changes", inTemplate(`"containers":[{"name":"a","x":1},{"name":"b","x":2}]`), func(s *service) {
			slices.Reverse(s.containers())
			s.container().Image = "i"
		}, inTemplate(`"containers":[{"name":"b","x":2,"image":"i"},{"name":"a","x":1}]`)},
		{"a container goes", inTemplate(`"containers":[{"name":"a","x":1},{"name":"b","x":2}]`), func(s *service) {
			s.Spec.Template.Spec.Containers = s.containers()[1:]
		}, inTemplate(`"containers":[{"name":"b","x":2}]`)},
		{"all containers go", inTemplate(`"containers":[{"name":"a","x":1}]`), func(s *service) {
			s.Spec.Template.Spec.Containers = nil
		}, `{"x":1,"spec":{"x":2,"template":{"x":3,"spec":{"x":4}}}}`},
		{"another container inherits nothing", inTemplate(`"containers":[{"name":"a","x":1}]`), func(s *service) {
			s.container().Name = "b"
		}, inTemplate(`"containers":[{"name":"b"}]`)},
		{"a container gets a name", inTemplate(`"containers":[{"image":"i","x":1}]`), func(s *service) {
			s.container().Name = "b"
		}, inTemplate(`"containers":[{"image":"i","x":1,"name":"b"}]`)},
		{"a container gets a name and a sidecar", inTemplate(`"containers":[{"image":"i","x":1,"name":""}]`), func(s *service) {
			s.container().Name = "a"
			s.Spec.Template.Spec.Containers = append(s.containers(), container{Name: "b"})
		}, inTemplate(`"containers":[{"image":"i","x":1,"name":"a"},{"name":"b"}]`)},
		{"a container loses its name", inTemplate(`"containers":[{"name":"a","x":1},{"name":"b"}]`), func(s *service) {
			s.container().Name = ""
		}, inTemplate(`"containers":[{},{"name":"b"}]`)},
		{"a sidecar in front of an unnamed container", inTemplate(`"containers":[{"image":"i","x":1}]`), func(s *service) {
			s.Spec.Template.Spec.Containers = []container{{Name: "b"}, {Image: "j"}}
		}, inTemplate(`"containers":[{"name":"b"},{"image":"j","x":1}]`)},
		{"volumes", inTemplate(`"volumes":[{"name":"a","emptyDir":{},"x":1},{"name":"b","new":{}}]`), func(s *service) {
			v := s.Spec.Template.Spec.Volumes
			s.Spec.Template.Spec.Volumes = []volume{{Name: "c", EmptyDir: &emptyDir{}}, v[1], v[0]}
		}, inTemplate(`"volumes":[{"name":"c","emptyDir":{}},{"name":"b","new":{}},{"name":"a","emptyDir":{},"x":1}]`)},
		{"env", inContainer(`"env":[{"name":"A","value":"","x":1},{"name":"B","value":"1","x":2},{"name":"C","value":"1"}]`), func(s *service) {
			e := s.container().Env
			s.container().Env = []env{e[0], {Name: "B", Value: "2"}, {Name: "D"}}
		}, inContainer(`"env":[{"name":"A","value":"","x":1},{"name":"B","value":"2","x":2},{"name":"D"}]`)},
		{"env whose value becomes empty", inContainer(`"env":[{"name":"A","value":"1","x":1}]`), func(s *service) {
			s.container().Env[0].Value = ""
		}, inContainer(`"env":[{"name":"A","x":1}]`)},
		{"a reference within an env var", inContainer(`"env":[{"name":"A","valueFrom":{"x":1,"secretKeyRef":{"localObjectReference":{"name":"s"},"key":"1"}}}]`),
			func(s *service) { s.container().Env[0].ValueFrom.SecretKeyRef.Key = "2" },
			inContainer(`"env":[{"name":"A","valueFrom":{"x":1,"secretKeyRef":{"localObjectReference":{"name":"s"},"key":"2"}}}]`)},
		{"env vars of one name match in order", inContainer(`"env":[{"name":"A","value":"1","x":1},{"name":"A","value":"2","x":2}]`), func(s *service) {
			s.container().Env[0].Value, s.container().Env[1].Value = "3", "4"
		}, inContainer(`"env":[{"name":"A","value":"3","x":1},{"name":"A","value":"4","x":2}]`)},
		{"of two of one name, the unchanged one stays", inContainer(`"env":[{"name":"A","value":"1","x":1},{"name":"A","value":"2","x":2}]`), func(s *service) {
			s.container().Env = s.container().Env[1:]
		}, inContainer(`"env":[{"name":"A","value":"2","x":2}]`)},
		{"mounts by path", inContainer(`"volumeMounts":[{"name":"a","mountPath":"/a","x":1},{"name":"b","mountPath":"/b","x":2}]`), func(s *service) {
			s.container().Mounts = []mount{{Name: "c", MountPath: "/b"}, {Name: "a", MountPath: "/c"}}
		}, inContainer(`"volumeMounts":[{"name":"c","mountPath":"/b","x":2},{"name":"a","mountPath":"/c"}]`)},
		{"ports by place", inContainer(`"ports":[{"name":"http1","containerPort":80,"x":1}]`), func(s *service) {
			s.container().Ports = []port{{Name: "h2c", ContainerPort: 81}}
		}, inContainer(`"ports":[{"name":"h2c","containerPort":81,"x":1}]`)},
		{"items by path", inTemplate(`"volumes":[{"name":"v","secret":{"items":[{"key":"1","path":"a","x":1},{"key":"1","path":"b"}]}}]`), func(s *service) {
			s.Spec.Template.Spec.Volumes[0].Secret.Items = []item{{Key: "2", Path: "a"}}
		}, inTemplate(`"volumes":[{"name":"v","secret":{"items":[{"key":"2","path":"a","x":1}]}}]`)},
		{"conditions by type", `{"status":{"conditions":[{"type":"A","status":"True","x":1},{"type":"B","status":"True","x":2}]}}`, func(s *service) {
			s.Status.Conditions = []condition{{Type: "B", Status: "False"}}
		}, `{"status":{"conditions":[{"type":"B","status":"False","x":2}]}}`},
		{"scalars", inContainer(`"args":["\u0061","b"]`), func(s *service) { s.container().Args = []string{"a", "c"} },
			inContainer(`"args":["\u0061","c"]`)},
		{"elements of no known identity", inContainer(`"envFrom":[{"prefix":"a","x":1},{"prefix":"b","x":2}]`), func(s *service) {
			s.container().EnvFrom = []envFrom{{Prefix: "b"}, {Prefix: "c"}}
		}, inContainer(`"envFrom":[{"prefix":"b","x":2},{"prefix":"c"}]`)},
		{"a null element", inContainer(`"env":[null,{"name":"A","x":1}]`), func(s *service) { s.container().Env[1].Value = "1" },
			inContainer(`"env":[null,{"name":"A","x":1,"value":"1"}]`)},
		{"a null element gets a name", inContainer(`"env":[null]`), func(s *service) { s.container().Env[0].Name = "A" },
			inContainer(`"env":[{"name":"A"}]`)},
		{"an empty list", inContainer(`"env":[]`), func(s *service) { s.container().Env = []env{{Name: "A"}} },
			inContainer(`"env":[{"name":"A"}]`)},
		{"a null list", inContainer(`"env":null`), func(s *service) { s.container().Env = []env{{Name: "A"}} },
			inContainer(`"env":[{"name":"A"}]`)},
		{"white space inside stays where nothing changed", inTemplate(`"containers":[ { "name" : "a" }, {"name":"b"}]`), func(s *service) {
			s.containers()[1].Image = "i"
		}, inTemplate(`"containers":[{ "name" : "a" },{"name":"b","image":"i"}]`)},
	})
}

func TestMergeTraffic(t *testing.T) {
	t.Parallel()
	targets := func(list string) string { return inSpec(`"traffic":[` + list + `]`) }
	latest := func(percent int64) traffic { return traffic{LatestRevision: ptr(true), Percent: &percent} }
	runEdits(t, []editCase{
		{"the split changes", targets(`{"latestRevision":true,"percent":100,"x":1},{"revisionName":"a","tag":"t","percent":0,"x":2}`), func(s *service) {
			s.Spec.Traffic[0].Percent, s.Spec.Traffic[1].Percent = ptr[int64](10), ptr[int64](90)
		}, targets(`{"latestRevision":true,"percent":10,"x":1},{"revisionName":"a","tag":"t","percent":90,"x":2}`)},
		{"a tag is renamed", targets(`{"revisionName":"a","tag":"t","x":1},{"revisionName":"a","tag":"u","x":2}`), func(s *service) {
			s.Spec.Traffic[0].Tag = "v"
		}, targets(`{"revisionName":"a","tag":"v","x":1},{"revisionName":"a","tag":"u","x":2}`)},
		{"of two of one revision, the one of the same share is renamed", targets(`{"revisionName":"a","tag":"t","x":1},{"revisionName":"a","tag":"u","percent":100,"x":2}`), func(s *service) {
			s.Spec.Traffic = []traffic{{RevisionName: "a", Tag: "v", Percent: ptr[int64](100)}}
		}, targets(`{"revisionName":"a","tag":"v","percent":100,"x":2}`)},
		{"a target gets a tag and less traffic", targets(`{"revisionName":"a","percent":100,"x":1}`), func(s *service) {
			s.Spec.Traffic = []traffic{latest(10), {RevisionName: "a", Tag: "old", Percent: ptr[int64](90)}}
		}, targets(`{"latestRevision":true,"percent":10},{"revisionName":"a","percent":90,"x":1,"tag":"old"}`)},
		{"a tag on another revision inherits nothing", targets(`{"revisionName":"a","tag":"t","x":1}`), func(s *service) {
			s.Spec.Traffic[0].RevisionName = "b"
		}, targets(`{"tag":"t","revisionName":"b"}`)},
		{"a tag is no revision", targets(`{"tag":"a","x":1}`), func(s *service) {
			s.Spec.Traffic = []traffic{{RevisionName: "a"}}
		}, targets(`{"revisionName":"a"}`)},
		{"a revision instead of the latest inherits nothing", targets(`{"latestRevision":true,"percent":100,"x":1}`), func(s *service) {
			s.Spec.Traffic = []traffic{{RevisionName: "a", Percent: ptr[int64](100)}}
		}, targets(`{"revisionName":"a","percent":100}`)},
		{"latestRevision false is as good as none", targets(`{"latestRevision":false,"revisionName":"a","percent":100,"x":1}`), func(s *service) {
			s.Spec.Traffic = []traffic{{RevisionName: "a", Percent: ptr[int64](50)}, latest(50)}
		}, targets(`{"revisionName":"a","percent":50,"x":1},{"latestRevision":true,"percent":50}`)},
		{"explicit zeros stay", targets(`{"latestRevision":true,"percent":100,"x":1e2,"tag":""},{"revisionName":"a","percent":0,"tag":null}`), func(s *service) {
			s.Spec.Traffic = append(s.Spec.Traffic, traffic{RevisionName: "b", Tag: "t"})
		}, targets(`{"latestRevision":true,"percent":100,"x":1e2,"tag":""},{"revisionName":"a","percent":0,"tag":null},{"tag":"t","revisionName":"b"}`)},
	})
}

// TestMergeKeepsUnknownFields puts fields that the view does not know everywhere,
// and makes an edit next to each of them.
func TestMergeKeepsUnknownFields(t *testing.T) {
	t.Parallel()
	const raw = `{"sandbox":{"x":[1]},
		"metadata":{"clusterName":"c","labels":{"a":"1"}},
		"spec":{"x":1,
			"template":{"x":2,"metadata":{"clusterName":"d"},
				"spec":{"sandboxes":[{"x":3}],"volumes":[{"name":"v","x":4,"secret":{"x":5,"items":[{"key":"1","path":"p","x":6}]}}],
					"containers":[{"sourceCode":{"x":[7.0]},"dependsOn":["b"],"image":"1","ports":[{"containerPort":1,"x":8}],
						"env":[{"name":"A","value":"","x":9,"valueFrom":{"x":10,"secretKeyRef":{"key":"1","x":11}}}],
						"resources":{"x":12,"limits":{"cpu":"1000m","memory":"1000m"}},
						"volumeMounts":[{"name":"1","mountPath":"/m","x":13}],
						"startupProbe":{"x":14,"initialDelaySeconds":0,"httpGet":{"x":15,"path":"1"}}}]}},
			"traffic":[{"latestRevision":true,"percent":1,"x":16}]},
		"status":{"x":17,"conditions":[{"type":"Ready","status":"1","x":18}]}}`
	s := view(t, raw)
	before := encode(t, s)
	template, c := &s.Spec.Template.Spec, s.container()
	s.Metadata.Labels["a"], s.Spec.Template.Metadata.Name = "2", "n"
	template.Volumes[0].Secret.Items[0].Key, template.Concurrency = "2", ptr[int64](2)
	c.Image, c.Ports[0].ContainerPort, c.Env[0].ValueFrom.SecretKeyRef.Key = "2", 2, "2"
	c.Resources.Limits["memory"], c.Mounts[0].Name, c.Startup.HTTPGet.Path = "2", "2", "2"
	s.Spec.Traffic[0].Percent, s.Status.Conditions[0].Status = ptr[int64](2), "2"
	merged, err := lossless.Merge([]byte(raw), before, encode(t, s))
	require.NoError(t, err)

	want := strings.NewReplacer(`:"1"`, `:"2"`, `t":1,`, `t":2,`, `"memory":"1000m"`, `"memory":"2"`,
		`"clusterName":"d"`, `"clusterName":"d","name":"n"`, `"sandboxes"`, `"containerConcurrency":2,"sandboxes"`).Replace(raw)
	require.JSONEq(t, want, string(merged))
	require.Contains(t, string(merged), `"sourceCode":{"x":[7.0]}`)
	require.Contains(t, string(merged), `"cpu":"1000m"`)
}

func TestMergeRejects(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 1000) + "{}" + strings.Repeat("}", 1000)
	for _, c := range []struct{ name, raw, before, after, want string }{
		{"raw is no object", `[]`, `{}`, `{"a":1}`, "the object to change: not a JSON object"},
		{"raw is no JSON", `{"a":}`, `{}`, `{"a":1}`, "the object to change: not valid JSON at byte 5"},
		{"raw is empty", ``, `{}`, `{"a":1}`, "not valid JSON at byte 0"},
		{"raw is too deep", deep, `{}`, `{"a":1}`, "nested more than 1000 levels"},
		{"before is no object", `{}`, `1`, `{"a":1}`, "typed view before"},
		{"after is no object", `{}`, `{}`, `null`, "typed view after"},
		{"a key twice", `{"a":1,"\u0061":2}`, `{"a":2}`, `{"a":3}`, `the key "a" twice`},
		{"a key twice before", `{}`, `{"a":2,"a":3}`, `{"a":3}`, `the key "a" twice`},
		{"a key twice after", `{}`, `{"a":2}`, `{"a":3,"a":4}`, `the key "a" twice`},
		{"a longer list", `{"a":{"env":[{},{}]}}`, `{"a":{"env":[{}]}}`, `{"a":{"env":[{"b":1}]}}`, `the list "env" has 2 elements, but 1 in its typed view`},
		{"another order", `{"env":[{"name":"B"},{"name":"A"}]}`, `{"env":[{"name":"A"},{"name":"B"}]}`, `{"env":[{"name":"A"}]}`,
			`element 0 of the list "env" is another one`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := lossless.Merge([]byte(c.raw), []byte(c.before), []byte(c.after))
			require.ErrorContains(t, err, c.want)
		})
	}
}

// TestMergeKinds checks that the typed view decides about a change of type.
func TestMergeKinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, before, after, want string }{
		{"the same in another spelling", `{"a":1.0}`, `{"a":1,"b":null}`, "{\"a\": 1e0}\n", `{"a":1.0}`},
		{"the same list in another spelling", `{"a":[{"b":1,"x":2}],"c":1}`, `{"a":[{"b":1}],"c":1}`, `{"a":[{"b":1.0}],"c":2}`, `{"a":[{"b":1,"x":2}],"c":2}`},
		{"the same where raw has another kind", `{"a":"1Gi"}`, `{"a":{"b":[1]}}`, `{"a":{"b":[1.0]},"c":1}`, `{"a":"1Gi","c":1}`},
		{"the same where raw has nothing", `{}`, `{"a":{"b":1}}`, `{"a":{"b":1.0},"c":1}`, `{"c":1}`},
		{"an object where raw has another kind", `{"a":"x"}`, `{"a":{}}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
		{"a list where raw has another kind", `{"a":"x"}`, `{"a":[]}`, `{"a":[1]}`, `{"a":[1]}`},
		{"an object beside what the view did not see", `{"a":{"x":1}}`, `{}`, `{"a":{"b":1}}`, `{"a":{"x":1,"b":1}}`},
		{"an object that the view had as something else", `{"a":{"x":1}}`, `{"a":1}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
		{"a number becomes a string", `{"a":1}`, `{"a":1}`, `{"a":"1"}`, `{"a":"1"}`},
		{"an object becomes a list", `{"a":{"x":1}}`, `{"a":{}}`, `{"a":[]}`, `{"a":[]}`},
		{"null drops", `{"a":1}`, `{"a":1}`, `{"a":null}`, `{}`},
		{"null keeps what the view did not see", `{"a":0}`, `{}`, `{"a":null,"b":1}`, `{"a":0,"b":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			merged, err := lossless.Merge([]byte(c.raw), []byte(c.before), []byte(c.after))
			require.NoError(t, err)
			require.Equal(t, c.want, string(merged))
		})
	}
}

func TestMergeReturnsRawItself(t *testing.T) {
	t.Parallel()
	raw, before := []byte(` { "a" : 1 } `), []byte(`{"a":1}`)
	for _, after := range []string{`{"a":1}`, `{"a":1.0}`, `{"a":1,"resources":{}}`} {
		merged, err := lossless.Merge(raw, before, []byte(after))
		require.NoError(t, err)
		require.Same(t, &raw[0], &merged[0], after)
	}
}
