package cloudrun_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/resource"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// quantityPaths calls visit with an object, except for its quantity, for every quantity that a type can hold.
func quantityPaths(t reflect.Type, before, after string, depth int, visit func(before, after string)) {
	switch {
	case depth > 16:
	case t == reflect.TypeFor[resource.Quantity]():
		visit(before, after)
	case t.Kind() == reflect.Pointer:
		quantityPaths(t.Elem(), before, after, depth, visit)
	case t.Kind() == reflect.Slice:
		quantityPaths(t.Elem(), before+"[", "]"+after, depth+1, visit)
	case t.Kind() == reflect.Map:
		quantityPaths(t.Elem(), before+`{"cpu":`, "}"+after, depth+1, visit)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case !f.IsExported():
			case name == "" && f.Anonymous:
				quantityPaths(f.Type, before, after, depth+1, visit)
			case name != "" && name != "-":
				quantityPaths(f.Type, before+`{"`+name+`":`, "}"+after, depth+1, visit)
			}
		}
	}
}

// TestQuantitiesOfResponses checks that no place of a Service or a Revision takes a quantity that takes minutes to decode.
func TestQuantitiesOfResponses(t *testing.T) {
	t.Parallel()
	places := 0
	for _, typ := range []reflect.Type{reflect.TypeFor[servingv1.Service](), reflect.TypeFor[servingv1.Revision]()} {
		quantityPaths(typ, "", "", 0, func(before, after string) {
			places++
			_, err := rest.Decode[servingv1.Service]([]byte(before + `"1e-9999999"` + after))
			require.ErrorContains(t, err, "a quantity is too long", before)
			_, err = rest.Decode[servingv1.Revision]([]byte(`{"metadata": 7, "x": ` + before + `1e9999999` + after + `}`))
			require.ErrorContains(t, err, "a quantity is too long", before)
		})
	}
	require.Greater(t, places, 20)
}

func TestQuantitiesOfInput(t *testing.T) {
	t.Parallel()
	for _, amount := range []string{"1e-9999999", "1e9999999", strings.Repeat("9", 1<<20), "1e-99999999999999999999"} {
		for _, option := range []cloudrun.ServiceOption{cloudrun.WithCPU(amount), cloudrun.WithMemory(amount)} {
			_, err := cloudrun.NewService("hello", cloudrun.WithImage(image), option)
			require.ErrorContains(t, err, "too long for a quantity")
		}
		for _, field := range []string{
			`resources: {limits: {cpu: %q}}`, `resources: {requests: {memory: %q}}`,
			`env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: %q}}}]`,
		} {
			text := "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: hello}\nspec: {template: {spec: {containers: [{image: i, " + fmt.Sprintf(field, amount) + "}]}}}"
			for _, option := range []cloudrun.ManifestOption{cloudrun.ForCluster(), cloudrun.AllowUnknownFields()} {
				_, err := cloudrun.ParseManifest([]byte(text), option)
				require.ErrorContains(t, err, "too long for a number or a quantity", field)
			}
		}
	}
}

// mergedKeys is a manifest with many merged keys.
func mergedKeys(keys int) []byte {
	var b strings.Builder
	b.WriteString("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata:\n  name: hello\n  annotations: {<<: {")
	for i := range keys {
		fmt.Fprintf(&b, "k%d: a, ", i)
	}
	b.WriteString("z: z}}\nspec: {template: {spec: {containers: [{image: i}]}}}")
	return []byte(b.String())
}

// BenchmarkMergedKeys reports how much longer 16 times as many merged keys take: 16 if the time is linear.
func BenchmarkMergedKeys(b *testing.B) {
	few, many := mergedKeys(2_000), mergedKeys(32_000)
	parse := func(text []byte) time.Duration {
		start := time.Now()
		_, err := cloudrun.ParseManifest(text)
		require.NoError(b, err)
		return time.Since(start)
	}
	var short, long time.Duration
	for b.Loop() {
		short, long = short+parse(few), long+parse(many)
	}
	b.ReportMetric(float64(long)/float64(short), "x_few")
}
