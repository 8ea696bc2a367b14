package edits

import (
	"fmt"
	"slices"
	"strings"
)

// NotEmpty checks an argument that has no meaning when it is empty.
func NotEmpty(what, value string) error {
	if strings.TrimSpace(value) == "" {
		return fmt.Errorf("the %s is empty", what)
	}
	return nil
}

// OneOf checks a choice.
func OneOf(value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return fmt.Errorf("must be one of %s", strings.Join(choices, ", "))
}

// Each returns a setting for each item of a collection.
func Each[T any](items []T, one func(T) Setting) []Setting {
	all := make([]Setting, 0, len(items))
	for _, item := range items {
		all = append(all, one(item))
	}
	return all
}

// List returns a list as the value of a claim. Only equal lists are equal.
func List(list []string) string { return fmt.Sprintf("%q", list) }

// Map returns a map as the value of a claim. Only equal maps are equal.
func Map[V any](m map[string]V) string {
	if len(m) == 0 {
		return "map[]"
	}
	return fmt.Sprintf("%q", any(m))
}

// AtLeast checks a number.
func AtLeast(n, least int64) error {
	if n < least {
		return fmt.Errorf("must be at least %d", least)
	}
	return nil
}
