package lossless

// clean appends a value without artefacts. owner is the key of the value, or of
// the list that contains it; "" for a whole document.
func clean(out []byte, owner string, v value) []byte {
	switch v.kind() {
	case '{':
		out = append(out, '{')
		first := len(out)
		for _, m := range v.members() {
			start := len(out)
			out = appendName(out, first, m.name.text())
			text := len(out)
			out = clean(out, m.key, m.value)
			if isArtefact(owner, m.key, out[text:]) {
				out = out[:start]
			}
		}
		return append(out, '}')
	case '[':
		out = append(out, '[')
		for i, item := range v.items() {
			if i > 0 {
				out = append(out, ',')
			}
			out = clean(out, owner, item)
		}
		return append(out, ']')
	default:
		return append(out, v.text()...)
	}
}

// appendName appends the name of a member to an object whose members begin at first.
func appendName(out []byte, first int, name []byte) []byte {
	if len(out) > first {
		out = append(out, ',')
	}
	return append(append(out, name...), ':')
}

// isArtefact reports whether a member exists only because Go's encoder cannot omit it.
func isArtefact(owner, key string, text []byte) bool {
	switch string(text) {
	case "null":
		return true
	case "{}":
		return key == "resources" || key == "metadata" || key == "status" && owner == ""
	case `""`:
		return key == "name" && (owner == "containers" || owner == "initContainers" || owner == "metadata")
	case "0":
		return key == "port" && (owner == "httpGet" || owner == "tcpSocket" || owner == "grpc")
	}
	return false
}
