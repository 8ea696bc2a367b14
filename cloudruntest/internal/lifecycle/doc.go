// Package lifecycle plans what happens after a write, and renders what a read
// shows at a moment. Nothing runs in the background: a write fixes all stages of
// its rollout, and the time selects the current one.
//
// cloudrun.go has the stages of Cloud Run, cluster.go those of a Knative cluster
// and scripted.go those of a Script. Another kind, such as Job with its
// executions, brings its own stages.
package lifecycle
