// Package rest sends one HTTP request to a Google or Kubernetes API and retries it.
//
// A [Client] returns the bytes of a successful response or an [*Error]. It
// bounds what it reads, understands the error bodies of Google and of
// Kubernetes, and recognizes responses that did not come from the API. The
// predicates, such as [Transient] and [MayHaveApplied], judge a failure from
// the outside. They work on wrapped errors too.
package rest
