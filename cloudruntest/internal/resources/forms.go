package resources

import (
	"regexp"
	"strings"
	"sync"
)

var (
	labelKey   = compiled(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue = compiled(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
	systemKey  = compiled(`^([a-z0-9-]+\.)*(knative\.dev|googleapis\.com)/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
)

// compiled compiles a pattern on its first use.
func compiled(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

func validLabel(key, value string) bool {
	return systemKey().MatchString(key) || labelKey().MatchString(key) && labelValue().MatchString(value)
}

// isDNSLabel reports whether a name has only lowercase letters, digits and
// hyphens, begins with a letter and does not end with a hyphen.
func isDNSLabel(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	return name != "" && strings.Trim(name, letters+"0123456789-") == "" &&
		strings.Contains(letters, name[:1]) && !strings.HasSuffix(name, "-")
}
