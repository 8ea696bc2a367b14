package quantity_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/quantity"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "1", "0.5", "500m", "512Mi", "1e3", "1E-9", "1e999", "-1.5e+3", strings.Repeat("9", 40), "many"} {
		require.NoError(t, quantity.Check(text), text)
	}
	for _, text := range []string{"1e-99999999", "1e9999", "1E+1000", "1e0000001", strings.Repeat("9", 41), "0." + strings.Repeat("0", 50) + "1Mi"} {
		require.ErrorIs(t, quantity.Check(text), quantity.ErrTooLong, text)
	}
}

// A quantity is found wherever it is, however its key and its digits are spelled.
func TestCheckJSON(t *testing.T) {
	t.Parallel()
	long := `"1e-9999999"`
	for name, body := range map[string]string{
		"limit":                `{"spec": {"containers": [{"resources": {"limits": {"cpu": ` + long + `}}}]}}`,
		"number":               `{"limits": {"cpu": 1e99999}}`,
		"digits":               `{"requests": {"cpu": ` + strings.Repeat("9", 50) + `}}`,
		"divisor":              `{"env": [{"valueFrom": {"resourceFieldRef": {"divisor": ` + long + `}}}]}`,
		"size limit":           `{"emptyDir": {"sizeLimit": ` + long + `}}`,
		"overhead":             `{"overhead": {"cpu": ` + long + `}}`,
		"other case":           `{"LIMITS": {"cpu": ` + long + `}}`,
		"folded case":          `{"limit\u017f": {"cpu": ` + long + `}}`,
		"escaped e":            `{"limits": {"cpu": "1\u0065-9999999"}}`,
		"escaped E":            `{"limits": {"cpu": "1\u0045-9999999"}}`,
		"escaped digits":       `{"limits": {"cpu": "1e\u0039\u0039\u0039\u0039\u0039"}}`,
		"escaped key":          `{"lim\u0069ts": {"cpu": ` + long + `}}`,
		"after a wrong type":   `{"metadata": 7, "spec": "x", "limits": {"cpu": ` + long + `}}`,
		"after a duplicate":    `{"limits": 1, "limits": {"cpu": ` + long + `}}`,
		"before a broken end":  `{"limits": {"cpu": ` + long + `}, "a"`,
		"second of two values": `{} {"limits": {"cpu": ` + long + `}}`,
	} {
		require.ErrorIs(t, quantity.CheckJSON([]byte(body)), quantity.ErrTooLong, name)
	}
	for name, body := range map[string]string{
		"empty":              ``,
		"broken":             `{"a": "1e99999`,
		"a name":             `{"metadata": {"name": "e12345", "uid": "8e123456"}}`,
		"a value":            `{"env": [{"name": "limits", "value": ` + long + `}]}`,
		"an annotation":      `{"annotations": {"divisor": ` + long + `, "limits": ` + long + `}}`,
		"a common quantity":  `{"uid": "8e123456", "limits": {"cpu": "1", "memory": "512Mi"}}`,
		"escaped characters": `{"annotations": {"a": "\u003ca\u003e \u0026 \u0035"}, "limits": {"cpu": "1"}}`,
	} {
		require.NoError(t, quantity.CheckJSON([]byte(body)), name)
	}
}
