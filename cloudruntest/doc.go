// Package cloudruntest is an embedded Cloud Run control plane for tests of deploy
// code, for demos and for work without a network.
//
//	s := cloudruntest.NewServer()
//	defer s.Close()
//	client, err := cloudrun.NewClient(ctx, "demo", "us-central1", s.ClientOptions()...)
//
// It speaks raw JSON over HTTP. Any client of Cloud Run's v1 (Knative) API works
// with it unchanged, including gcloud ([Server.Environ]). It depends on no client
// library. With [InProcess] it needs no port and runs in virtual time inside a
// testing/synctest bubble. With [Cluster] it is a Knative API server instead.
//
// # What it models
//
//   - Services: server-side defaults, generations, resource versions, conflicts,
//     dryRun and deletions that take time. Unknown fields are kept at every level
//   - Revisions: created when the template changes, named by the server or by the
//     template, with conditions, log URL and image digest. Old ones are dropped
//     beyond 1,000
//   - readiness over time: conditions pass through Unknown, and operations have
//     :wait. [Server.Script] adds failures, false alarms, lags and whole sequences
//   - the failures that everybody tests, with Cloud Run's messages: [ImageNotFound],
//     [SecretDenied], [NotListening], [QuotaExceeded], [Server.ConcurrentWriter].
//     With [WithScriptLabels] the labels of a Service choose one
//   - validation: it refuses what Cloud Run refuses, and names the field
//   - lists with pages and label selectors; regions, by host name; projects
//   - IAM policies with etags, versions and conditions; missing permissions
//     ([Server.DenyPermission]) and the organization policy against allUsers
//     ([Server.ForbidAllUsers])
//   - quotas ([Server.RateLimit], and [Server.SetQuota] for each project and region)
//   - faults of the network, of proxies, of lists that lag or do not end, and of
//     servers that restart ([Server.Fault])
//   - the Services themselves: a container is an http.Handler registered for an
//     image ([Server.Handle]). URLs and tag URLs answer, traffic is split exactly
//     as configured, and callers without permission get 403
//   - Cloud Logging's entries:list, with filters: what failed Revisions wrote ([Failure.Log])
//     and what containers write ([Container])
//
// [Server.Requests] returns the requests received, and [Server.History] the
// changes they made.
//
// # What it does not model
//
//   - Secrets, volumes, service accounts and images need not exist. Variables from
//     secrets are not set
//   - Memory is not checked against CPU. Probes, GPUs and launch stages are not checked
//   - Any bearer token may call a private Service. IAM conditions and members other
//     than allUsers are not evaluated
//   - Minimum instances, concurrency and timeouts have no effect on requests.
//     Containers are never stopped
//   - Services of Cloud Run can be neither patched nor watched. Those of a cluster can
//     be, with kubectl too, but patches are only JSON merge patches. A cluster
//     accepts only JSON, and detects unknown fields down to containers,
//     environment, ports, mounts and volumes
//   - Requests to Services, and writes of the API, are not logged. Logs end with their
//     Service, or after 10,000 entries of containers
//   - The operations of a deleted Service end with an error
//   - At most 512 URLs have a listener. Beyond that, and in process, a Service has an
//     https URL that only [Server.Client] reaches
package cloudruntest
