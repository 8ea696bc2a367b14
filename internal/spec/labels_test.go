package spec_test

import (
	"math/rand"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

func TestLabels(t *testing.T) {
	t.Parallel()
	const (
		before = `{"meta": {"labels": {"a": "1", "b": "2", "cloud.googleapis.com/location": "r"}},
			"template": {"labels": {"a": "1", "old": "x", "client.knative.dev/nonce": "n"}}}`
		after = `{"meta": {"labels": {%s"cloud.googleapis.com/location": "r"}}, "template": {"labels": {%s"client.knative.dev/nonce": "n"}}}`
	)
	result := func(labels string) string { return strings.ReplaceAll(after, "%s", labels) }
	testEdits(t, map[string]edit{
		"the first":                {"", each(spec.Label("L", "a", "1")), `{"meta": {"labels": {"a": "1"}}, "template": {"labels": {"a": "1"}}}`, ""},
		"changed":                  {before, each(spec.Label("L", "a", "9")), result(`"a": "9", "b": "2", `), ""},
		"the same changes nothing": {before, each(spec.Label("L", "a", "1")), before, ""},
		"replaced":                 {before, spec.SetLabels("S", map[string]string{"c": "3"}), result(`"c": "3", `), ""},
		"removed":                  {before, spec.WithoutLabel("W", []string{"a", "x"}), result(`"b": "2", `), ""},
		"cleared":                  {before, each(spec.ClearLabels("C")), result(""), ""},
		"of Knative":               {"", each(spec.Label("L", "networking.knative.dev/visibility", "cluster-local")), `{"meta": {"labels": {"networking.knative.dev/visibility": "cluster-local"}}, "template": {"labels": {}}}`, ""},
		"a bad key":                {"", each(spec.Label("L", "A", "1")), "", "the key must begin with a lower-case letter"},
		"a bad value":              {"", each(spec.Label("L", "a", "A")), "", "the value must have"},
		"set and removed":          {"", all(each(spec.Label("L", "a", "1")), spec.WithoutLabel("W", []string{"a"})), "", "contradicts"},
		"no key to remove":         {"", spec.WithoutLabel("W", []string{""}), "", "the key is empty"},
	})
	many := map[string]string{}
	for i := range 65 {
		many["k"+strings.Repeat("x", i)] = ""
	}
	_, err := edits.New(spec.SetLabels("S", many))
	require.ErrorContains(t, err, "65 labels: at most 64")
}

// TestChecksOfText compares the checks with what they are by definition.
func TestChecksOfText(t *testing.T) {
	t.Parallel()
	const system = `^[a-z0-9.-]+\.(googleapis\.com|knative\.dev)/[A-Za-z0-9._-]{1,63}$`
	wrong := func(s edits.Setting) bool { return s.Err != nil }
	for name, tc := range map[string]struct {
		valid   string
		is      func(string) bool
		samples []string
	}{
		"keys of labels": {
			system + `|^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`,
			func(s string) bool { return !wrong(spec.Label("L", s, "")) },
			[]string{"a", "é9_-", "日本", "run.googleapis.com/X.y-_", "a.b.knative.dev/x", ".knative.dev/x", "knative.dev/x", "run.googleapis.com/", "Run.googleapis.com/x", "a/b", "9a", strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("é", 63), "x.googleapis.com/" + strings.Repeat("a", 64), "\xff"},
		},
		"values of labels": {
			`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`,
			func(s string) bool { return !wrong(spec.Label("L", "a", s)) },
			[]string{"", "-", "٣", "A", "a b", "a\n", strings.Repeat("日", 63), strings.Repeat("日", 64), "a\xff"},
		},
		"names of secrets": {
			`^[a-zA-Z0-9_-]{1,255}$|^projects/[0-9]{1,19}/secrets/[a-zA-Z0-9_-]{1,255}$`,
			func(s string) bool { return !wrong(spec.SecretEnv("S", "A", version(s, "1"))[0]) },
			[]string{"", "a", "A_-9", "é", "a\n", "projects/1/secrets/a", "projects//secrets/a", "projects/a/secrets/a", "projects/1/secrets/", "projects/1/secrets/a/secrets/b", "projects/12345678901234567890/secrets/a", strings.Repeat("a", 255), strings.Repeat("a", 256)},
		},
	} {
		re := regexp.MustCompile(tc.valid)
		rng := rand.New(rand.NewSource(1))
		alphabet := []rune("aAé日9٣_-./ \x00projectsscretgoogleapis.com/knative.dev")
		for range 3000 {
			text := make([]rune, rng.Intn(8))
			for i := range text {
				text[i] = alphabet[rng.Intn(len(alphabet))]
			}
			tc.samples = append(tc.samples, string(text), "x.knative.dev/"+string(text), "projects/1/secrets/"+string(text))
		}
		for _, s := range tc.samples {
			if got := tc.is(s); got != re.MatchString(s) {
				t.Errorf("%s: %q: %v", name, s, got)
			}
		}
	}
}

func TestParseQuantity(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"2": "2", "500m": "500m", "1Gi": "1Gi", "0.5": "500m", "1e3": "1e3"} {
		q, err := spec.ParseQuantity(text)
		require.NoError(t, err, text)
		require.Equal(t, want, q.String())
	}
	for text, problem := range map[string]string{
		"512MB": `write "512Mi"`, "2 GiB": `write "2Gi"`, "1.5 k": `write "1.5Ki"`, "3gb": "not a quantity", "2 MiX": "not a quantity", "2  Tb": `write "2Ti"`,
		"": "not a quantity", "many": "not a quantity", "0": "more than zero", "-1": "more than zero", " 1Gi": "not a quantity", "1Gi\n": "not a quantity",
	} {
		_, err := spec.ParseQuantity(text)
		require.ErrorContains(t, err, problem, text)
	}
	unit := regexp.MustCompile(`^([0-9.]+) *([kKMGT])i?[bB]?$`)
	rng := rand.New(rand.NewSource(1))
	for range 3000 {
		text := make([]byte, rng.Intn(7))
		for i := range text {
			text[i] = "12.  kKMGTibBx"[rng.Intn(14)]
		}
		_, err := spec.ParseQuantity(string(text))
		m := unit.FindStringSubmatch(string(text))
		if err != nil && !strings.Contains(err.Error(), "zero") {
			require.Equal(t, m != nil, strings.Contains(err.Error(), "write"), "%q: %v", text, err)
			if m != nil {
				require.ErrorContains(t, err, `"`+m[1]+strings.ToUpper(m[2])+`i"`)
				if _, err := spec.ParseQuantity(m[1] + strings.ToUpper(m[2]) + "i"); strings.Count(m[1], ".") == 0 {
					require.False(t, err != nil && strings.Contains(err.Error(), "quantity"), "the quantity that the error names")
				}
			}
		}
	}
}
