package cloudrun_test

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"google.golang.org/api/option"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
)

// nilArguments are arguments that a real Client takes.
func nilArguments(t *testing.T, method reflect.Type) []reflect.Value {
	t.Helper()
	s, err := cloudrun.NewService("hello", cloudrun.WithImage(image))
	require.NoError(t, err)
	known := []any{"hello", s, []string{"run.services.get"}, []byte("{}"),
		func(*servingv1.Service) error { return nil }, func(*cloudrun.Policy) error { return nil },
		[]cloudrun.ListOption{}, []cloudrun.WriteOption{}, []cloudrun.LogOption{}}
	var arguments []reflect.Value
	for i := range method.NumIn() {
		found := method.In(i) == reflect.TypeFor[context.Context]()
		if found {
			arguments = append(arguments, reflect.ValueOf(t.Context()))
		}
		for _, value := range known {
			if reflect.TypeOf(value) == method.In(i) {
				arguments, found = append(arguments, reflect.ValueOf(value)), true
			}
		}
		require.True(t, found, "no argument of type %v is known here: add one", method.In(i))
	}
	return arguments
}

// nilCall calls a method and returns its error, or the first one of its sequence.
func nilCall(t *testing.T, method reflect.Value) error {
	t.Helper()
	call := method.Call
	if method.Type().IsVariadic() {
		call = method.CallSlice
	}
	results := call(nilArguments(t, method.Type()))
	switch last := results[len(results)-1].Interface().(type) {
	case error:
		return last
	case iter.Seq2[*servingv1.Service, error]:
		for s, err := range last {
			require.Nil(t, s)
			return err
		}
	case iter.Seq2[cloudrun.LogLine, error]:
		for line, err := range last {
			require.Zero(t, line)
			return err
		}
	case iter.Seq2[*servingv1.Revision, error]:
		for r, err := range last {
			require.Nil(t, r)
			return err
		}
	}
	return nil
}

// Every method of a Client that NewClient did not make returns an error. None panics.
func TestNilAndEmptyClients(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*cloudrun.Client{"nil": nil, "empty": {}} {
		value := reflect.ValueOf(c)
		for i := range value.NumMethod() {
			method := value.Type().Method(i).Name
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				switch method {
				case "Project", "Region":
					require.Empty(t, value.Method(i).Call(nil)[0].String())
					return
				case "String", "GoString":
					require.Equal(t, "Client(none)", value.Method(i).Call(nil)[0].String())
					return
				case "TracerProvider":
					require.Equal(t, otel.GetTracerProvider(), value.Method(i).Call(nil)[0].Interface())
					return
				}
				require.ErrorContains(t, nilCall(t, value.Method(i)), "use NewClient or NewClusterClient")
			})
		}
	}
}

// The functions that take a Client return an error too.
func TestFunctionsOfNilClients(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, call := range map[string]func(*cloudrun.Client) error{
		"MakePublic":  func(c *cloudrun.Client) error { return cloudrun.MakePublic(ctx, c, "hello") },
		"MakePrivate": func(c *cloudrun.Client) error { return cloudrun.MakePrivate(ctx, c, "hello") },
		"IsPublic":    func(c *cloudrun.Client) error { _, err := cloudrun.IsPublic(ctx, c, "hello"); return err },
		"AddMember": func(c *cloudrun.Client) error {
			return cloudrun.AddMember(ctx, c, "hello", "roles/run.invoker", "allUsers")
		},
		"RemoveMember": func(c *cloudrun.Client) error {
			return cloudrun.RemoveMember(ctx, c, "hello", "roles/run.invoker", "allUsers")
		},
		"WaitReady": func(c *cloudrun.Client) error { _, err := cloudrun.WaitReady(ctx, c, "hello"); return err },
		"Deploy": func(c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image))
			return err
		},
		"Delete": func(c *cloudrun.Client) error { return cloudrun.NewDeployer(c).Delete(ctx, "hello") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Error(t, call(nil))
			require.Error(t, call(&cloudrun.Client{}))
		})
	}
}

// A nil option is an error of the call, and nothing is sent.
func TestNilOptionsOfRequests(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	ctx := t.Context()
	service := newService(t, "hello")
	listed := func(call func(*testing.T, ...cloudrun.ListOption) error) func() error {
		return func() error { return call(t, cloudrun.WithPageSize(1), nil) }
	}
	for name, call := range map[string]func() error{
		"CreateService":  func() error { _, err := c.CreateService(ctx, service, nil); return err },
		"ReplaceService": func() error { _, err := c.ReplaceService(ctx, service, cloudrun.DryRun(), nil); return err },
		"UpdateService": func() error {
			_, err := c.UpdateService(ctx, "hello", func(*servingv1.Service) error { return nil }, nil)
			return err
		},
		"ListServices": listed(func(t *testing.T, opts ...cloudrun.ListOption) error { _, err := listNames(t, c, opts...); return err }),
		"ListRevisions": listed(func(_ *testing.T, opts ...cloudrun.ListOption) error {
			for _, err := range c.ListRevisions(ctx, opts...) {
				return err
			}
			return nil
		}),
		"AddMember":    func() error { return cloudrun.AddMember(ctx, c, "hello", "roles/run.invoker", "allUsers", nil) },
		"RemoveMember": func() error { return cloudrun.RemoveMember(ctx, c, "hello", "roles/run.invoker", "allUsers", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, call(), " is nil")
		})
	}
	require.Empty(t, s.Requests())
}

// The text of a Client is not that of its fields, which other goroutines use.
func TestClientIsPrinted(t *testing.T) {
	t.Parallel()
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithoutAuthentication())
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "Client(projects/demo/locations/us-central1)", fmt.Sprintf(verb, c), verb)
		require.Equal(t, "Client(none)", fmt.Sprintf(verb, (*cloudrun.Client)(nil)), verb)
	}
}
