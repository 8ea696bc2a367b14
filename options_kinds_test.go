package cloudrun_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
)

// optionKinds are the kinds of options by their names.
func optionKinds() map[string]reflect.Type {
	kinds := map[string]reflect.Type{}
	for _, kind := range []reflect.Type{
		reflect.TypeFor[cloudrun.DeployOption](), reflect.TypeFor[cloudrun.ServiceOption](), reflect.TypeFor[cloudrun.WorkloadOption](),
		reflect.TypeFor[cloudrun.ContainerOption](), reflect.TypeFor[cloudrun.PlanOption](), reflect.TypeFor[cloudrun.TrafficOption](),
		reflect.TypeFor[cloudrun.RollbackOption](), reflect.TypeFor[cloudrun.ReplaceOption](), reflect.TypeFor[cloudrun.PruneOption](),
		reflect.TypeFor[cloudrun.WaitOption](), reflect.TypeFor[cloudrun.WriteOption](), reflect.TypeFor[cloudrun.ListOption](),
		reflect.TypeFor[cloudrun.MemberOption](), reflect.TypeFor[cloudrun.ManifestOption](), reflect.TypeFor[cloudrun.CallOption](),
		reflect.TypeFor[cloudrun.ProgressOption](), reflect.TypeFor[cloudrun.DryRunOption](), reflect.TypeFor[cloudrun.LatestOption](),
		reflect.TypeFor[cloudrun.LaunchStageOption](), reflect.TypeFor[cloudrun.AgeOption](), reflect.TypeFor[cloudrun.DeleteOption](),
	} {
		kinds[strings.TrimSuffix(kind.Name(), "Option")] = kind
	}
	return kinds
}

// TestOptionKinds asserts where an option of each kind is accepted. Everywhere
// else it does not compile.
func TestOptionKinds(t *testing.T) {
	t.Parallel()
	kinds := optionKinds()
	accepted := map[string]string{
		"Container":   "Container Workload Service Deploy Plan",
		"Workload":    "Workload Service Deploy Plan",
		"Service":     "Service Deploy Plan",
		"Deploy":      "Deploy Plan",
		"Plan":        "Plan",
		"Traffic":     "Traffic",
		"Rollback":    "Rollback",
		"Replace":     "Replace",
		"Prune":       "Prune",
		"Delete":      "Delete",
		"Age":         "Age Prune List",
		"Wait":        "Wait",
		"Write":       "Write",
		"List":        "List",
		"Member":      "Member",
		"Manifest":    "Manifest",
		"Call":        "Call Deploy Plan Traffic Rollback Replace Delete Prune Latest",
		"Progress":    "Progress Call Deploy Plan Traffic Rollback Replace Delete Prune Wait Latest",
		"DryRun":      "DryRun Write Replace Rollback Prune",
		"Latest":      "Latest Deploy Plan Traffic",
		"LaunchStage": "LaunchStage Workload Service Deploy Plan Traffic Latest",
	}
	require.Len(t, accepted, len(kinds))
	for name, kind := range kinds {
		var where []string
		for other, wanted := range kinds {
			if kind.Implements(wanted) {
				where = append(where, other)
			}
		}
		require.ElementsMatch(t, strings.Fields(accepted[name]), where, name)
	}
}

// TestKindsOfOptions asserts the kinds of the options that only one call understands.
func TestKindsOfOptions(t *testing.T) {
	t.Parallel()
	for kind, options := range map[string][]any{
		"Plan":     {cloudrun.RevealValues, cloudrun.WithoutDryRun},
		"Rollback": {cloudrun.RollbackTo, cloudrun.RollbackToTraffic},
		"Wait":     {cloudrun.WithGeneration},
		"List":     {cloudrun.WithLabelSelector, cloudrun.WithService, cloudrun.WithPageSize},
		"Member":   {cloudrun.WithCondition},
		"Age":      {cloudrun.OlderThan},
		"Delete":   {cloudrun.IfExists},
		"Manifest": {cloudrun.AllowUnknownFields},
		"DryRun":   {cloudrun.DryRun},
		"Call":     {cloudrun.Async},
		"Progress": {cloudrun.WithProgress, cloudrun.WithWaitTimeout, cloudrun.WithFailureWindow, cloudrun.WithPollInterval},
		"Traffic":  {cloudrun.ToRevision, cloudrun.ToTag, cloudrun.SetTags, cloudrun.WithTagOn, cloudrun.WithoutTag, cloudrun.ClearTags, cloudrun.EditTraffic},
		"Latest":   {cloudrun.ToLatest},
		"Deploy": {cloudrun.WithPublicAccess, cloudrun.WithoutPublicAccess, cloudrun.WithNoTraffic, cloudrun.WithTag, cloudrun.IfChanged, cloudrun.WithClient, cloudrun.WithRunID,
			cloudrun.WithPreflight, cloudrun.CheckImage, cloudrun.PinImage},
	} {
		for _, option := range options {
			require.Equal(t, optionKinds()[kind], reflect.TypeOf(option).Out(0))
		}
	}
}

// A nil option of any kind is an error, and nothing is sent.
func TestNilOptions(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	d, ctx := cloudrun.NewDeployer(c), t.Context()
	for name, call := range map[string]func() error{
		"CheckOptions":  func() error { return cloudrun.CheckOptions(nil) },
		"NewService":    func() error { _, err := cloudrun.NewService("hello", cloudrun.WithImage(image), nil); return err },
		"WithContainer": func() error { return cloudrun.CheckOptions(cloudrun.WithContainer("a", nil)) },
		"SetContainer":  func() error { return cloudrun.CheckOptions(cloudrun.SetContainer("a", nil)) },
		"Deploy":        func() error { _, err := d.Deploy(ctx, "hello", nil); return err },
		"NewDeployer":   func() error { _, err := cloudrun.NewDeployer(c, nil).Deploy(ctx, "hello"); return err },
		"Plan":          func() error { _, err := d.Plan(ctx, "hello", nil); return err },
		"PlanOptions":   func() error { _, err := d.Plan(ctx, "hello", cloudrun.PlanOptions(nil, nil)...); return err },
		"UpdateTraffic": func() error { _, err := d.UpdateTraffic(ctx, "hello", cloudrun.ToLatest(), nil); return err },
		"Rollback":      func() error { _, err := d.Rollback(ctx, "hello", nil); return err },
		"Delete":        func() error { return d.Delete(ctx, "hello", nil) },
		"Progress":      func() error { _, err := d.Progress(nil); return err },
		"WaitReady":     func() error { _, err := cloudrun.WaitReady(ctx, c, "hello", nil); return err },
		"ParseManifest": func() error { _, err := cloudrun.ParseManifest([]byte(manifestSpec("")), nil); return err },
		"With":          func() error { _, err := mustParseManifest(t, manifestSpec("")).With(nil); return err },
		"ReplaceManifest": func() error {
			_, err := d.ReplaceManifest(ctx, mustParseManifest(t, manifestSpec("")), nil)
			return err
		},
	} {
		require.ErrorContains(t, call(), " is nil", name)
	}
	require.Empty(t, s.Requests())
}
