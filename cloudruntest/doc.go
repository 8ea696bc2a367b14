// Package cloudruntest is an embedded Cloud Run control plane, for tests of
// deploy code, for demos and for work without a network.
//
//	s := cloudruntest.NewServer()
//	defer s.Close()
//	client, err := cloudrun.NewClient(ctx, "demo", "us-central1", s.ClientOptions()...)
//
// It speaks raw JSON over HTTP, so that any client of Cloud Run's v1 (Knative)
// API works with it unchanged, gcloud included ([Server.Environ]). It depends on
// no client library. With [InProcess] it needs no port and runs in virtual time
// inside of a bubble of testing/synctest. With [Cluster] it is a Knative API
// server instead.
//
// # What it models
//
//   - Services: server-side defaults, generations, resource versions, conflicts,
//     dryRun, deletion that takes time; fields that it does not know stay at every level
//   - Revisions: made when the template changes, named by the server or the
//     template, their conditions, log URL and image digest, retired beyond 1,000
//   - readiness over time, through Unknown conditions, with operations and their
//     :wait; failures, false alarms, lags and whole sequences by [Server.Script]
//   - the refusal, with the field, of what Cloud Run refuses
//   - lists in pages and by label; regions, by host name; projects
//   - IAM policies with etags, versions and conditions; missing permissions
//     ([Server.DenyPermission]) and the organisation policy against allUsers ([Server.ForbidAllUsers])
//   - quotas ([Server.RateLimit]) and faults of the network and of proxies ([Server.Fault])
//   - the Services themselves: a container is an http.Handler registered for an
//     image ([Server.Handle]); URLs and tag URLs answer, traffic is split exactly
//     as configured, and who may not call gets 403
//
// [Server.Requests] and [Server.History] tell what was asked for and what it changed.
//
// # What it does not
//
//   - secrets, volumes, service accounts and images need not exist; variables from secrets are not set
//   - memory is not checked against CPU, nor probes, GPUs or launch stages against anything
//   - any bearer token may call a private Service; IAM conditions are not evaluated, nor is anybody but allUsers
//   - minimum instances, concurrency and timeouts have no effect on requests; containers are not stopped
//   - Services cannot be patched or watched; a cluster takes JSON only and knows
//     unknown fields down to containers, environment, ports, mounts and volumes
//   - a deleted Service ends its operations with an error
//   - there are at most 512 listeners for URLs: beyond that, and in process, a Service has an
//     https URL that only [Server.Client] reaches
package cloudruntest
