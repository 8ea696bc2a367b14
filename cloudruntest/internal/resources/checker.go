package resources

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// checker collects the problems of a document. It applies Cloud Run's rules, which
// differ from Knative's own.
type checker struct {
	cluster bool   // with the rules of Knative
	name    string // of the Service
	wrong   []apierror.Violation
}

func (k *checker) fail(field, format string, args ...any) {
	k.wrong = append(k.wrong, apierror.Violation{Field: field, Description: fmt.Sprintf(format, args...)})
}

// shape checks that the fields that are set are objects. Those whose name ends
// in [] must be lists of objects.
func (k *checker) shape(path string, o tree.Object, fields ...string) {
	for _, f := range fields {
		f, isList := strings.CutSuffix(f, "[]")
		v, given := o[f]
		if !given || v == nil {
			continue
		}
		if !isList {
			if _, ok := v.(tree.Object); !ok {
				k.fail(path+f, "Invalid value: an object is expected.")
			}
			continue
		}
		if list, ok := v.([]any); !ok || len(tree.Objects(o, f)) != len(list) {
			k.fail(path+f, "Invalid value: a list of objects is expected.")
		}
	}
}

// number checks an integer from 0 to most, which may be spelled as a string, and
// returns it. An absent one is 0.
func (k *checker) number(path string, v any, most int) int {
	if v == nil {
		return 0
	}
	n, ok := tree.Number(v)
	if s, isText := v.(string); isText {
		i, err := strconv.Atoi(s)
		n, ok = int64(i), err == nil
	}
	if !ok || n < 0 || n > int64(most) {
		k.fail(path, "Invalid value %v: an integer between 0 and %d is expected.", v, most)
		return 0
	}
	return int(n)
}
