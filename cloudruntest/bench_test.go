package cloudruntest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

func BenchmarkDeploy(b *testing.B) {
	s := newServer(b, cloudruntest.WithRecording(0))
	create(b, s, "hello")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		edit(b, s, "hello", func(sv object) {
			dig(sv, "spec", "template", "spec", "containers", 0).(object)["env"] = []any{object{"name": "N", "value": fmt.Sprint(i)}}
		})
	}
}

func BenchmarkListPage(b *testing.B) {
	s := newServer(b, cloudruntest.WithRecording(0))
	for i := range 10_000 {
		doc, _ := json.Marshal(minimal(fmt.Sprintf("s%d", i)))
		require.NoError(b, s.PutService("demo", "us-central1", doc))
	}
	b.ReportAllocs()
	for b.Loop() {
		code, _, _ := send(b, s, "GET", demo+"/services?limit=100", nil)
		require.Equal(b, 200, code)
	}
}
