// Package agent names this library to servers.
package agent

import (
	"runtime/debug"
	"strings"
)

const (
	// Name is the name of this library.
	Name = "cloudrun-go"

	module = "github.com/cloudrun-go/cloudrun"
)

// Version returns the version of this library in the running program, or "" if it is not a released one.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return versionIn(info)
}

func versionIn(info *debug.BuildInfo) string {
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && strings.HasPrefix(m.Version, "v") {
			return m.Version
		}
	}
	return ""
}

// UserAgent returns the header User-Agent for a version of this library.
func UserAgent(version string) string {
	if version == "" {
		return Name
	}
	return Name + "/" + version
}
