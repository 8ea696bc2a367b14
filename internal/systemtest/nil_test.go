package systemtest

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
	"github.com/cloudrun-go/cloudrun/runflags"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

// TestExportedIsComplete checks that public names everything that the packages export.
func TestExportedIsComplete(t *testing.T) {
	t.Parallel()
	for _, p := range public {
		var want, got []string
		files, err := filepath.Glob(p.dir + "/*.go")
		require.NoError(t, err)
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				want = append(want, exportedBy(t, file)...)
			}
		}
		for _, f := range p.funcs {
			got = append(got, functionName(f))
		}
		for _, of := range p.types {
			got = append(got, of.Name())
		}
		require.ElementsMatch(t, want, got, p.dir)
	}
}

// exportedBy returns the functions and types that a file exports, other than interfaces and aliases.
func exportedBy(t *testing.T, file string) (names []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.IsExported() {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() && !s.Assign.IsValid() {
					if _, is := s.Type.(*ast.InterfaceType); !is {
						names = append(names, s.Name.Name)
					}
				}
			}
		}
	}
	return names
}

func functionName(f any) string {
	name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	return name[strings.LastIndex(name, ".")+1:]
}

// nilWorld has the arguments that are not nil.
type nilWorld struct {
	t       *testing.T
	server  *cloudruntest.Server
	samples []any
}

func newNilWorld(t *testing.T) *nilWorld {
	t.Helper()
	s, c := testkit.NewServer(t)
	service := testkit.NewService(t, "hello")
	_, err := c.CreateService(t.Context(), service)
	require.NoError(t, err)
	return &nilWorld{t: t, server: s, samples: []any{
		"hello", 1, int64(1), time.Second, []byte("{}"), true,
		c, cloudrun.NewDeployer(c, cloudrun.WithImage(testkit.Image)), service,
		errors.New("oops"), &cloudrun.Policy{},
		func(*servingv1.Service) error { return nil }, func(cloudrun.Event) {},
	}}
}

// sample returns an argument of a type that is not nil, or else zero.
func (w *nilWorld) sample(of reflect.Type) reflect.Value {
	if of == reflect.TypeFor[*pflag.FlagSet]() {
		return reflect.ValueOf(pflag.NewFlagSet("hello", pflag.ContinueOnError)) // each defines its flags once
	}
	for _, s := range w.samples {
		if v := reflect.ValueOf(s); v.Type() == of || of.Kind() == reflect.Interface && of.NumMethod() > 0 && v.Type().Implements(of) {
			return v
		}
	}
	return w.zero(of)
}

// zero returns the zero value of a type. A nil context is a mistake of the caller that Go does not expect.
func (w *nilWorld) zero(of reflect.Type) reflect.Value {
	switch of {
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(w.t.Context())
	case reflect.TypeFor[http.ResponseWriter](), reflect.TypeFor[*http.Request](): // the server of net/http passes them
		return reflect.Value{}
	}
	return reflect.Zero(of)
}

// arguments returns lists of arguments: all zero, and samples with one of them zero,
// each with and without a nil option.
func (w *nilWorld) arguments(f reflect.Type) (lists [][]reflect.Value) {
	fixed := f.NumIn()
	if f.IsVariadic() {
		fixed--
	}
	for at := -2; at < fixed; at++ { // -2: all zero, -1: none
		var list []reflect.Value
		for i := range fixed {
			if at == -2 || at == i {
				list = append(list, w.zero(f.In(i)))
				continue
			}
			list = append(list, w.sample(f.In(i)))
		}
		if !slices.ContainsFunc(list, func(v reflect.Value) bool { return !v.IsValid() }) {
			lists = append(lists, list)
		}
	}
	return lists
}

// call calls a function with all lists of arguments, and uses its results.
func (w *nilWorld) call(what string, f reflect.Value) {
	for _, list := range w.arguments(f.Type()) {
		w.callWith(what, f, list)
	}
}

func (w *nilWorld) callWith(what string, f reflect.Value, list []reflect.Value) {
	w.guard(what, list, func() {
		for _, result := range f.Call(list) {
			w.use(what, result)
		}
	})
	if !f.Type().IsVariadic() {
		return
	}
	last := f.Type().In(f.Type().NumIn() - 1).Elem()
	w.guard(what, list, func() {
		results := f.Call(append(slices.Clip(w.again(list)), reflect.Zero(last)))
		if last.Kind() == reflect.Interface && last.PkgPath() != "" {
			w.requireError(what, results)
		}
		for _, result := range results {
			w.use(what, result)
		}
	})
}

// again returns the arguments of another call.
func (w *nilWorld) again(list []reflect.Value) []reflect.Value {
	list = slices.Clone(list)
	for i, v := range list {
		if v.Type() == reflect.TypeFor[*pflag.FlagSet]() && !v.IsNil() {
			list[i] = w.sample(v.Type())
		}
	}
	return list
}

// requireError checks that a call with a nil option returned an error, if it returns errors.
func (w *nilWorld) requireError(what string, results []reflect.Value) {
	for _, r := range results {
		if r.Type() == reflect.TypeFor[error]() && r.IsNil() {
			w.t.Errorf("%s accepts a nil option", what)
		}
	}
}

func (w *nilWorld) guard(what string, arguments []reflect.Value, f func()) {
	defer func() {
		if v := recover(); v != nil {
			w.t.Errorf("%s%v panics: %v\n%s", what, arguments, v, origin(debug.Stack()))
		}
	}()
	f()
}

// origin returns the part of a stack that is below the panic.
func origin(stack []byte) string {
	_, below, _ := strings.Cut(string(stack), "panic.go")
	lines := strings.Split(below, "\n")
	return strings.Join(lines[:min(9, len(lines))], "\n")
}

// use uses a result: it prints it, passes an option to the calls that take it, and ranges over a list.
func (w *nilWorld) use(what string, v reflect.Value) {
	if !v.IsValid() || !v.CanInterface() || isNil(v) {
		return
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute) // virtual
	defer cancel()
	c := w.sample(reflect.TypeFor[*cloudrun.Client]()).Interface().(*cloudrun.Client)
	d := cloudrun.NewDeployer(c)
	w.print(what, v)
	if o, ok := v.Interface().(cloudrun.ServiceOption); ok {
		_, _ = cloudrun.NewService("hello", o)
	}
	if o, ok := v.Interface().(cloudrun.PlanOption); ok {
		_, _ = d.Plan(ctx, "hello", o)
	}
	if o, ok := v.Interface().(cloudrun.DeployOption); ok {
		_ = cloudrun.CheckOptions(o)
		_, _ = d.Deploy(ctx, "hello", o, cloudrun.WithImage(testkit.Image))
	}
	if o, ok := v.Interface().(cloudrun.TrafficOption); ok {
		_, _ = d.UpdateTraffic(ctx, "hello", o)
	}
	if o, ok := v.Interface().(cloudrun.RollbackOption); ok {
		_, _ = d.Rollback(ctx, "hello", o)
	}
	if o, ok := v.Interface().(cloudrun.WaitOption); ok {
		_, _ = cloudrun.WaitReady(ctx, c, "hello", o)
	}
	if o, ok := v.Interface().(cloudrun.ManifestOption); ok {
		_, _ = cloudrun.ParseManifest([]byte("{}"), o)
	}
	if o, ok := v.Interface().(cloudrun.MemberOption); ok {
		_ = cloudrun.AddMember(ctx, c, "hello", "roles/run.invoker", "allUsers", o)
	}
	if o, ok := v.Interface().(cloudrun.ListOption); ok {
		for _, err := range c.ListServices(ctx, o) {
			_ = err
			break
		}
	}
	switch o := v.Interface().(type) {
	case cloudruntest.Option:
		cloudruntest.NewServer(o, cloudruntest.InProcess(), cloudruntest.WithListener(nil)).Close()
		return
	case runprogress.Option:
		runprogress.New(nil, o).Close()
		return
	case *cloudruntest.Server:
		w.methods(what, v)
		o.Close()
		return
	}
	if v.Kind() == reflect.Func && !strings.Contains(what, "'s ") {
		if v.Type().CanSeq2() {
			for range v.Seq2() {
				break
			}
			return
		}
		w.call(what+"'s result", v)
	}
	if v.Kind() == reflect.Pointer && strings.Contains(v.Type().Elem().PkgPath(), "cloudrun-go") && !strings.Contains(what, "'s ") {
		w.methods(what+"'s result", v)
	}
}

// print checks that a value can be printed. Package fmt hides the panics of methods.
func (w *nilWorld) print(what string, v reflect.Value) {
	if _, theirs := v.Interface().(trace.TracerProvider); theirs {
		return // its fields are used by other goroutines
	}
	if text := fmt.Sprintf("%v %+v %#v", v.Interface(), v.Interface(), v.Interface()); strings.Contains(text, "(PANIC=") {
		w.t.Errorf("%s panics when printed: %.200s", what, text)
	}
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Interface, reflect.Map, reflect.Slice:
		return v.IsNil()
	}
	return false
}

// methods calls all methods of a value.
func (w *nilWorld) methods(what string, v reflect.Value) {
	for i := range v.NumMethod() {
		w.call(what+"'s "+v.Type().Method(i).Name, v.Method(i))
	}
}

// handles are the types whose nil pointers may be used. Those of other types,
// such as an error or a plan, are mistakes that Go itself reports.
var handles = []reflect.Type{
	reflect.TypeFor[cloudrun.Client](), reflect.TypeFor[cloudrun.Deployer](), reflect.TypeFor[runprogress.Renderer](),
	reflect.TypeFor[runflags.Flags](), reflect.TypeFor[runflags.TrafficFlags](), reflect.TypeFor[runflags.MemberFlags](),
}

// Nothing that the packages export panics because of a nil or zero argument, a
// nil option or a zero receiver. Wherever it can, it returns an error.
func TestNilAndZeroArguments(t *testing.T) {
	t.Parallel()
	for _, p := range public {
		for _, f := range p.funcs {
			t.Run(p.dir+"."+functionName(f), func(t *testing.T) {
				t.Parallel()
				testkit.InVirtualTime(t, func(t *testing.T) { newNilWorld(t).call(functionName(f), reflect.ValueOf(f)) })
			})
		}
		for _, of := range p.types {
			if of == reflect.TypeFor[cloudruntest.Server]() {
				continue // NewServer makes it
			}
			t.Run(p.dir+"."+of.Name(), func(t *testing.T) {
				t.Parallel()
				testkit.InVirtualTime(t, func(t *testing.T) {
					w := newNilWorld(t)
					w.print("zero "+of.Name(), reflect.Zero(of))
					w.print("zero "+of.Name(), reflect.New(of))
					w.methods("zero "+of.Name(), reflect.New(of))
					if slices.Contains(handles, of) {
						w.methods("nil "+of.Name(), reflect.Zero(reflect.PointerTo(of)))
					}
				})
			})
		}
	}
}
