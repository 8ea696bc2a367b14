package manifest

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// OwnTag returns the line of the first value with a tag that is none of YAML's
// own; 0 if there is none or the text is not YAML. Parsers may read such a value
// as an empty one.
func OwnTag(text []byte) (line int) {
	var root yaml.Node
	if len(text) > MaxText || yaml.Unmarshal(text, &root) != nil {
		return 0
	}
	return ownTag(&root)
}

func ownTag(n *yaml.Node) (line int) {
	known := []string{"", tagMap, tagList, tagNull, tagString, tagBool, tagInt, tagFloat, tagTime, tagMerge, "!!binary"}
	if n.Kind != yaml.DocumentNode && n.Kind != yaml.AliasNode && !slices.Contains(known, n.ShortTag()) {
		return n.Line
	}
	for _, c := range n.Content {
		if line := ownTag(c); line != 0 {
			return line
		}
	}
	return 0
}
