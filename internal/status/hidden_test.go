package status_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

func TestHidden(t *testing.T) {
	t.Parallel()
	r := &servingv1.Revision{}
	r.Name = "hello-00001"
	r.Spec.Containers = []corev1.Container{{Env: []corev1.EnvVar{{Name: "A", Value: "hunter2"}}}}
	known := redact.NewMemory()
	status.Learn(known, r, r)
	status.Learn(known, r, make(chan int)) // known already, so it is not encoded
	conditions := []apis.Condition{{Type: "Ready", Reason: "hunter2Bad", Message: "bad hunter2"}}
	require.Equal(t, []apis.Condition{{Type: "Ready", Reason: "(hidden)Bad", Message: "bad (hidden)"}}, status.Hidden(known, conditions))
	require.Equal(t, "bad hunter2", conditions[0].Message)
	require.Nil(t, status.Hidden(known, nil))
}
