package cloudrun_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The Services to which the tests apply options: one as the server returns it
// after a plain deploy, and one that has every setting with another value.
const (
	plainService = "testdata/options/service-plain.json"
	richService  = "testdata/options/service-rich.json"
)

func readService(t *testing.T, file string) *servingv1.Service {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	s := &servingv1.Service{}
	require.NoError(t, json.Unmarshal(raw, s))
	return s
}

func toJSON(t *testing.T, s *servingv1.Service) string {
	t.Helper()
	text, err := json.MarshalIndent(s, "", "  ")
	require.NoError(t, err)
	return string(text) + "\n"
}

// layer returns one layer of deploy options.
func layer[T cloudrun.DeployOption](opts ...T) []cloudrun.DeployOption {
	all := make([]cloudrun.DeployOption, len(opts))
	for i, o := range opts {
		all[i] = o
	}
	return all
}

// at returns a field in the JSON of a Service, or nil if it is absent.
func at(t *testing.T, s *servingv1.Service, path ...any) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(toJSON(t, s)), &v))
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func onService(key string) []any  { return []any{"metadata", "annotations", key} }
func onTemplate(key string) []any { return []any{"spec", "template", "metadata", "annotations", key} }
func inSpec(path ...any) []any    { return append([]any{"spec", "template", "spec"}, path...) }
func inContainer(path ...any) []any {
	return append([]any{"spec", "template", "spec", "containers", 0}, path...)
}

// optionCase applies an option to a new Service, to plainService and to richService.
type optionCase struct {
	name string // of the golden file: the name of the option, perhaps with a variant
	opt  cloudrun.ServiceOption
	path []any
	want any // the value of the field after each
	// created, plain and rich replace want for one of the Services.
	created, plain, rich any
	makesNoRevision      bool
}

var absent = new(struct{})

func (c optionCase) expect(special any) any {
	v := special
	if v == nil {
		v = c.want
	}
	if v == absent {
		return nil
	}
	return v
}

func TestOptionOnNewAndExistingServices(t *testing.T) {
	t.Parallel()
	for _, c := range optionCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			created, err := cloudrun.NewService("hello", cloudrun.WithImage(image), c.opt)
			if strings.HasPrefix(c.name, "WithImage") {
				created, err = cloudrun.NewService("hello", c.opt)
			}
			if err == nil { // options for other containers need a Service that has them
				require.Equal(t, c.expect(c.created), at(t, created, c.path...), "created")
				requireStable(t, created, c.opt)
			}
			results := map[string]any{"create": created}
			for file, want := range map[string]any{plainService: c.plain, richService: c.rich} {
				s := readService(t, file)
				before := s.DeepCopy()
				if err := cloudrun.ApplyForTest(s, layer(c.opt)); err != nil {
					require.Equal(t, want, err.Error())
					continue
				}
				require.Equal(t, c.expect(want), at(t, s, c.path...), file)
				requireStable(t, s, c.opt)
				results[file] = changes(t, before, s)
			}
			makes, err := cloudrun.MakesRevisionForTest(c.opt)
			require.NoError(t, err)
			require.Equal(t, !c.makesNoRevision, makes, "makes a revision")
			golden(t, c.name, created, results[plainService], results[richService])
		})
	}
}

// requireStable checks that applying the option again changes nothing.
func requireStable(t *testing.T, s *servingv1.Service, opt cloudrun.ServiceOption) {
	t.Helper()
	before := toJSON(t, s)
	require.NoError(t, cloudrun.ApplyForTest(s, layer(opt)))
	require.Equal(t, before, toJSON(t, s), "the same option again")
}

// golden compares the effect of an option with testdata/options/NAME.json.
func golden(t *testing.T, name string, created *servingv1.Service, plain, rich any) {
	t.Helper()
	got, err := json.MarshalIndent(map[string]any{"create": created, "on the plain service": plain, "on the rich service": rich}, "", "  ")
	require.NoError(t, err)
	got = append(got, '\n')
	file := filepath.Join("testdata", "options", regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(name, "-")+".json")
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run go test -update")
	require.Equal(t, string(want), string(got))
}

// changes lists the fields that differ, one per line.
func changes(t *testing.T, before, after *servingv1.Service) []string {
	t.Helper()
	was, is := flat(t, before), flat(t, after)
	lines := []string{}
	for path, v := range was {
		if is[path] != v {
			lines = append(lines, fmt.Sprintf("%s - %s", path, v))
		}
	}
	for path, v := range is {
		if was[path] != v {
			lines = append(lines, fmt.Sprintf("%s + %s", path, v))
		}
	}
	sort.Strings(lines)
	return lines
}

func flat(t *testing.T, s *servingv1.Service) map[string]string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(toJSON(t, s)), &v))
	all := map[string]string{}
	var walk func(string, any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, w := range v {
				walk(path+"."+k, w)
			}
		case []any:
			for i, w := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), w)
			}
		default:
			all[strings.TrimPrefix(path, ".")] = fmt.Sprintf("%#v", v)
		}
	}
	walk("", v)
	return all
}

// exportedOptions returns the functions of the package that return an option for a Service.
func exportedOptions(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var all []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || f.Type.Results == nil || len(f.Type.Results.List) != 1 {
				continue
			}
			if r, ok := f.Type.Results.List[0].Type.(*ast.Ident); ok && (slices.Contains([]string{"ServiceOption", "WorkloadOption", "ContainerOption", "LaunchStageOption"}, r.Name)) {
				all = append(all, f.Name.Name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// TestEveryOptionIsTried compares the table of cases with the code.
func TestEveryOptionIsTried(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{"EditService": true, "EditContainer": true} // see TestEdits
	for _, c := range optionCases {
		name, _, _ := strings.Cut(c.name, " ")
		tried[name] = true
	}
	for _, name := range exportedOptions(t) {
		require.True(t, tried[name], "optionCases has no row for %s", name)
	}
}

var docRow = regexp.MustCompile("(?m)^\\| `(\\w+)[(`]")

// TestDocsHaveEveryOption compares docs/options.md with the code.
func TestDocsHaveEveryOption(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("docs", "options.md"))
	require.NoError(t, err)
	ofServices, _, _ := strings.Cut(string(text), "\n## Options of a call\n")
	var documented []string
	for _, m := range docRow.FindAllStringSubmatch(ofServices, -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(documented)
	require.Equal(t, exportedOptions(t), documented)
}
