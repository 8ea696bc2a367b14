package lifecycle

import (
	"cmp"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
)

func succeeded() store.Condition { return store.Condition{Status: "True"} }

func failed(reason, message string) store.Condition {
	return store.Condition{Status: "False", Reason: reason, Message: message}
}

func unknown(reason, message string) store.Condition {
	return store.Condition{Status: "Unknown", Reason: reason, Message: message}
}

func pending() store.Condition { return unknown("", "") }

// ReadyConditions returns the conditions of a ready Service.
func ReadyConditions(cluster bool) []store.Condition {
	if cluster {
		return clusterConditions(succeeded(), succeeded(), succeeded())
	}
	return conditions(succeeded(), succeeded(), succeeded())
}

// conditions returns the conditions of a Service, in Cloud Run's order.
func conditions(ready, config, routes store.Condition) []store.Condition {
	ready.Type, config.Type, routes.Type = "Ready", "ConfigurationsReady", "RoutesReady"
	return []store.Condition{ready, config, routes}
}

// clusterConditions returns the conditions of a Service, in a cluster's order.
func clusterConditions(config, ready, routes store.Condition) []store.Condition {
	config.Type, ready.Type, routes.Type = "ConfigurationsReady", "Ready", "RoutesReady"
	return []store.Condition{config, ready, routes}
}

func failureReason(f *store.Failure) string { return cmp.Or(f.Reason, "HealthCheckContainerError") }

func failureMessage(f *store.Failure) string {
	return cmp.Or(f.Message, "The user-provided container failed to start and listen on the port defined provided by the PORT=8080 environment variable.")
}
