package runflags

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

// flagText returns a value of YAML as the text after the = of a flag.
func flagText(value *yaml.Node) (string, error) {
	if text, ok := scalar(value); ok {
		return text, nil
	}
	items, ok := scalars(value)
	if value.Kind == yaml.MappingNode {
		items, ok = pairs(value)
	}
	if !ok {
		return "", errors.New("must be a word, a list of words, or a mapping of words")
	}
	return joinList(items)
}

// scalar returns the text of a word or a number. A value that is missing is none.
func scalar(n *yaml.Node) (string, bool) {
	return n.Value, n.Kind == yaml.ScalarNode && n.Tag != "!!null"
}

// scalars returns the items of a list of words.
func scalars(n *yaml.Node) (items []string, ok bool) {
	if n.Kind != yaml.SequenceNode {
		return nil, false
	}
	for _, item := range n.Content {
		text, ok := scalar(item)
		if !ok {
			return nil, false
		}
		items = append(items, text)
	}
	return items, true
}

// pairs returns the items KEY=VALUE of a mapping of words. A key that occurs twice is an error.
func pairs(n *yaml.Node) (items []string, ok bool) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, isKey := scalar(n.Content[i])
		value, isValue := scalar(n.Content[i+1])
		if !isKey || !isValue || seen[key] || strings.Contains(key, "=") {
			return nil, false
		}
		seen[key] = true
		items = append(items, key+"="+value)
	}
	return items, true
}

// joinList joins items to a list, with a delimiter that none of them has.
func joinList(items []string) (string, error) {
	all := strings.Join(items, "")
	for _, delimiter := range []string{",", ";", "|", "@", "#", "~", "\x01", "::#::"} {
		if !strings.Contains(all, delimiter) && (delimiter != "," || !strings.HasPrefix(all, "^")) {
			if delimiter == "," {
				return strings.Join(items, ","), nil
			}
			return "^" + delimiter + "^" + strings.Join(items, delimiter), nil
		}
	}
	return "", errors.New("its items have too many special characters: use a file or a manifest")
}
