package runflags

import (
	"fmt"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
)

// What most flags are made into options by. O is the kind of option.

// one makes an option of a flag's value.
func one[O any](option func(string) O) func(given) ([]O, error) {
	return func(g given) ([]O, error) { return []O{option(g.text(g.name))}, nil }
}

// unlessEmpty makes an option of a value; an empty one asks for nothing.
func unlessEmpty[O any](option func(string) O) func(given) ([]O, error) {
	return func(g given) ([]O, error) {
		if g.text(g.name) == "" {
			return nil, nil
		}
		return []O{option(g.text(g.name))}, nil
	}
}

// orEmpty makes an option of a value, and another of an empty one.
func orEmpty[O any](option func(string) O, empty func() O) func(given) ([]O, error) {
	return func(g given) ([]O, error) {
		if g.text(g.name) == "" {
			return []O{empty()}, nil
		}
		return []O{option(g.text(g.name))}, nil
	}
}

// oneChoice makes an option of a value that must be one of some.
func oneChoice[O any](option func(string) O, choices ...string) func(given) ([]O, error) {
	return func(g given) ([]O, error) {
		if err := oneOf(g.text(g.name), choices...); err != nil {
			return nil, err
		}
		return []O{option(g.text(g.name))}, nil
	}
}

// onOff makes an option of --x and --no-x.
func onOff[O any](option func(bool) O) func(given) ([]O, error) {
	return func(g given) ([]O, error) { return []O{option(g.on(g.name))}, nil }
}

// always makes an option of a flag that takes no value.
func always[O any](option func() O) func(given) ([]O, error) {
	return func(given) ([]O, error) { return []O{option()}, nil }
}

// count makes an option of a whole number, and another of "default".
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

// instances reads a number of instances, or "default".
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

// restart asks for a new Revision and for nothing else, as flags do that gcloud
// takes for a change although there is nothing that they change.
func restart() cloudrun.ServiceOption {
	return cloudrun.EditService(func(*servingv1.Service) error { return nil })
}
