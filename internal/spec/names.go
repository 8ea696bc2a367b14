package spec

import (
	"errors"
	"strings"
)

// CheckMesh checks the full name of a service mesh.
func CheckMesh(mesh string) error {
	if !fullName(mesh, "projects", "locations", "meshes") {
		return errors.New("give its full name, projects/PROJECT/locations/global/meshes/NAME")
	}
	return nil
}

// CheckKey checks the full name of an encryption key.
func CheckKey(key string) error {
	if !fullName(key, "projects", "locations", "keyRings", "cryptoKeys") {
		return errors.New("give its full name, projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY")
	}
	return nil
}

// fullName reports whether a name consists of these collections, each followed by an ID.
func fullName(name string, collections ...string) bool {
	parts := strings.Split(name, "/")
	if len(parts) != 2*len(collections) {
		return false
	}
	for i, collection := range collections {
		if parts[2*i] != collection || parts[2*i+1] == "" {
			return false
		}
	}
	return true
}
