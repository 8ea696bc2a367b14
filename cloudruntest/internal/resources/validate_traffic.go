package resources

import (
	"fmt"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// traffic checks the traffic targets of a Service.
func (k *checker) traffic(list []tree.Object) {
	sum, tags := 0, map[string]bool{}
	for i, t := range list {
		path := fmt.Sprintf("spec.traffic[%d]", i)
		percent := k.number(path+".percent", t["percent"], 100)
		sum += percent
		if tree.Text(t, "revisionName") != "" && tree.Truth(t["latestRevision"]) {
			k.fail(path, "Either revisionName or latestRevision must be set, not both.")
		}
		tag := tree.Text(t, "tag")
		switch {
		case tag == "":
		case !isDNSLabel(tag) || len(tag) > 63:
			k.fail(path+".tag", "Invalid tag '%s': use only lowercase, digits, and hyphens; it must begin with a letter.", tag)
		case !k.cluster && len(tag)+len(k.name) > 46:
			k.fail(path+".tag", "Invalid tag '%s': with the name of the service it must be at most 46 characters long.", tag)
		case tags[tag]:
			k.fail(path+".tag", "The tag '%s' is used more than once.", tag)
		}
		tags[tag] = true
	}
	if len(list) > 0 && sum != 100 {
		k.fail("spec.traffic", "Traffic targets must sum to 100, got %d.", sum)
	}
}
