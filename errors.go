package cloudrun

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

// ErrBeingDeleted is matched by the error of a write to a Service that is being deleted.
var ErrBeingDeleted = errors.New("the service is being deleted")

// ErrNotOnCluster is matched by the error of a call that only Cloud Run
// supports, such as one about IAM, if the Client is for a cluster.
var ErrNotOnCluster = errors.New("only Cloud Run has this, a cluster does not")

// OptionError is returned when an option, or a combination of options, is
// invalid. All problems of a call are reported at once, joined.
type OptionError struct {
	// Option is the option at fault as the program wrote it, such as `WithCPU("many")`.
	Option string
	// Conflict is the option that it contradicts; empty if it is invalid on its own.
	Conflict string
	// Reason is what is wrong and how to correct it.
	Reason string
}

// Error names the option or options and the reason.
func (e *OptionError) Error() string {
	if e.Conflict != "" {
		return fmt.Sprintf("%s contradicts %s: %s", e.Option, e.Conflict, e.Reason)
	}
	return fmt.Sprintf("%s: %s", e.Option, e.Reason)
}

// WriteOutcome reports whether a call changed anything on the server.
type WriteOutcome int

const (
	// NotWritten means that nothing was changed.
	NotWritten WriteOutcome = iota
	// Written means that the change was made.
	Written
	// WriteUnknown means that a response was lost, and the call could not determine
	// in time whether the change was made.
	WriteUnknown
)

// String returns "not written", "written" or "unknown".
func (w WriteOutcome) String() string {
	switch w {
	case Written:
		return "written"
	case WriteUnknown:
		return "unknown"
	}
	return "not written"
}

// sentence returns the outcome for an error message.
func (w WriteOutcome) sentence() string {
	switch w {
	case Written:
		return "the change was written"
	case WriteUnknown:
		return "it is unknown whether the change was written"
	}
	return "nothing was written"
}

// Stage is a part of a deployment.
type Stage string

// The stages of a deployment. Publish runs beside CreateRevision and RouteTraffic.
const (
	StageOptions        Stage = "options"         // checking the options
	StageRead           Stage = "read"            // reading the current Service
	StageWrite          Stage = "write"           // writing the Service
	StageCreateRevision Stage = "create revision" // condition ConfigurationsReady
	StageRouteTraffic   Stage = "route traffic"   // condition RoutesReady
	StageWait           Stage = "wait"            // the wait as a whole, condition Ready
	StagePublish        Stage = "publish"         // the IAM policy
	StageDelete         Stage = "delete"          // waiting until the Service is gone
	StageCheck          Stage = "check"           // the pause and the check of a step of a rollout
	StageRestore        Stage = "restore"         // returning to the split before the rollout
)

// DeployError is returned by the calls of a [Deployer], and by writes such as
// [Client.UpdateService] and [MakePublic]. It describes what failed, and reports
// whether anything was changed.
type DeployError struct {
	// Op is the call: "deploy service", "delete service", "add IAM member to service", ….
	Op string
	// Service is the name of the Service.
	Service string
	// Stage is the stage that failed.
	Stage Stage
	// Outcome reports whether the Service was changed, or the IAM policy if the call is about that.
	Outcome WriteOutcome
	// Err is the cause.
	Err error
}

// Error returns the call, the Service, the cause, the stage and the outcome.
func (e *DeployError) Error() string {
	if e.Stage == StageOptions {
		return fmt.Sprintf("%s %q: %v", e.Op, e.Service, e.Err)
	}
	return fmt.Sprintf("%s %q: %v (failed while %s; %v)", e.Op, e.Service, e.Err, e.Stage.activity(), e.Outcome.sentence())
}

// Unwrap returns the cause.
func (e *DeployError) Unwrap() error { return e.Err }

// activity returns what a call does in a stage.
func (s Stage) activity() string {
	switch s {
	case StageRead:
		return "reading"
	case StageWrite:
		return "writing"
	case StageWait:
		return "waiting"
	case StagePublish:
		return "updating the IAM policy"
	case StageDelete:
		return "deleting"
	case StageCheck:
		return "checking the candidate"
	case StageRestore:
		return "restoring the traffic"
	}
	return string(s)
}

// Condition is one condition of a Service or Revision.
type Condition = apis.Condition

// TimeoutError is returned when a wait ended before the Service was ready or had
// failed, or, for a deletion, before it was gone. The Service may still become
// ready: call [WaitReady] to continue. It unwraps to the error of the context and
// to that of the last poll, if that failed.
type TimeoutError struct {
	// Service is the name of the Service.
	Service string
	// Deletion reports whether the wait was for the Service to be gone, not to be ready.
	Deletion bool
	// Waited is how long the wait lasted.
	Waited time.Duration
	// Last is the last state of the condition Ready, nil if none was seen.
	Last *Condition
	// Traffic is the observed traffic and WantTraffic the requested one, such as
	// "hello-00001-abc=100". They are set if the Service was ready and only its
	// traffic was not as requested.
	Traffic, WantTraffic string
	// Err is why the wait ended: context.DeadlineExceeded or context.Canceled.
	Err error
	// LastErr is the error of the last poll, nil if it succeeded.
	LastErr error
}

// Error returns how long the wait lasted and what was seen last.
func (e *TimeoutError) Error() string {
	var b strings.Builder
	awaited := "ready"
	if e.Deletion {
		awaited = "gone"
	}
	fmt.Fprintf(&b, "service %q was not %s after %v", e.Service, awaited, e.Waited.Round(time.Millisecond))
	if e.Last != nil {
		fmt.Fprintf(&b, ": last seen %s", describe(e.Last))
	}
	if e.Traffic != "" {
		fmt.Fprintf(&b, ", but the traffic still goes to %s instead of %s", printable(e.Traffic, maxMessage), printable(e.WantTraffic, maxMessage))
	}
	if e.LastErr != nil {
		fmt.Fprintf(&b, ": last poll failed: %v", e.LastErr)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

// Unwrap returns the errors of the context and of the last poll.
func (e *TimeoutError) Unwrap() []error {
	if e.LastErr != nil {
		return []error{e.Err, e.LastErr}
	}
	return []error{e.Err}
}

// OvertakenError is returned when another writer changed the Service while the
// call was waiting for its own change. The current configuration is not the one
// this call wrote.
type OvertakenError struct {
	// Service is the name of the Service.
	Service string
	// Generation is the one that this call wrote, Newer the current one.
	Generation, Newer int64
	// By is the account that made the last write; empty if the server does not report it.
	By string
}

// Error names both generations and the account that made the newer one.
func (e *OvertakenError) Error() string {
	by := ""
	if e.By != "" {
		by = " by " + printable(e.By, 200)
	}
	return fmt.Sprintf("service %q was changed%s while waiting: generation %d replaced generation %d before that became ready",
		e.Service, by, e.Newer, e.Generation)
}

func overtakenBy(s *servingv1.Service, generation int64) *OvertakenError {
	return &OvertakenError{Service: s.Name, Generation: generation, Newer: s.Generation, By: status.LastModifier(s)}
}

// OperationError is returned when an operation of a Service failed.
type OperationError struct {
	// Operation is the ID of the operation.
	Operation string
	// Message is the cause as the server states it.
	Message string
}

// Error names the operation and the cause.
func (e *OperationError) Error() string {
	return fmt.Sprintf("operation %q failed: %s", printable(e.Operation, 200), printable(e.Message, maxMessage))
}

// PermissionError is returned when the account in use lacks a permission.
type PermissionError struct {
	// Permission is the missing permission, such as "run.services.setIamPolicy".
	Permission string
	// Resource is the full name of the resource, such as "projects/p/locations/r/services/s".
	Resource string
	// Err is the error of the request.
	Err error
}

// Error returns the permission, the resource and the response of the server.
func (e *PermissionError) Error() string {
	return fmt.Sprintf("permission %s is missing on %s: grant a role that has it to the account in use: %v", e.Permission, e.Resource, e.Err)
}

// Unwrap returns the error of the request.
func (e *PermissionError) Unwrap() error { return e.Err }

// OrgPolicyError is returned when an organization policy forbids the members of a
// binding, usually allUsers under "domain restricted sharing".
type OrgPolicyError struct {
	// Members are the members that the call tried to add, such as "allUsers".
	Members []string
	// Resource is the full name of the resource, such as "projects/p/locations/r/services/s".
	Resource string
	// Err is the error of the request.
	Err error
}

// Error names the members, the resource and what to do.
func (e *OrgPolicyError) Error() string {
	return fmt.Sprintf("an organization policy forbids %s on %s: ask for an exception to the policy, or disable the invoker IAM check instead: %v",
		strings.Join(e.Members, ", "), e.Resource, e.Err)
}

// Unwrap returns the error of the request.
func (e *OrgPolicyError) Unwrap() error { return e.Err }

const maxMessage = safetext.MaxMessage

// printable returns server text in a form that is safe for terminals and logs:
// one line, no control characters, bounded in length.
func printable(s string, limit int) string { return safetext.Line(s, limit) }

// describe returns a condition in words, such as Ready=False (Reason: message).
func describe(c *Condition) string {
	s := fmt.Sprintf("%s=%s", c.Type, c.Status)
	switch {
	case c.Reason != "" && c.Message != "":
		s += fmt.Sprintf(" (%s: %s)", c.Reason, c.Message)
	case c.Reason != "" || c.Message != "":
		s += fmt.Sprintf(" (%s%s)", c.Reason, c.Message)
	}
	return printable(s, maxMessage)
}

// asType returns the first error of type T in err's tree.
func asType[T error](err error) (T, bool) {
	var t T
	ok := errors.As(err, &t)
	return t, ok
}
