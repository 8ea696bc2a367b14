// Package joined takes errors apart that [errors.Join] made.
package joined

import (
	"errors"
	"strings"
)

// Parts returns the errors that are joined in err, in their order; nil if err is
// not the result of [errors.Join]. An error with several causes and a text of its
// own, such as that of a timeout, has no parts.
func Parts(err error) []error {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	parts := several.Unwrap()
	texts := make([]string, len(parts))
	for i, part := range parts {
		if part == nil {
			return nil
		}
		texts[i] = part.Error()
	}
	if len(parts) == 0 || err.Error() != strings.Join(texts, "\n") {
		return nil
	}
	return parts
}

// All returns the errors that are joined in err, also those in joined parts of
// it; err alone if it is not the result of [errors.Join].
func All(err error) []error {
	parts := Parts(err)
	if parts == nil {
		return []error{err}
	}
	var all []error
	for _, part := range parts {
		all = append(all, All(part)...)
	}
	return all
}

// Map returns err with what f returns in place of each joined error.
func Map(err error, f func(error) error) error {
	if err == nil {
		return nil
	}
	if Parts(err) == nil {
		return f(err)
	}
	all := All(err)
	for i, one := range all {
		all[i] = f(one)
	}
	return errors.Join(all...)
}
