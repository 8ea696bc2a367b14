package redact

import (
	"slices"
	"strings"
	"unicode"
)

// Name reports whether a field, annotation or label of that name has a value to hide.
func Name(name string) bool {
	return hasSecretWord(name) || strings.EqualFold(name, "env") || strings.EqualFold(name, "envFrom") || strings.EqualFold(name, "httpHeaders")
}

// Holder reports whether a field of that name has values to hide, or is a
// command line, of which one argument may announce another.
func Holder(name string) bool { return Name(name) || name == "args" || name == "command" }

// Text reports whether a text may be, or announce, a secret, as an argument of a command does.
func Text(text string) bool { return hasSecretWord(text) || Form(text) }

// secretArgument reports whether an argument of a command may be, or announce, a secret.
func secretArgument(v any) bool {
	text, ok := v.(string)
	return ok && hasSecretWord(text)
}

// hasSecretWord reports whether a text contains a word that names of secrets contain.
func hasSecretWord(text string) bool {
	text = strings.Map(foldCase, text)
	contains := func(word string) bool { return strings.Contains(text, word) }
	return slices.ContainsFunc([]string{"secret", "password", "passwd", "passphrase", "pwd", "token", "credential", "bearer"}, contains) ||
		slices.ContainsFunc([]string{"api", "access", "private"}, func(kind string) bool { return hasKeyOf(text, kind) })
}

// foldCase maps the characters that differ only in case to one of them, long s and the Kelvin sign too.
func foldCase(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

// hasKeyOf reports whether a text contains such as api-key, api_key, api.key or apikey.
func hasKeyOf(text, kind string) bool {
	for {
		_, after, found := strings.Cut(text, kind)
		if !found {
			return false
		}
		key := after
		if key != "" && strings.ContainsRune("-_.", rune(key[0])) {
			key = key[1:]
		}
		if strings.HasPrefix(key, "key") {
			return true
		}
		text = after
	}
}

// Form reports whether a text is secret by its form: it contains a URL with a password, or a private key.
func Form(text string) bool {
	if strings.Contains(text, "PRIVATE KEY-----") {
		return true
	}
	for {
		_, after, found := strings.Cut(text, "://")
		if !found {
			return false
		}
		if hasPassword(after) {
			return true
		}
		text = after
	}
}

// hasPassword reports whether what follows the scheme of a URL is user:password@.
func hasPassword(authority string) bool {
	end := strings.IndexAny(authority, "/@ \t\n\f\r")
	if end < 0 || authority[end] != '@' {
		return false
	}
	_, password, _ := strings.Cut(authority[:end], ":")
	return password != ""
}
