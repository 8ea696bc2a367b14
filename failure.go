package cloudrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/diagnosis"
	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/layout"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/remedy"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
	"github.com/cloudrun-go/cloudrun/internal/status"
)

// NotReadyError is returned when the Service, or the Revision created by the
// call, failed to become ready. [NotReadyError.Cause] names the cause for
// programs, [NotReadyError.Explain] describes it for people.
type NotReadyError struct {
	// Service is the name of the Service.
	Service string
	// Generation is the generation of the Service that failed.
	Generation int64
	// Revision is the Revision at fault; empty if the failure is not a Revision's, or
	// the Revision was not created.
	Revision string
	// Condition is the type of the condition with the cause, such as "ConfigurationsReady".
	Condition string
	// Reason and Message are the cause in the server's words; either may be empty.
	Reason, Message string
	// Conditions are those of the Service when it failed.
	Conditions []Condition
	// RevisionConditions are those of the Revision at fault; nil if they could not be read.
	RevisionConditions []Condition
	// LogURL is the page with the log of the Revision at fault; empty if unknown.
	LogURL string
	// Log has the last lines of that log, the oldest first ([WithLogLines]), without
	// the values of the Service's variables. Logs arrive late, so it may be empty.
	Log []LogLine
	// LogError is why the log could not be read; nil if it was. It is not wrapped.
	LogError error

	platform diagnosis.Platform
	reported func() []diagnosis.Condition // the failed conditions as the server reported them; nil if nothing in them is hidden
}

// LogLine is one line of the log of a Revision. Its texts are without control
// characters, and cut to a length that is safe to print.
type LogLine struct {
	// Time is when the line was written.
	Time time.Time `json:"time"`
	// Severity is such as "ERROR"; empty if the program gave none.
	Severity string `json:"severity,omitempty"`
	// Log is "stdout", "stderr", "requests", "varlog/system" for the lines of Cloud
	// Run itself, or the name of another log.
	Log string `json:"log"`
	// Service and Revision are where the line is from.
	Service  string `json:"service,omitempty"`
	Revision string `json:"revision,omitempty"`
	// Text is the line: of a JSON payload its message, of a request the method, the
	// status and the URL. An entry of several lines becomes a LogLine for each.
	Text string `json:"text"`
}

// texts returns the lines of a log without what goes with them.
func texts(log []LogLine) []string {
	all := make([]string, len(log))
	for i, line := range log {
		all[i] = line.Text
	}
	return all
}

// hiding returns the error without the values that the call knows, and without
// those of the Service and of the Revision that failed, nil if it is not known.
func (e NotReadyError) hiding(known *redact.Memory, s *servingv1.Service, r *servingv1.Revision) *NotReadyError {
	if status.Learn(known, s, s); r != nil {
		status.Learn(known, r, r)
	}
	reported := e.failed()
	e.Reason, e.Message, e.LogURL = known.Message(e.Reason), known.Message(e.Message), known.Message(e.LogURL)
	e.Conditions, e.RevisionConditions = status.Hidden(known, e.Conditions), status.Hidden(known, e.RevisionConditions)
	if !slices.Equal(reported, e.failed()) {
		e.reported = func() []diagnosis.Condition { return reported }
	}
	return &e
}

// platformOf returns where a Service runs: Cloud Run labels each with its location.
func platformOf(s *servingv1.Service) diagnosis.Platform {
	if s.Labels[configuration.Location] == "" {
		return diagnosis.Cluster
	}
	return diagnosis.CloudRun
}

// Error names the Service, the Revision and the cause, and where the log is.
func (e *NotReadyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "service %q is not ready", e.Service)
	if e.Revision != "" {
		fmt.Fprintf(&b, ": revision %q failed", e.Revision)
	}
	cause := e.Condition
	if e.Reason != "" {
		cause += " " + e.Reason
	}
	if cause != "" {
		fmt.Fprintf(&b, ": %s", safetext.Message(cause))
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", diagnosis.Essence(e.Message))
	}
	if e.LogURL != "" {
		fmt.Fprintf(&b, " (log: %s)", e.LogURL)
	}
	return b.String()
}

// Cause is the part of becoming ready that failed.
type Cause string

// The causes of a [NotReadyError].
const (
	// CauseUnknown: the server gives no cause, or one that this library does not know.
	CauseUnknown Cause = "unknown"
	// CauseImage: the image does not exist, cannot be read, or is not built for this platform.
	CauseImage Cause = "image pull"
	// CauseContainerStart: the container was not created, exited, or does not listen on its port.
	CauseContainerStart Cause = "container start"
	// CauseHealthCheck: the container runs, but fails a probe.
	CauseHealthCheck Cause = "health check"
	// CauseQuota: the project or the cluster has too few resources.
	CauseQuota Cause = "quota"
	// CausePermission: an account lacks a permission for something other than images and secrets.
	CausePermission Cause = "permission"
	// CauseSecret: a secret does not exist, or the Revision's service account is not allowed to read it.
	CauseSecret Cause = "secret access"
	// CauseRouting: the Revision is ready, but the traffic cannot be routed as configured.
	CauseRouting Cause = "routing"
	// CauseRevisionName: the Revision was not created, because another one has its name.
	CauseRevisionName Cause = "revision name"
)

// Cause returns the cause, as far as the server's messages are known.
func (e *NotReadyError) Cause() Cause { return Cause(e.platform.Of(e.failed()).Cause) }

// failed returns all conditions that report the failure, the most specific first.
func (e *NotReadyError) failed() []diagnosis.Condition {
	if e.reported != nil {
		return e.reported() // what is hidden may be a word that names the cause
	}
	all := []diagnosis.Condition{{Type: e.Condition, Reason: e.Reason, Message: e.Message}}
	for _, conditions := range [][]Condition{e.RevisionConditions, e.Conditions} {
		for _, c := range conditions {
			if status.HasFailed(&c) {
				all = append(all, diagnosis.Condition{Type: string(c.Type), Reason: c.Reason, Message: c.Message})
			}
		}
	}
	return all
}

// DeniedSecret is a secret that the Revision's service account is not allowed to read.
type DeniedSecret struct {
	// Secret is such as "projects/123/secrets/db-password/versions/latest".
	Secret string
	// ServiceAccount is the email address of the account that needs access.
	ServiceAccount string
}

// DeniedSecrets returns the secrets that could not be read, each once. It is
// nil unless that is the cause and the server names them.
func (e *NotReadyError) DeniedSecrets() []DeniedSecret {
	var all []DeniedSecret
	for _, s := range diagnosis.DeniedSecrets(e.failed()) {
		all = append(all, DeniedSecret(s))
	}
	return all
}

// Unwrap returns a [*PermissionError] for each of the DeniedSecrets.
func (e *NotReadyError) Unwrap() (all []error) {
	for _, s := range e.DeniedSecrets() {
		all = append(all, (&Client{}).lacking(grant.AccessSecret, s.Secret, "serviceAccount:"+s.ServiceAccount, nil))
	}
	return all
}

// Explain returns a report for people: a few lines for a terminal of 80 columns
// with what failed, why in the server's words, what to do, and where the log is.
// It ends with a line feed. [NotReadyError.Error] says the same on one line.
func (e *NotReadyError) Explain() string {
	d := e.platform.Of(e.failed())
	message := safetext.Message(e.Message)
	_, log, help := diagnosis.SplitLinks(message)
	log = cmp.Or(e.LogURL, log)
	var b strings.Builder
	b.WriteString(e.headline(Cause(d.Cause)) + "\n")
	layout.Text(&b, "Why", cmp.Or(diagnosis.Essence(message), safetext.Message(e.Reason)))
	layout.Text(&b, "What to do", d.Advice)
	for _, s := range e.DeniedSecrets() {
		layout.Text(&b, "Grant", s.Secret+" to "+s.ServiceAccount)
	}
	layout.Text(&b, "Log", safetext.Message(log))
	if e.LogError != nil {
		layout.Text(&b, "Last lines", "could not be read: "+safetext.Message(e.LogError.Error()))
	}
	layout.Lines(&b, "Last lines", texts(e.Log))
	layout.Text(&b, "More", help)
	return b.String()
}

func (e *NotReadyError) headline(cause Cause) string {
	at := ""
	if cause != CauseUnknown {
		at = ": " + string(cause)
	}
	if e.Revision != "" {
		return fmt.Sprintf("Revision %s of service %s failed%s", safetext.Message(e.Revision), safetext.Message(e.Service), at)
	}
	return fmt.Sprintf("Service %s failed%s", safetext.Message(e.Service), at)
}

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
	// Generation is the one that was waited for; 0 if any would do.
	Generation int64
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

// Error returns how long the wait lasted, what was seen last, and how to go on.
func (e *TimeoutError) Error() string {
	var b strings.Builder
	awaited := "ready"
	if e.Deletion {
		awaited = "gone"
	}
	fmt.Fprintf(&b, "service %q was not %s after %v", e.Service, awaited, e.Waited.Round(time.Millisecond))
	if e.Last != nil {
		fmt.Fprintf(&b, ": last seen %s", status.Describe(e.Last))
	}
	if e.Traffic != "" {
		fmt.Fprintf(&b, ", but the traffic still goes to %s instead of %s", printable(e.Traffic, maxMessage), printable(e.WantTraffic, maxMessage))
	}
	if e.LastErr != nil {
		fmt.Fprintf(&b, ": last poll failed: %v", e.LastErr)
	}
	wait := remedy.Wait{Canceled: errors.Is(e.Err, context.Canceled), Deletion: e.Deletion, Moving: e.Traffic != "", Generation: e.Generation}
	return b.String() + wait.Next()
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

// of returns the error for a Revision that the Service does not show any more.
func (e NotReadyError) of(r *status.RevisionSummary, generation int64) NotReadyError {
	e.Generation, e.Revision, e.RevisionConditions = generation, r.Metadata.Name, r.Status.Conditions
	if c := status.RevisionCause(r.Status.Conditions); c != nil {
		e.Condition, e.Reason, e.Message = string(c.Type), c.Reason, printable(status.Message(c), maxMessage)
	}
	return e
}

// with returns the error with what the failed Revision says. Where the Service
// has lost the cause, the Revision has it.
func (e NotReadyError) with(r *servingv1.Revision) NotReadyError {
	if r == nil {
		return e
	}
	e.RevisionConditions = r.Status.Conditions
	if log := printable(r.Status.LogURL, maxMessage); log != "" {
		e.LogURL = log
	}
	c := status.RevisionCause(r.Status.Conditions)
	if c == nil {
		return e
	}
	if cause := printable(c.Message, maxMessage); !strings.Contains(e.Message, cause) {
		e.Message = cause
	}
	if e.Reason == "" || e.Reason == "RevisionFailed" {
		e.Reason = c.Reason
	}
	return e
}
