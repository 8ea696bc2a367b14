package runflags

import (
	"fmt"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
)

// Functions that make options from common kinds of flags. O is the kind of option.

// one makes an option from a flag's value.
func one[O any](option func(string) O) func(given) ([]O, error) {
	return func(g given) ([]O, error) { return []O{option(g.text(g.name))}, nil }
}

// unlessEmpty makes an option from a value, and none if it is empty.
func unlessEmpty[O any](option func(string) O) func(given) ([]O, error) {
	return func(g given) ([]O, error) {
		if g.text(g.name) == "" {
			return nil, nil
		}
		return []O{option(g.text(g.name))}, nil
	}
}

// orEmpty makes an option from a value, and another one if it is empty.
func orEmpty[O any](option func(string) O, empty func() O) func(given) ([]O, error) {
	return func(g given) ([]O, error) {
		if g.text(g.name) == "" {
			return []O{empty()}, nil
		}
		return []O{option(g.text(g.name))}, nil
	}
}

// oneChoice makes an option from a value that must be one of the choices.
func oneChoice[O any](option func(string) O, choices ...string) func(given) ([]O, error) {
	return func(g given) ([]O, error) {
		if err := oneOf(g.text(g.name), choices...); err != nil {
			return nil, err
		}
		return []O{option(g.text(g.name))}, nil
	}
}

// onOff makes an option from --x and --no-x.
func onOff[O any](option func(bool) O) func(given) ([]O, error) {
	return func(g given) ([]O, error) { return []O{option(g.on(g.name))}, nil }
}

// always makes an option from a flag without a value.
func always[O any](option func() O) func(given) ([]O, error) {
	return func(given) ([]O, error) { return []O{option()}, nil }
}

// count makes an option from a whole number, and another one from "default".
func count[O any](option func(int) O, byDefault func() O) func(given) ([]O, error) {
	return func(g given) ([]O, error) {
		n, isDefault, err := instances(g.text(g.name))
		switch {
		case err != nil:
			return nil, err
		case isDefault:
			return []O{byDefault()}, nil
		}
		return []O{option(n)}, nil
	}
}

// instances parses a number of instances, or "default".
func instances(raw string) (n int, isDefault bool, err error) {
	if raw == "default" {
		return 0, true, nil
	}
	n, err = parseInt(raw)
	switch {
	case err != nil:
		return 0, false, fmt.Errorf("instance count value %s is not an integer or 'default'", raw)
	case n < 0:
		return 0, false, fmt.Errorf("instance count value %d is negative", n)
	}
	return n, false, nil
}

// restart returns an option that makes a new Revision and changes nothing: for
// some flags gcloud makes a new Revision even if they have no effect.
func restart() cloudrun.ServiceOption {
	return cloudrun.EditService(func(*servingv1.Service) error { return nil })
}
