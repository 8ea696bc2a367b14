package diff

import (
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cloudrun-go/cloudrun/internal/manifest"
)

// same reports whether two values at a path mean the same.
func same(p Path, a, b any) bool {
	switch {
	case isQuantity(p):
		x, y := quantity(a), quantity(b)
		if x != nil && y != nil {
			return x.Cmp(y) == 0
		}
	case isAnnotation(p):
		x, isX := a.(string)
		y, isY := b.(string)
		if isX && isY {
			return sameAnnotation(p.last(), x, y)
		}
	}
	return equal(a, b)
}

// equal compares decoded values, and numbers by value.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, v := range a {
			if other, ok := b[name]; !ok || !equal(v, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(a.String(), b.String())
	}
	return a == b
}

func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	x, y := quantity(json.Number(a)), quantity(json.Number(b))
	return x != nil && y != nil && x.Cmp(y) == 0
}

// isQuantity reports whether there is a quantity of Kubernetes at a path.
func isQuantity(p Path) bool {
	within := slices.ContainsFunc(p, func(s Step) bool { return !s.Item && (s.Name == "limits" || s.Name == "requests") })
	return within || p.last() == "sizeLimit"
}

// quantityRE bounds the digits and the exponent, and so the work for a hostile text.
var quantityRE = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40}))([eE][+-]?[0-9]{1,2})?([numkMGTPE]|[KMGTPE]i)?$`)
})

// quantity returns the value of a quantity or number; nil for other values.
func quantity(v any) *big.Rat {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	default:
		return nil
	}
	parts := quantityRE().FindStringSubmatch(text)
	if parts == nil || parts[2] != "" && parts[3] != "" {
		return nil
	}
	value, ok := new(big.Rat).SetString(parts[1] + parts[2])
	if !ok {
		return nil
	}
	return value.Mul(value, unit(parts[3]))
}

// unit returns the factor of a suffix of a quantity.
func unit(suffix string) *big.Rat {
	const decimal, binary = "num kMGTPE", " KMGTPE" // the position determines the exponent
	base, exponent := int64(1000), strings.Index(decimal, suffix)-len("num")
	if letter, isBinary := strings.CutSuffix(suffix, "i"); isBinary {
		base, exponent = 1024, strings.Index(binary, letter)
	}
	if suffix == "" {
		exponent = 0
	}
	power := new(big.Int).Exp(big.NewInt(base), big.NewInt(int64(max(exponent, -exponent))), nil)
	if exponent < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), power)
	}
	return new(big.Rat).SetInt(power)
}

func isAnnotation(p Path) bool {
	return len(p) > 2 && p[len(p)-2].Name == "annotations" && p[len(p)-3].Name == "metadata"
}

func sameAnnotation(key, a, b string) bool {
	switch {
	case a == b:
		return true
	case isBool(a) && isBool(b):
		return strings.EqualFold(a, b)
	case holdsValue(key):
		x, err := decodeAny(a)
		if err != nil {
			return false
		}
		y, err := decodeAny(b)
		return err == nil && equal(x, y)
	}
	return false
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

// decodeAny decodes one JSON value, which may be spelled as YAML.
func decodeAny(text string) (v any, err error) {
	if raw, ok := manifest.Value(text); ok && !json.Valid([]byte(text)) {
		text = string(raw)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text after the end of the value")
	}
	return v, nil
}

// holdsValue reports whether the value of an annotation is JSON or YAML.
func holdsValue(key string) bool {
	return slices.Contains([]string{"run.googleapis.com/base-images", "run.googleapis.com/container-dependencies",
		"run.googleapis.com/custom-audiences", "run.googleapis.com/network-interfaces"}, key)
}
