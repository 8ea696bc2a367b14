// Package resources has the rules for the documents of the API: what a server
// accepts, refuses, adds and removes. It covers Services, their Revisions and
// IAM policies, each as Cloud Run and as a Knative cluster see them. It knows
// nothing of HTTP, and of time only what it is given.
//
// Another kind, such as Job or WorkerPool, brings its own files: its shape in
// validate_KIND.go, its defaults in defaults_KIND.go, and an AdmitKIND in
// admit_KIND.go. The rules for containers, volumes and metadata are the checker's
// and are shared.
package resources
