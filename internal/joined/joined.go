// Package joined takes errors apart that [errors.Join] made.
package joined

import "strings"

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
