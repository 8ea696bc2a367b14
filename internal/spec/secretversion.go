package spec

import (
	"errors"
	"fmt"
	"strings"
)

// SecretVersion is a version of a secret. Secret is its name, or its full name
// if it is of another project.
type SecretVersion struct {
	Secret  string
	Version string
}

func secretFileThing(file string) string { return fmt.Sprintf("the secret file %q", file) }
func secretMountThing(dir string) string { return fmt.Sprintf("the secret mounted at %q", dir) }

// claim is a secret as the value of a claim.
func (v SecretVersion) claim() string { return "=" + v.Secret + ":" + v.Version }

func (v SecretVersion) check() error {
	var problems []error
	if !isSecretName(v.Secret) && !isRemoteSecret(v.Secret) {
		problems = append(problems, fmt.Errorf("secret %q: give the name of a secret of this project (letters, digits, hyphens and underscores), "+
			"or projects/NUMBER/secrets/NAME for one of another, with the project's number", v.Secret))
	}
	if v.Version == "" {
		problems = append(problems, errors.New(`the version is empty: give a number or "latest"`))
	}
	return errors.Join(problems...)
}

// isSecretName reports whether a secret of the same project can have that name.
func isSecretName(name string) bool {
	return len(name) >= 1 && len(name) <= 255 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

// isRemoteSecret reports whether this is the full name of a secret of another
// project: projects/NUMBER/secrets/NAME.
func isRemoteSecret(name string) bool {
	rest, isFull := strings.CutPrefix(name, "projects/")
	number, secret, hasName := strings.Cut(rest, "/secrets/")
	return isFull && hasName && isSecretName(secret) && len(number) >= 1 && len(number) <= 19 &&
		!strings.ContainsFunc(number, func(r rune) bool { return r < '0' || r > '9' })
}
