// Package answer decides whether the answer to a request is about the object of
// the request, and whether the answer to a write is the object as the write made
// it. A proxy or a cache may answer with another object.
package answer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// Object is the identity and the version of an object. What is not known is empty.
type Object struct {
	Name, Namespace, UID, ResourceVersion string
	Generation                            int64
}

// ErrOtherPlace is matched by the error of a response about an object with another name or namespace.
var ErrOtherPlace = errors.New("the response is about another object")

// strays is how many tries in a row end a call.
const strays = 3

// Strays counts the tries of one call, in a row, whose response was about an object
// with another name or namespace. A proxy that confuses two requests does that once. One
// with a wrong route does it every time, so that more tries are of no use. The zero
// value is ready for use.
type Strays struct{ n int }

// End notes the error of a try. It reports whether the call is to end, because too
// many responses in a row were about another object.
func (s *Strays) End(err error) bool {
	if !errors.Is(err, ErrOtherPlace) {
		s.n = 0
		return false
	}
	s.n++
	return s.n >= strays
}

// Place is where an object is.
type Place struct {
	Name, Namespace string
	// Projects reports whether the namespace is a project. The server then gives
	// its number in place of its ID.
	Projects bool
}

// Check returns an error if an object is at another place.
func (p Place) Check(o Object) error {
	if o.Name != p.Name {
		return fmt.Errorf("%w: %s instead of %q", ErrOtherPlace, shown(o.Name), p.Name)
	}
	if o.Namespace == "" || o.Namespace == p.Namespace || p.Projects && isNumeric(o.Namespace) != isNumeric(p.Namespace) {
		return nil
	}
	return fmt.Errorf("%w: namespace %s instead of %q", ErrOtherPlace, shown(o.Namespace), p.Namespace)
}

func shown(name string) string { return fmt.Sprintf("%q", safetext.Line(name, 100)) }

func isNumeric(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
