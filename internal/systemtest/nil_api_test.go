package systemtest

import (
	"reflect"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/rollout"
	"github.com/cloudrun-go/cloudrun/runflags"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

// exported is what a public package exports.
type exported struct {
	dir   string
	funcs []any
	types []reflect.Type // other than interfaces and aliases
}

// public is everything that this module exports. TestExportedIsComplete finds what is missing.
var public = []exported{
	{
		dir: "../..",
		funcs: []any{
			cloudrun.AddMember, cloudrun.AllowPlainHTTP, cloudrun.AllowUnknownFields, cloudrun.Async, cloudrun.CheckImage, cloudrun.CheckOptions, cloudrun.ClearCloudSQL,
			cloudrun.ClearCustomAudiences, cloudrun.ClearDependsOn, cloudrun.ClearEnv, cloudrun.ClearLabels, cloudrun.ClearNetwork,
			cloudrun.ClearNetworkTags, cloudrun.ClearSecrets, cloudrun.ClearTags, cloudrun.ClearVolumeMounts, cloudrun.ClearVolumes,
			cloudrun.CloudSQLVolume, cloudrun.DryRun, cloudrun.EditContainer, cloudrun.EditService, cloudrun.EditTraffic, cloudrun.ForCluster, cloudrun.GCSVolume,
			cloudrun.IfChanged, cloudrun.IfExists, cloudrun.InMemoryVolume, cloudrun.IsPublic, cloudrun.LogProgress, cloudrun.MakePrivate, cloudrun.MakePublic, cloudrun.NFSVolume, cloudrun.OlderThan,
			cloudrun.NewClient, cloudrun.NewClusterClient, cloudrun.NewDeployer, cloudrun.NewService, cloudrun.ParseManifest, cloudrun.PinImage, cloudrun.PlanOptions,
			cloudrun.RemoveMember, cloudrun.RevealValues, cloudrun.RollbackTo, cloudrun.RollbackToTraffic, cloudrun.SecretVolume,
			cloudrun.SetCloudSQL, cloudrun.SetContainer, cloudrun.SetCustomAudiences, cloudrun.SetDependsOn, cloudrun.SetEnv, cloudrun.SetLabels,
			cloudrun.SetNetworkTags, cloudrun.SetRegions, cloudrun.SetSecrets, cloudrun.SetTags, cloudrun.ToLatest, cloudrun.ToRevision,
			cloudrun.ToTag, cloudrun.WaitReady, cloudrun.WithAnnotation, cloudrun.WithArgs, cloudrun.WithAttemptTimeout, cloudrun.WithMeterProvider, cloudrun.WithTracerProvider,
			cloudrun.WithAutomaticScaling, cloudrun.WithBinaryAuthorization, cloudrun.WithBreakglass, cloudrun.WithCPU, cloudrun.WithCPUBoost,
			cloudrun.WithCPUThrottling, cloudrun.WithClient, cloudrun.WithCloudSQL, cloudrun.WithCommand, cloudrun.WithConcurrency,
			cloudrun.WithCondition, cloudrun.WithContainer, cloudrun.WithCustomAudiences, cloudrun.WithDefaultURL, cloudrun.WithDeployHealthCheck,
			cloudrun.WithDescription, cloudrun.WithEncryptionKey, cloudrun.WithEncryptionKeyShutdownHours, cloudrun.WithEnv,
			cloudrun.WithExecutionEnvironment, cloudrun.WithFailureWindow, cloudrun.WithGPU, cloudrun.WithGPUType, cloudrun.WithGPUZonalRedundancy,
			cloudrun.WithGeneration, cloudrun.WithHTTP2, cloudrun.WithIAP, cloudrun.WithImage, cloudrun.WithIngress, cloudrun.WithInvokerIAMCheck,
			cloudrun.WithLabel, cloudrun.WithLabelSelector, cloudrun.WithLaunchStage, cloudrun.WithLivenessProbe, cloudrun.WithManualScaling,
			cloudrun.WithMaxInstances, cloudrun.WithMemory, cloudrun.WithMesh, cloudrun.WithMinInstances, cloudrun.WithNetwork,
			cloudrun.WithNoTraffic, cloudrun.WithPageSize, cloudrun.WithPollInterval, cloudrun.WithPort, cloudrun.WithPostKeyRevocationAction,
			cloudrun.WithProgress, cloudrun.WithPreflight, cloudrun.WithPrincipal, cloudrun.WithPublicAccess, cloudrun.WithReadinessProbe, cloudrun.WithRequestTimeout, cloudrun.WithRevisionSuffix, cloudrun.WithRunID,
			cloudrun.WithSecretEnv, cloudrun.WithSecretFile, cloudrun.WithService, cloudrun.WithServiceAccount, cloudrun.WithServiceMaxInstances,
			cloudrun.WithServiceMinInstances, cloudrun.WithSessionAffinity, cloudrun.WithStartupProbe, cloudrun.WithSubnet, cloudrun.WithTag,
			cloudrun.WithTagOn, cloudrun.WithTemplateAnnotation, cloudrun.WithTemplateLabel, cloudrun.WithoutTemplateLabel, cloudrun.WithNoTrafficIfExists, cloudrun.WithVPCConnector, cloudrun.WithVPCEgress, cloudrun.WithVolume,
			cloudrun.WithVolumeMount, cloudrun.WithWaitTimeout, cloudrun.WithLogLines, cloudrun.LogsOfService, cloudrun.LogsOfRevision, cloudrun.LogsSince, cloudrun.FollowLogs, cloudrun.WithoutAnnotation, cloudrun.WithoutArgs,
			cloudrun.WithoutBinaryAuthorization, cloudrun.WithoutCloudSQL, cloudrun.WithoutCommand, cloudrun.WithoutConcurrency,
			cloudrun.WithoutContainer, cloudrun.WithoutCustomAudiences, cloudrun.WithoutDryRun, cloudrun.WithoutEncryptionKey,
			cloudrun.WithoutEncryptionKeyShutdownHours, cloudrun.WithoutEnv, cloudrun.WithoutGPU, cloudrun.WithoutLabel,
			cloudrun.WithoutLivenessProbe, cloudrun.WithoutMaxInstances, cloudrun.WithoutMesh, cloudrun.WithoutMinInstances,
			cloudrun.WithoutNetwork, cloudrun.WithoutPort, cloudrun.WithoutPostKeyRevocationAction, cloudrun.WithoutPublicAccess,
			cloudrun.WithoutReadinessProbe, cloudrun.WithoutSecret, cloudrun.WithoutSource, cloudrun.WithoutServiceMaxInstances, cloudrun.WithoutServiceMinInstances,
			cloudrun.WithoutStartupProbe, cloudrun.WithoutSubnet, cloudrun.WithoutTag, cloudrun.WithoutTemplateAnnotation,
			cloudrun.WithoutVPCConnector, cloudrun.WithoutVolume, cloudrun.WithoutVolumeMount,
		},
		types: []reflect.Type{
			reflect.TypeFor[cloudrun.APIError](), reflect.TypeFor[cloudrun.Action](), reflect.TypeFor[cloudrun.Binding](),
			reflect.TypeFor[cloudrun.BindingCondition](), reflect.TypeFor[cloudrun.Cause](), reflect.TypeFor[cloudrun.Change](),
			reflect.TypeFor[cloudrun.ChangeKind](), reflect.TypeFor[cloudrun.Client](), reflect.TypeFor[cloudrun.DeniedSecret](),
			reflect.TypeFor[cloudrun.DeployError](), reflect.TypeFor[cloudrun.Deployer](), reflect.TypeFor[cloudrun.Event](),
			reflect.TypeFor[cloudrun.EventKind](), reflect.TypeFor[cloudrun.FieldViolation](), reflect.TypeFor[cloudrun.GRPCCheck](),
			reflect.TypeFor[cloudrun.HTTPCheck](), reflect.TypeFor[cloudrun.Location](), reflect.TypeFor[cloudrun.Manifest](),
			reflect.TypeFor[cloudrun.ManifestError](), reflect.TypeFor[cloudrun.NotReadyError](), reflect.TypeFor[cloudrun.OperationError](),
			reflect.TypeFor[cloudrun.OptionError](), reflect.TypeFor[cloudrun.OrgPolicyError](), reflect.TypeFor[cloudrun.OvertakenError](),
			reflect.TypeFor[cloudrun.PermissionError](), reflect.TypeFor[cloudrun.Plan](), reflect.TypeFor[cloudrun.PlanStaleError](), reflect.TypeFor[cloudrun.PreflightReport](),
			reflect.TypeFor[cloudrun.Policy](), reflect.TypeFor[cloudrun.Probe](), reflect.TypeFor[cloudrun.PublicAccess](), reflect.TypeFor[cloudrun.Result](),
			reflect.TypeFor[cloudrun.RevisionInfo](), reflect.TypeFor[cloudrun.RollbackResult](), reflect.TypeFor[cloudrun.SecretVersion](),
			reflect.TypeFor[cloudrun.Stage](), reflect.TypeFor[cloudrun.TCPCheck](), reflect.TypeFor[cloudrun.TimeoutError](),
			reflect.TypeFor[cloudrun.VolumeSource](), reflect.TypeFor[cloudrun.LogLine](), reflect.TypeFor[cloudrun.WriteOutcome](),
		},
	},
	{
		dir: "../../rollout",
		funcs: []any{
			rollout.Abort, rollout.CheckHTTP, rollout.IDTokens, rollout.Release, rollout.Run, rollout.Status,
		},
		types: []reflect.Type{
			reflect.TypeFor[rollout.Candidate](), reflect.TypeFor[rollout.CheckError](), reflect.TypeFor[rollout.Config](),
			reflect.TypeFor[rollout.Error](), reflect.TypeFor[rollout.HTTPProbes](), reflect.TypeFor[rollout.Outcome](),
			reflect.TypeFor[rollout.Result](), reflect.TypeFor[rollout.Split](), reflect.TypeFor[rollout.State](),
		},
	},
	{
		dir: "../../fleet",
		funcs: []any{
			fleet.Deploy, fleet.InRegion, fleet.OfService, fleet.Plan, fleet.WithClient, fleet.WithClientOptions, fleet.WithConcurrency, fleet.WithDefaults,
			fleet.WithProgress, fleet.WithRollback, fleet.WithRunID, fleet.WithStopAfter, fleet.WithWaves,
		},
		types: []reflect.Type{
			reflect.TypeFor[fleet.Error](), reflect.TypeFor[fleet.Event](), reflect.TypeFor[fleet.EventKind](), reflect.TypeFor[fleet.PlanResult](), reflect.TypeFor[fleet.Plans](),
			reflect.TypeFor[fleet.Report](), reflect.TypeFor[fleet.Result](), reflect.TypeFor[fleet.Status](), reflect.TypeFor[fleet.Target](),
			reflect.TypeFor[fleet.TargetError](),
		},
	},
	{
		dir: "../../runflags",
		funcs: []any{
			runflags.Alpha, runflags.Beta, runflags.Explain, runflags.Only, runflags.ParseTargets, runflags.Prefix, runflags.Register, runflags.RegisterMember, runflags.RegisterTraffic, runflags.Usages,
		},
		types: []reflect.Type{
			reflect.TypeFor[runflags.ArgumentError](), reflect.TypeFor[runflags.Binding](), reflect.TypeFor[runflags.Flags](),
			reflect.TypeFor[runflags.MemberFlags](), reflect.TypeFor[runflags.TrafficFlags](),
		},
	},
	{
		dir: "../../runprogress",
		funcs: []any{
			runprogress.New, runprogress.NewFleet, runprogress.WriteReport, runprogress.WithASCII, runprogress.WithColor, runprogress.WriteError, runprogress.WriteResult, runprogress.WithTerminal, runprogress.WithTitle, runprogress.WithWidth,
		},
		types: []reflect.Type{
			reflect.TypeFor[runprogress.Fleet](), reflect.TypeFor[runprogress.Option](), reflect.TypeFor[runprogress.Renderer](),
		},
	},
	{
		dir: "../../cloudruntest",
		funcs: []any{
			cloudruntest.AllowUnknownFields, cloudruntest.Cluster, cloudruntest.InProcess, cloudruntest.NewServer, cloudruntest.WithAddr, cloudruntest.WithListener,
			cloudruntest.WithProject, cloudruntest.WithRecording, cloudruntest.WithRegions, cloudruntest.WithRequestLog,
			cloudruntest.WithTimeToReady, cloudruntest.WithoutPermission, cloudruntest.ImageNotFound, cloudruntest.NotListening, cloudruntest.Outcome,
			cloudruntest.QuotaExceeded, cloudruntest.SecretDenied, cloudruntest.WithScriptLabels,
		},
		types: []reflect.Type{
			reflect.TypeFor[cloudruntest.Condition](), reflect.TypeFor[cloudruntest.Container](), reflect.TypeFor[cloudruntest.Failure](),
			reflect.TypeFor[cloudruntest.Fault](), reflect.TypeFor[cloudruntest.Option](), reflect.TypeFor[cloudruntest.Quota](), reflect.TypeFor[cloudruntest.Request](),
			reflect.TypeFor[cloudruntest.Script](), reflect.TypeFor[cloudruntest.Server](), reflect.TypeFor[cloudruntest.Stage](),
			reflect.TypeFor[cloudruntest.Write](),
		},
	},
}
