package status

import (
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"

	"github.com/cloudrun-go/cloudrun/internal/redact"
)

// Hidden returns conditions without the values that a call knows. It does not
// change those that it is given.
func Hidden(known *redact.Memory, conditions []apis.Condition) []apis.Condition {
	shown := slices.Clone(conditions)
	for i := range shown {
		shown[i].Reason, shown[i].Message = known.Message(shown[i].Reason), known.Message(shown[i].Message)
	}
	return shown
}

// Learn adds a Service or a Revision that was read to what a call knows.
func Learn(known *redact.Memory, meta metav1.Object, object any) {
	known.LearnOnce(fmt.Sprintf("%s/%s/%d", meta.GetName(), meta.GetUID(), meta.GetGeneration()), func() []byte {
		encoded, _ := json.Marshal(object) // what was decoded has an encoding
		return encoded
	})
}
