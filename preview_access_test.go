package cloudrun_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// A plan compares the public access that the options ask for with the IAM policy.
func TestPlanOfPublicAccess(t *testing.T) {
	t.Parallel()
	const everybody, members = "(everybody is allowed to call the service)", "(only members of the IAM policy are allowed to call the service)"
	public, private := cloudrun.WithPublicAccess(), cloudrun.WithoutPublicAccess()
	for name, tc := range map[string]struct {
		is     bool // public
		option cloudrun.DeployOption
		line   string
		counts string
		json   string
	}{
		"made private by somebody": {false, public, "~ public access: private -> public " + everybody, "public access changes", `{"before":false,"after":true}`},
		"public already":           {true, public, "public access: already public " + everybody, "no changes", `{"before":true,"after":true}`},
		"to become private":        {true, private, "~ public access: public -> private " + members, "public access changes", `{"before":true,"after":false}`},
		"private already":          {false, private, "public access: already private " + members, "no changes", `{"before":false,"after":false}`},
		"not asked for":            {true, cloudrun.IfChanged(), "", "no changes", `null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, c := newServer(t)
				d := cloudrun.NewDeployer(c, cloudrun.WithImage(image))
				_, err := d.Deploy(t.Context(), "hello", cloudrun.WithPublicAccess())
				require.NoError(t, err)
				if !tc.is {
					require.NoError(t, cloudrun.MakePrivate(t.Context(), c, "hello"))
				}
				s.ResetRequests()
				s.ResetHistory()
				options := []cloudrun.DeployOption{tc.option}
				if tc.json != "null" {
					options = append(options, cloudrun.IfChanged())
				}
				p, err := d.Plan(t.Context(), "hello", planOptions(options)...)
				require.NoError(t, err)
				require.Empty(t, s.History())
				want := 2
				if tc.json == "null" {
					want = 1
				}
				require.Len(t, s.Requests(), want, methods(s.Requests()))
				if tc.line != "" {
					require.Contains(t, planText(t, p), "\n  "+tc.line+"\n")
				} else {
					require.NotContains(t, planText(t, p), "public access")
				}
				require.Contains(t, p.String(), tc.counts)
				require.Equal(t, strings.HasPrefix(tc.line, "~"), p.PublicAccess.Changes())
				require.Equal(t, strings.HasPrefix(tc.line, "~"), strings.Contains(p.String(), "would not change, except for public access"))
				encoded, err := json.Marshal(p.PublicAccess)
				require.NoError(t, err)
				require.JSONEq(t, tc.json, string(encoded))

				r, err := d.Apply(t.Context(), p)
				require.NoError(t, err)
				require.Equal(t, cloudrun.Unchanged, r.Action)
				is, err := cloudrun.IsPublic(t.Context(), c, "hello")
				require.NoError(t, err)
				require.Equal(t, p.PublicAccess == nil && tc.is || p.PublicAccess != nil && p.PublicAccess.After, is)
				writes := len(s.History())
				require.Equal(t, p.PublicAccess.Changes(), writes == 1, "%d writes", writes)
			})
		})
	}
}

func planOptions(options []cloudrun.DeployOption) (all []cloudrun.PlanOption) {
	for _, o := range options {
		all = append(all, o)
	}
	return all
}

// A policy that the account is not allowed to read is a warning. Where the server cannot be asked, there is no plan.
func TestPlanOfAPolicyThatCannotBeRead(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, c := newServer(t)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage(image), cloudrun.IfChanged(), cloudrun.WithPublicAccess())
		_, err := d.Deploy(t.Context(), "hello")
		require.NoError(t, err)
		s.DenyPermission("run.services.getIamPolicy")
		p, err := d.Plan(t.Context(), "hello")
		require.NoError(t, err)
		require.Equal(t, &cloudrun.PublicAccess{After: true}, p.PublicAccess)
		require.True(t, p.PublicAccess.Changes())
		require.Contains(t, planText(t, p), "\n  ~ public access: unknown -> public (everybody is allowed to call the service)\n"+
			"  warning: whether public access would change is unknown: permission run.services.getIamPolicy is missing on projects/demo/locations/us-central1/services/hello for the account in use: grant it roles/run.admin")
		require.Contains(t, p.String(), "no changes; public access may change")
		encoded, err := json.Marshal(p)
		require.NoError(t, err)
		require.Contains(t, string(encoded), `"publicAccess":{"before":null,"after":true}`)
		_, err = d.Apply(t.Context(), p)
		var missing *cloudrun.PermissionError
		require.ErrorAs(t, err, &missing, "the policy cannot be written either")

		s.Fault(cloudruntest.Fault{Method: http.MethodGet, Path: ":getIamPolicy", Status: 503, For: time.Hour})
		_, err = d.Plan(t.Context(), "hello")
		require.ErrorContains(t, err, `plan service "hello": get IAM policy projects/demo/locations/us-central1/services/hello: HTTP 503`)
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
	})
}
