package resources

import (
	"fmt"
	"maps"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
	"github.com/cloudrun-go/cloudrun/internal/apifields"
)

// unknownFields returns a problem for each field of an object that its kind does
// not have, in the words of Google's front end. A field that the stored object has
// is known: the control plane to imitate may be newer than the table.
func unknownFields(kind string, stored, doc tree.Object) []apierror.Violation {
	known := map[string]bool{}
	body := maps.Clone(doc)
	delete(body, "status") // it has no effect, and is as the server wrote it
	eachUnknown("", kind, stored, func(_, message, field string) { known[message+" "+field] = true })
	k := &checker{}
	eachUnknown(strings.ToLower(kind), kind, body, func(path, message, field string) {
		if !known[message+" "+field] {
			k.fail(path, "Invalid JSON payload received. Unknown name %q at '%s': Cannot find field.", field, path)
		}
	})
	return k.wrong
}

// eachUnknown visits the fields in a value that its type, as [apifields.Of]
// spells it, does not have. A value of another type is left to the other checks.
func eachUnknown(path, kind string, v any, visit func(path, message, field string)) {
	if inner, ok := strings.CutPrefix(kind, "[]"); ok {
		list, _ := v.([]any)
		for i, e := range list {
			eachUnknown(fmt.Sprintf("%s[%d]", path, i), inner, e, visit)
		}
		return
	}
	fields := apifields.Of(kind)
	o, _ := v.(tree.Object)
	if fields == nil {
		return
	}
	for _, name := range tree.SortedKeys(o) {
		if inner, ok := fields[name]; ok {
			eachUnknown(path+"."+name, inner, o[name], visit)
		} else {
			visit(path, kind, name)
		}
	}
}
