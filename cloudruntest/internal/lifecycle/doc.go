// Package lifecycle has the course of things over time: how a write becomes
// ready or fails, and what a read shows at each moment. Nothing runs in the
// background. A write fixes the whole course, and the time determines the rest.
//
// Courses of Cloud Run are in cloudrun.go, those of a Knative cluster in
// cluster.go, and those that a script dictates in scripted.go. Another kind, such
// as Job with its executions, brings its own course.
package lifecycle
