package resources

import (
	"math/big"
	"strconv"
	"strings"
)

func whole(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

var quantityForm = compiled(`^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$`)

// quantity reads a Kubernetes quantity such as 512Mi, 0.5 or 1e3.
func quantity(s string) (*big.Rat, bool) {
	m := quantityForm().FindStringSubmatch(s)
	if m == nil || len(s) > 40 {
		return nil, false
	}
	number, suffix := strings.TrimSuffix(m[1], "."), m[2]
	if len(suffix) > 1 && (suffix[0] == 'e' || suffix[0] == 'E') && suffix[1] != 'i' {
		return new(big.Rat).SetString(number + suffix)
	}
	v, ok := new(big.Rat).SetString(number)
	if !ok {
		return nil, false
	}
	scale := map[string]*big.Rat{
		"": whole(1), "n": big.NewRat(1, 1e9), "u": big.NewRat(1, 1e6), "m": big.NewRat(1, 1e3),
		"k": whole(1e3), "M": whole(1e6), "G": whole(1e9), "T": whole(1e12), "P": whole(1e15), "E": whole(1e18),
		"Ki": whole(1 << 10), "Mi": whole(1 << 20), "Gi": whole(1 << 30), "Ti": whole(1 << 40), "Pi": whole(1 << 50), "Ei": whole(1 << 60),
	}
	return v.Mul(v, scale[suffix]), true
}

// milliCPU reads a quantity of CPUs such as 0.5, 500m or 2.
func milliCPU(q string) int {
	if m, ok := strings.CutSuffix(q, "m"); ok {
		return atoi(m)
	}
	whole, fraction, _ := strings.Cut(q, ".")
	return atoi(whole)*1000 + atoi((fraction + "000")[:3])
}

// atoi reads a number. It returns 0 for anything else.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
