// Package resources has the rules for the documents of the API: what a server
// accepts, refuses, adds and removes. It covers Services, their Revisions and
// IAM policies, each as Cloud Run and as a Knative cluster see them. It knows
// nothing of HTTP, and of time only what it is given.
//
// Another kind, such as Job or WorkerPool, brings its own files: an AdmitKIND in
// admit_KIND.go, its defaults in defaults_KIND.go and its rules in
// validate_KIND.go. The rules for metadata (validate.go) and for containers and
// volumes (validate_workload.go) are shared. They take the path of what they check.
package resources
