// Package apifields knows the fields of Cloud Run's API, from Google's description
// of it. A kind and each object in it is a message, such as Service or EnvVar.
package apifields

import (
	_ "embed"
	"strings"
	"sync"
)

// table has a line for each field: message, field, type.
//
//go:embed run.txt
var table string

// Of returns the types of the fields of a message, by name. It is nil if the API
// has no such message. A type is the name of a message, [] or {} and the type of
// the elements of a list or of an object with arbitrary keys, or one of the
// description with its format, such as integer:int32.
func Of(message string) map[string]string { return messages()[message] }

var messages = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for line := range strings.Lines(table) {
		row := strings.Fields(line)
		if row[0] == "#" {
			continue
		}
		if all[row[0]] == nil {
			all[row[0]] = map[string]string{}
		}
		all[row[0]][row[1]] = row[2]
	}
	return all
})

// Paths returns the types of all fields of a message and of the messages in it, by
// path, with [] and {} for what is in a list or an object: spec.containers[].name.
func Paths(message string) map[string]string {
	paths := map[string]string{}
	addPaths(paths, "", message)
	return paths
}

func addPaths(paths map[string]string, prefix, message string) {
	for field, kind := range Of(message) {
		path := prefix + field
		paths[path] = kind
		for strings.HasPrefix(kind, "[]") || strings.HasPrefix(kind, "{}") {
			path, kind = path+kind[:2], kind[2:]
		}
		addPaths(paths, path+".", kind)
	}
}
