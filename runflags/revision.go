package runflags

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun"
)

// revisionFlags returns the flags that configure how Revisions run.
func revisionFlags() []*flag {
	return []*flag{
		{name: "concurrency", usage: "number of requests that one instance serves at a time, or default (80; 1 with less than one CPU)", service: concurrency},
		{name: "timeout", usage: "time that a request may take, such as 10m or 45 for seconds (default 5m)", service: timeout},
		{name: "revision-suffix", usage: "suffix of the new revision's name, such as v2 in hello-v2", service: orEmpty(cloudrun.WithRevisionSuffix, restart)},
		{name: "session-affinity", takes: takesSwitch, usage: "send the requests of one client to the same instance", service: onOff(cloudrun.WithSessionAffinity)},
		{name: "execution-environment", usage: "gen1 or gen2", workload: oneChoice(cloudrun.WithExecutionEnvironment, "gen1", "gen2")},
		{name: "cpu-throttling", takes: takesSwitch, usage: "allocate CPU only while requests are served", service: onOff(cloudrun.WithCPUThrottling)},
		{name: "cpu-boost", takes: takesSwitch, usage: "allocate more CPU while containers start", service: onOff(cloudrun.WithCPUBoost)},
		{name: "gpu-type", usage: "type of GPU, such as nvidia-l4", workload: unlessEmpty(cloudrun.WithGPUType)},
		{name: "gpu-zonal-redundancy", takes: takesSwitch, usage: "reserve GPUs in a second zone too", workload: onOff(cloudrun.WithGPUZonalRedundancy)},
		{name: "deploy-health-check", takes: takesSwitch, stage: beta, usage: "start an instance before the revision counts as ready", service: onOff(cloudrun.WithDeployHealthCheck)},
		{name: "service-account", usage: "e-mail address of the service account that the service runs as", workload: unlessEmpty(cloudrun.WithServiceAccount)},
	}
}

func concurrency(g given) ([]cloudrun.ServiceOption, error) {
	raw := g.text("concurrency")
	if raw == "default" {
		return []cloudrun.ServiceOption{cloudrun.WithoutConcurrency()}, nil
	}
	n, err := parseInt(raw)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("bad value [%s]: must be an integer greater than 0 or \"default\"", raw)
	}
	return []cloudrun.ServiceOption{cloudrun.WithConcurrency(n)}, nil
}

func timeout(g given) ([]cloudrun.ServiceOption, error) {
	raw := g.text("timeout")
	d, err := parseDuration(raw)
	switch {
	case err != nil:
		return nil, err
	case d < time.Second:
		return nil, fmt.Errorf("value must be greater than or equal to 1s; received: %s", raw)
	}
	return []cloudrun.ServiceOption{cloudrun.WithRequestTimeout(d)}, nil
}

func scalingFlags() []*flag {
	return []*flag{
		{name: "min-instances", usage: "minimum number of instances of each revision, or default (0)", service: count(cloudrun.WithMinInstances, cloudrun.WithoutMinInstances)},
		{name: "max-instances", usage: "maximum number of instances of each revision, or default (100)", service: count(cloudrun.WithMaxInstances, cloudrun.WithoutMaxInstances)},
		{name: "min", usage: "minimum number of instances of the service, or default (0)",
			service: unlessGiven("service-min-instances", count(cloudrun.WithServiceMinInstances, cloudrun.WithoutServiceMinInstances))},
		{name: "service-min-instances", hidden: true, usage: "older name of --min", service: count(cloudrun.WithServiceMinInstances, cloudrun.WithoutServiceMinInstances)},
		{name: "max", stage: beta, usage: "maximum number of instances of the service, or default (no limit)", service: unlessGiven("service-max-instances", serviceMax)},
		{name: "service-max-instances", stage: beta, hidden: true, usage: "older name of --max", service: serviceMax},
		{name: "scaling", stage: beta, usage: "auto, or the fixed number of instances of the service (default auto)", service: scaling},
	}
}

// unlessGiven makes no option if the flag is also given under another name, which then counts.
func unlessGiven(other string, option func(given) ([]cloudrun.ServiceOption, error)) func(given) ([]cloudrun.ServiceOption, error) {
	return func(g given) ([]cloudrun.ServiceOption, error) {
		if g.has(other) {
			return nil, nil
		}
		return option(g)
	}
}

func serviceMax(g given) ([]cloudrun.ServiceOption, error) {
	if g.has("scaling") && g.text("scaling") != "auto" {
		return nil, errors.New("cannot set service max instances when scaling mode is manual")
	}
	return count(cloudrun.WithServiceMaxInstances, cloudrun.WithoutServiceMaxInstances)(g)
}

func scaling(g given) ([]cloudrun.ServiceOption, error) {
	raw := g.text("scaling")
	if raw == "auto" {
		return []cloudrun.ServiceOption{cloudrun.WithAutomaticScaling()}, nil
	}
	n, err := parseInt(raw)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("input value '%s' should be a positive integer or 'auto'", raw)
	}
	return []cloudrun.ServiceOption{cloudrun.WithManualScaling(n)}, nil
}

// metadataFlags returns the flags about the Service as a whole.
func metadataFlags() []*flag {
	return []*flag{
		{name: "description", usage: "text that describes the service", service: one(cloudrun.WithDescription)},
		{name: "labels", metavar: "[KEY=VALUE,...]", usage: "labels to add or change", service: addLabels("labels")},
		{name: "update-labels", metavar: "[KEY=VALUE,...]", usage: "labels to add or change, as with --labels", service: addLabels("update-labels")},
		{name: "remove-labels", metavar: "[KEY,...]", usage: "labels to remove", service: removeLabels},
		{name: "clear-labels", takes: takesNone, usage: "remove all labels", service: clearLabels},
		{name: "update-annotations", hidden: true, metavar: "[KEY=VALUE,...]", usage: "annotations of the service to add or change", service: annotations},
		{name: "regions", stage: beta, metavar: "[REGION,...]", usage: "regions of a multi-region service", service: regions},
	}
}

// addedLabels returns the labels to add, without those that the same command
// removes: gcloud removes last.
func addedLabels(g given) (map[string]string, error) {
	added, err := g.joinedDict("labels")
	if g.has("update-labels") {
		added, err = g.joinedDict("update-labels")
	}
	removed, _ := g.uniqueList("remove-labels") // removeLabels reports the error
	for _, key := range removed {
		delete(added, key)
	}
	return added, err
}

// addLabels adds labels. With --clear-labels, clearLabels adds them.
func addLabels(name string) func(given) ([]cloudrun.ServiceOption, error) {
	return func(g given) ([]cloudrun.ServiceOption, error) {
		if _, err := g.joinedDict(name); err != nil || g.has("clear-labels") {
			return nil, err
		}
		added, err := addedLabels(g)
		var opts []cloudrun.ServiceOption
		for _, key := range sortedKeys(added) {
			opts = append(opts, cloudrun.WithLabel(key, added[key]))
		}
		return opts, err
	}
}

func removeLabels(g given) ([]cloudrun.ServiceOption, error) {
	keys, err := g.uniqueList(g.name)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	return []cloudrun.ServiceOption{cloudrun.WithoutLabel(keys...)}, nil
}

func clearLabels(g given) ([]cloudrun.ServiceOption, error) {
	added, err := addedLabels(g)
	if err != nil || len(added) == 0 {
		return []cloudrun.ServiceOption{cloudrun.ClearLabels()}, nil //nolint:nilerr // the other flag reports the error
	}
	return []cloudrun.ServiceOption{cloudrun.SetLabels(added)}, nil
}

func annotations(g given) ([]cloudrun.ServiceOption, error) {
	dict, err := g.joinedDict(g.name)
	var opts []cloudrun.ServiceOption
	for _, key := range sortedKeys(dict) {
		opts = append(opts, cloudrun.WithAnnotation(key, dict[key]))
	}
	return opts, err
}

func regions(g given) ([]cloudrun.ServiceOption, error) {
	return []cloudrun.ServiceOption{cloudrun.SetRegions(strings.Split(g.text("regions"), ",")...)}, nil
}
