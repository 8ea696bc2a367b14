// Package logform gives values one form for logs and for JSON: a group of named
// attributes.
package logform

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"slices"
)

// Group returns the attributes that have a value as a group. Texts that are empty,
// numbers that are 0, false and nil are left out.
func Group(attrs ...slog.Attr) slog.Value {
	return slog.GroupValue(slices.DeleteFunc(attrs, func(a slog.Attr) bool { return isZero(a.Value) })...)
}

func isZero(v slog.Value) bool {
	switch v.Kind() {
	case slog.KindGroup:
		return len(v.Group()) == 0
	case slog.KindAny:
		r := reflect.ValueOf(v.Any())
		return !r.IsValid() || r.IsZero() || (r.Kind() == reflect.Slice || r.Kind() == reflect.Map) && r.Len() == 0
	}
	return reflect.ValueOf(v.Any()).IsZero()
}

// Error returns the group of an error: the name of its type, its text and its
// attributes that have a value.
func Error(name string, err error, attrs ...slog.Attr) slog.Value {
	return Group(append([]slog.Attr{slog.String("type", name), slog.String("error", err.Error())}, attrs...)...)
}

// Wrapped returns the first error in the tree of err that has a form of its own, as
// the attribute "wrapped". It is empty if there is none.
func Wrapped(err error) slog.Attr {
	var formed interface {
		error
		slog.LogValuer
	}
	if !errors.As(err, &formed) {
		return slog.Attr{}
	}
	return slog.Attr{Key: "wrapped", Value: formed.LogValue()}
}

// JSON returns a group as a JSON object with its attributes in their order. A
// duration is a number of seconds, and Seconds is added to its name.
func JSON(group slog.Value) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, a := range group.Group() {
		if i > 0 {
			b.WriteByte(',')
		}
		name, value, err := member(a)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// member returns an attribute as the member of an object.
func member(a slog.Attr) (name, value []byte, err error) {
	key := a.Key
	switch a.Value.Kind() {
	case slog.KindGroup:
		value, err = JSON(a.Value)
	case slog.KindDuration:
		key += "Seconds"
		value, err = json.Marshal(a.Value.Duration().Seconds())
	default:
		value, err = json.Marshal(a.Value.Any())
	}
	if err != nil {
		return nil, nil, err
	}
	name, err = json.Marshal(key)
	return name, value, err
}
