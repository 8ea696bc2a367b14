package diff_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/diff"
)

// lines returns changes in the short form of the tables.
func lines(changes []diff.Change) []string {
	all := []string{}
	for _, c := range changes {
		switch c.Kind {
		case diff.Added:
			all = append(all, fmt.Sprintf("+ %s %v", c.Path, c.After))
		case diff.Removed:
			all = append(all, fmt.Sprintf("- %s %v", c.Path, c.Before))
		case diff.Changed:
			all = append(all, fmt.Sprintf("~ %s %v -> %v", c.Path, c.Before, c.After))
		}
	}
	return all
}

func template(spec string) string { return `{"spec":{"template":{"spec":` + spec + `}}}` }

func containers(list string) string { return template(`{"containers":` + list + `}`) }

func traffic(list string) string { return `{"spec":{"traffic":` + list + `}}` }

func annotations(pairs string) string { return `{"metadata":{"annotations":{` + pairs + `}}}` }

func TestDiff(t *testing.T) {
	t.Parallel()
	const in = "spec.template.spec."
	for name, tc := range map[string]struct {
		before, after string
		want          []string
	}{
		"from nothing": {"", containers(`[{"image":"a","resources":{},"ports":[{"containerPort":8080}]}]`),
			[]string{"+ " + in + "containers[0].image a", "+ " + in + "containers[0].ports[0].containerPort 8080"}},
		"to nothing": {containers(`[{"name":"app","image":"a"}]`), " ", []string{"- " + in + "containers[app].image a"}},
		"image":      {containers(`[{"image":"a"}]`), containers(`[{"image":"b"}]`), []string{"~ " + in + "containers[0].image a -> b"}},
		"containers by name": {containers(`[{"name":"app","image":"a"},{"name":"proxy","image":"p"}]`),
			containers(`[{"name":"new","image":"n"},{"name":"proxy","image":"q"},{"name":"app","image":"a"}]`),
			[]string{"+ " + in + "containers[new].image n", "~ " + in + "containers[proxy].image p -> q"}},
		"a container gets a name": {containers(`[{"image":"a"}]`), containers(`[{"name":"app","image":"b"}]`),
			[]string{"~ " + in + "containers[app].image a -> b", "+ " + in + "containers[app].name app"}},
		"env by name": {containers(`[{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}]`),
			containers(`[{"env":[{"name":"B","value":"3"},{"name":"C","valueFrom":{"secretKeyRef":{"name":"s","key":"1"}}}]}]`),
			[]string{"- " + in + "containers[0].env[A].value 1", "~ " + in + "containers[0].env[B].value 2 -> 3",
				"+ " + in + "containers[0].env[C].valueFrom.secretKeyRef.key 1", "+ " + in + "containers[0].env[C].valueFrom.secretKeyRef.name s"}},
		"an empty variable": {containers(`[{"env":[{"name":"A"}]}]`), containers(`[{"env":[{"value":"","name":"A"}]}]`), nil},
		"a variable without a value is added": {containers(`[{"image":"a"}]`), containers(`[{"image":"a","env":[{"name":"A"}]}]`),
			[]string{"+ " + in + "containers[0].env[A].value "}},
		"a variable twice": {containers(`[{"env":[{"name":"A","value":"1"}]}]`),
			containers(`[{"env":[{"name":"A","value":"1"},{"name":"A","value":"2"}]}]`),
			[]string{"~ " + in + "containers[0].env [map[name:A value:1]] -> [map[name:A value:1] map[name:A value:2]]"}},
		"volumes and mounts": {template(`{"volumes":[{"name":"v","emptyDir":{}}],"containers":[{"volumeMounts":[{"name":"v","mountPath":"/a"}]}]}`),
			template(`{"volumes":[{"name":"w","emptyDir":{}}],"containers":[{"volumeMounts":[{"name":"w","mountPath":"/a"}]}]}`),
			[]string{"~ " + in + "containers[0].volumeMounts[/a].name v -> w", "- " + in + "volumes[v].emptyDir map[]", "+ " + in + "volumes[w].emptyDir map[]"}},
		"arguments as a whole": {containers(`[{"args":["a","b"]}]`), containers(`[{"args":["b","a"]}]`),
			[]string{"~ " + in + "containers[0].args [a b] -> [b a]"}},
		"empty lists": {containers(`[{"args":[],"env":null,"image":"a"}]`), containers(`[{"image":"a"}]`), nil},
		"quantities": {containers(`[{"resources":{"limits":{"cpu":"1000m","memory":"1Gi"},"requests":{"cpu":1}}}]`),
			containers(`[{"resources":{"limits":{"cpu":"1","memory":"1024Mi"},"requests":{"cpu":"1.0"}}}]`), nil},
		"quantities of all sizes": {containers(`[{"resources":{"limits":{"a":"1k","b":"1000u","c":"1000n","d":"1e3","e":"1024Pi","f":"1000M"}}}]`),
			containers(`[{"resources":{"limits":{"a":"1000","b":"1m","c":"1u","d":"1k","e":"1Ei","f":"1G"}}}]`), nil},
		"other quantities": {containers(`[{"resources":{"limits":{"cpu":"1","memory":"1Gi"}}}]`), containers(`[{"resources":{"limits":{"cpu":"2","memory":"1G"}}}]`),
			[]string{"~ " + in + "containers[0].resources.limits.cpu 1 -> 2", "~ " + in + "containers[0].resources.limits.memory 1Gi -> 1G"}},
		"what looks like a quantity": {containers(`[{"image":"1000m"}]`), containers(`[{"image":"1"}]`), []string{"~ " + in + "containers[0].image 1000m -> 1"}},
		"size of a volume":           {template(`{"volumes":[{"name":"v","emptyDir":{"sizeLimit":"1Gi"}}]}`), template(`{"volumes":[{"name":"v","emptyDir":{"sizeLimit":"1024Mi"}}]}`), nil},
		"numbers":                    {template(`{"timeoutSeconds":300}`), template(`{"timeoutSeconds":3.00e2}`), nil},
		"annotations": {annotations(`"a":"True","b":"x","run.googleapis.com/custom-audiences":"[\"u\", \"v\"]"`),
			annotations(`"a":"true","b":"X","run.googleapis.com/custom-audiences":"[\"u\",\"v\"]"`), []string{"~ metadata.annotations.b x -> X"}},
		"YAML for JSON": {annotations(`"run.googleapis.com/container-dependencies":"{app:[a], b: [c]}"`),
			annotations(`"run.googleapis.com/container-dependencies":"{\"b\":[\"c\"],\"app\":[\"a\"]}"`), nil},
		"JSON where nobody knows of any": {annotations(`"x.y/z":"[1, 2]"`), annotations(`"x.y/z":"[1,2]"`), []string{"~ metadata.annotations[x.y/z] [1, 2] -> [1,2]"}},
		"a label is no annotation":       {`{"metadata":{"labels":{"a":"True"}}}`, `{"metadata":{"labels":{"a":"true"}}}`, []string{"~ metadata.labels.a True -> true"}},
		"what the server decides": {`{"apiVersion":"v","kind":"K","metadata":{"uid":"1","generation":1,"resourceVersion":"a","selfLink":"/","creationTimestamp":"now","namespace":"p"},"status":{"x":1}}`,
			annotations(`"serving.knative.dev/creator":"a","serving.knative.dev/lastModifier":"a","run.googleapis.com/operation-id":"o","run.googleapis.com/urls":"[]",
				"run.googleapis.com/ingress-status":"all","run.googleapis.com/client-name":"gcloud","client.knative.dev/user-image":"i"`), nil},
		"nonce": {`{"spec":{"template":{"metadata":{"labels":{"client.knative.dev/nonce":"a"}}}}}`,
			`{"spec":{"template":{"metadata":{"annotations":{"run.googleapis.com/client-version":"1"}}}}}`, nil},
		"the name of a Revision": {`{"spec":{"template":{"metadata":{"name":"a"}}}}`, `{"spec":{"template":{}}}`, []string{"- spec.template.metadata.name a"}},
		"traffic": {traffic(`[{"latestRevision":true,"percent":100}]`), traffic(`[{"revisionName":"a","percent":60},{"latestRevision":true,"percent":40,"tag":"t"}]`),
			[]string{"~ spec.traffic[LATEST].percent 100 -> 40", "+ spec.traffic[a].percent 60", "+ spec.traffic[tag t].revisionName LATEST"}},
		"traffic spread otherwise": {traffic(`[{"revisionName":"a","percent":100,"tag":"t"}]`),
			traffic(`[{"tag":"t","revisionName":"a"},{"revisionName":"a","percent":40},{"revisionName":"b"},{"percent":60,"revisionName":"a","latestRevision":false}]`), nil},
		"a tag moves":                {traffic(`[{"revisionName":"a","tag":"t"}]`), traffic(`[{"revisionName":"b","tag":"t"}]`), []string{"~ spec.traffic[tag t].revisionName a -> b"}},
		"traffic with unknown parts": {traffic(`[{"revisionName":"a","x":1}]`), traffic(`[{"revisionName":"a"}]`), []string{"~ spec.traffic [map[revisionName:a x:1]] -> [map[revisionName:a]]"}},
		"another type":               {containers(`"none"`), containers(`[{"image":"a"}]`), []string{"~ " + in + "containers none -> [map[image:a]]"}},
		"unknown fields":             {template(`{"sandboxes":{"x":[1,{"y":null}]}}`), template(`{"sandboxes":{"x":[1.0,{}]},"z":false}`), []string{"+ " + in + "z false"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changes, err := diff.Diff([]byte(tc.before), []byte(tc.after))
			require.NoError(t, err)
			want := append([]string{}, tc.want...)
			require.Equal(t, want, lines(changes))
			requireSymmetric(t, []byte(tc.before), []byte(tc.after), changes)
		})
	}
}

// requireSymmetric checks that the comparison in the other direction has the reverse changes.
func requireSymmetric(t *testing.T, before, after []byte, changes []diff.Change) {
	t.Helper()
	back, err := diff.Diff(after, before)
	require.NoError(t, err)
	opposite := map[diff.Kind]diff.Kind{diff.Added: diff.Removed, diff.Removed: diff.Added, diff.Changed: diff.Changed}
	for i, c := range back {
		back[i] = diff.Change{Path: c.Path, Kind: opposite[c.Kind], Before: c.After, After: c.Before}
	}
	require.ElementsMatch(t, changes, back)
}

func TestDiffRejects(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x", "[]", `"a"`, "null", `{"a":1} {}`, `{`} {
		_, err := diff.Diff([]byte(text), nil)
		require.ErrorContains(t, err, "the previous one", text)
		_, err = diff.Diff(nil, []byte(text))
		require.ErrorContains(t, err, "the new one", text)
	}
}

func FuzzDiff(f *testing.F) {
	for _, seed := range []string{
		"", `{"spec":{"traffic":[{"latestRevision":true,"percent":100},{"tag":"a","revisionName":"b"}]}}`,
		containers(`[{"name":"a","env":[{"name":"A"},{"value":"B"}],"ports":[{"containerPort":1}],"resources":{"limits":{"cpu":"1e3","memory":".5Gi"}}}]`),
		containers(`[{"":"x"},{"name":1},{"name":"a"},{"name":"a"},null,[]]`), annotations(`"run.googleapis.com/custom-audiences":"{","a":"TRUE"`),
	} {
		f.Add(seed, containers(`[{"image":"b"},{"name":"b"}]`))
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		changes, err := diff.Diff([]byte(before), []byte(after))
		if err != nil {
			return
		}
		for _, c := range changes {
			require.NotEmpty(t, c.Path.String())
		}
		requireSymmetric(t, []byte(before), []byte(after), changes)
		for _, text := range []string{before, after} {
			same, err := diff.Diff([]byte(text), []byte(text))
			require.NoError(t, err)
			require.Empty(t, same)
		}
	})
}

func TestHolds(t *testing.T) {
	t.Parallel()
	const limits = `{"spec":{"template":{"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"%s"}}}]}}}}`
	cpu := func(value string) string { return fmt.Sprintf(limits, value) }
	for name, tc := range map[string]struct {
		before, after, now string
		want               bool
	}{
		"another spelling":         {cpu("1"), cpu("0.5"), cpu("500m"), true},
		"another value":            {cpu("1"), cpu("0.5"), cpu("1"), false},
		"a default beside it":      {`{}`, `{"spec":{"a":1}}`, `{"spec":{"a":1,"b":2}}`, true},
		"a removal":                {`{"spec":{"a":1,"b":2}}`, `{"spec":{"a":1}}`, `{"spec":{"a":1}}`, true},
		"a removal that came back": {`{"spec":{"a":1,"b":2}}`, `{"spec":{"a":1}}`, `{"spec":{"a":1,"b":3}}`, false},
		"a later change elsewhere": {`{"spec":{"a":1,"b":2}}`, `{"spec":{"a":2,"b":2}}`, `{"spec":{"a":2,"b":3}}`, true},
		"nothing with a meaning":   {`{"status":{}}`, `{"status":{"a":1}}`, `{"status":{"a":1}}`, false},
		"not JSON":                 {`{}`, `{"spec":{"a":1}}`, `[`, false},
	} {
		require.Equal(t, tc.want, diff.Holds([]byte(tc.before), []byte(tc.after), []byte(tc.now)), name)
	}
}

func TestContains(t *testing.T) {
	t.Parallel()
	service := []byte(`{"spec":{"a":1,"b":2}}`)
	require.True(t, diff.Contains(service, []byte(`{"spec":{"a":1}}`)))
	require.False(t, diff.Contains(service, []byte(`{"spec":{"a":2}}`)))
	require.False(t, diff.Contains(service, []byte(`{"spec":{"c":2}}`)))
}
