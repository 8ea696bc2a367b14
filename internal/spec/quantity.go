package spec

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// ParseQuantity parses an amount of a resource, which must be more than zero.
func ParseQuantity(s string) (resource.Quantity, error) {
	q, err := resource.ParseQuantity(s)
	if meant := quantityFor(s); err != nil && meant != "" {
		return q, fmt.Errorf("it is not a quantity: write %q", meant)
	}
	if err != nil {
		return q, errors.New(`it is not a quantity such as "2", "500m" or "1Gi"`)
	}
	if q.Sign() <= 0 {
		return q, errors.New("it must be more than zero")
	}
	return q, nil
}

// quantityFor returns the quantity for an amount such as "512MB" or "2 GiB",
// which is not one; empty for any other text.
func quantityFor(s string) string {
	unit := strings.TrimLeft(s, "0123456789.")
	number := s[:len(s)-len(unit)]
	unit = strings.TrimLeft(unit, " ")
	if number == "" || unit == "" || !strings.Contains("kKMGT", unit[:1]) {
		return ""
	}
	switch unit[1:] {
	case "", "i", "b", "B", "ib", "iB":
		return number + unit[:1] + "i"
	}
	return ""
}
