package answer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/answer"
)

func TestDeletion(t *testing.T) {
	t.Parallel()
	d := answer.Deletion{Place: answer.Place{Name: "hello", Namespace: "demo"}, UID: "u"}
	for body, ok := range map[string]bool{
		``: true,
		`{"kind": "Status", "status": "Success"}`: true,
		`{"kind": "Status", "status": "Success", "metadata": {}, "details": {"name": "hello", "kind": "services"}}`:                                               true,
		`{"kind": "Status", "status": "Success", "details": {"name": "hello", "uid": "u"}}`:                                                                       true,
		`{"kind": "Service", "metadata": {"name": "hello", "namespace": "demo", "uid": "u", "resourceVersion": "AA/=", "generation": 2}, "status": {"url": "x"}}`: true,
		`{"kind": "Status", "status": "Success", "details": {"name": "other"}}`:                                                                                   false,
		`{"kind": "Status", "status": "Success", "details": {"name": "hello", "uid": "v"}}`:                                                                       false,
		`{"kind": "Status", "status": "Failure", "message": "it failed"}`:                                                                                         false,
		`{"kind": "Service", "metadata": {"name": "other"}}`:                                                                                                      false,
		`{"kind": "Service", "metadata": {"name": "hello", "namespace": "other"}}`:                                                                                false,
		`{"kind": "Service", "metadata": {"name": "hello", "uid": "v"}}`:                                                                                          false,
		`{}`: false, `null`: false, `[]`: false, `{`: false,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, ok, d.Check([]byte(body)) == nil)
		})
	}
}
