package lossless_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/lossless"
)

// typicalService is a Service of some 5 KB, as a server sends it.
func typicalService() string {
	var vars, annotations, conditions []string
	for i := range 30 {
		vars = append(vars, fmt.Sprintf(`{"name":"VARIABLE_%d","value":"a value of common length %d"}`, i, i))
		annotations = append(annotations, fmt.Sprintf(`"run.googleapis.com/annotation-%d":"value-%d"`, i, i))
	}
	for _, kind := range []string{"Ready", "ConfigurationsReady", "RoutesReady"} {
		conditions = append(conditions, fmt.Sprintf(`{"type":%q,"status":"True","lastTransitionTime":"2025-01-01T00:00:00.123456Z"}`, kind))
	}
	metadata := `{"name":"service","labels":{"cloud.googleapis.com/location":"us-central1"},"annotations":{` + strings.Join(annotations, ",") + `}}`
	return `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":` + metadata + `,"spec":{"template":{"metadata":` + metadata +
		`,"spec":{"containers":[{"image":"gcr.io/project/image:1","sourceCode":{"a":1},"env":[` + strings.Join(vars, ",") +
		`],"resources":{"limits":{"cpu":"1000m","memory":"512Mi"}}}]}},"traffic":[{"latestRevision":true,"percent":100}]},"status":{"conditions":[` +
		strings.Join(conditions, ",") + `]}}`
}

func BenchmarkMerge(b *testing.B) {
	raw := typicalService()
	s := view(b, raw)
	before := encode(b, s)
	s.container().Image = "gcr.io/project/image:2"
	after := encode(b, s)
	b.Run("one image", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			_, err := lossless.Merge([]byte(raw), before, after)
			require.NoError(b, err)
		}
	})
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			_, err := lossless.Merge([]byte(raw), before, before)
			require.NoError(b, err)
		}
	})
	b.Run("decode and encode raw instead", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			var v map[string]any
			require.NoError(b, json.Unmarshal([]byte(raw), &v))
			_, err := json.Marshal(v)
			require.NoError(b, err)
		}
	})
}

func BenchmarkMergeLongList(b *testing.B) {
	for _, n := range []int{250, 1000, 4000} {
		vars := make([]string, n)
		for i := range vars {
			vars[i] = fmt.Sprintf(`{"name":"V%d","value":"%d","x":1}`, i, i)
		}
		raw := inContainer(`"env":[` + strings.Join(vars, ",") + `]`)
		s := view(b, raw)
		before := encode(b, s)
		s.container().Env = append([]env{{Name: "NEW"}}, s.container().Env...)
		for i := range s.container().Env {
			s.container().Env[i].Value += "."
		}
		after := encode(b, s)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				_, err := lossless.Merge([]byte(raw), before, after)
				require.NoError(b, err)
			}
		})
	}
}
