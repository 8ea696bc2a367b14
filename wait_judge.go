package cloudrun

import (
	"context"
	"strings"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/diagnosis"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
	"github.com/cloudrun-go/cloudrun/internal/watch"
)

// serviceJudge decides whether a Service meets a goal.
type serviceJudge struct {
	name       string
	goal       status.Goal
	generation int64         // the oldest that counts
	write      *status.Write // whose effect is waited for; nil to accept any newer configuration
	// marked counts the Revisions with the nonce of the write, 2 at most; nil if the write has none.
	marked func(ctx context.Context) (int, error)
	// revision reads a Revision; nil if that is not possible.
	revision func(ctx context.Context, name string) (*servingv1.Revision, error)
}

// Judge returns the verdict on a Service as it was just seen.
func (j serviceJudge) Judge(s *servingv1.Service, operation error) watch.Verdict {
	if j.write != nil && j.write.IsStale(s) {
		return watch.Verdict{State: watch.Ignored}
	}
	if j.write != nil && j.write.Overtaken(s, j.goal) {
		return watch.Verdict{State: watch.Done, Err: overtakenBy(s, j.generation)}
	}
	state, _ := j.goal.Judge(s, j.generation)
	switch {
	case state == status.Ready && j.goal.Settled(s):
		return watch.Verdict{State: watch.Done}
	case state == status.Failed, operation != nil && !j.goal.Excuses(s):
		return watch.Verdict{State: watch.Failing, Of: s.Generation}
	}
	return watch.Verdict{State: watch.Pending}
}

// Confirm checks whose Revision became ready. If somebody else wrote the Service
// during the wait, their Revision may equal ours in all that the Knative types
// show. Then two Revisions have the nonce of the write.
func (j serviceJudge) Confirm(ctx context.Context, s *servingv1.Service) (watch.Verdict, error) {
	done := watch.Verdict{State: watch.Done}
	if j.marked == nil || s.Generation <= j.generation {
		return done, nil
	}
	n, err := j.marked(ctx)
	if err == nil && n > 1 {
		done.Err = overtakenBy(s, j.generation)
	}
	return done, err
}

// Failure explains why the Service failed, in the words of the failed Revision
// if there is one.
func (j serviceJudge) Failure(ctx context.Context, s *servingv1.Service, operation error) error {
	e := NotReadyError{Service: j.name, Generation: s.Generation, Conditions: s.Status.Conditions}
	if c := j.goal.Cause(s); c != nil {
		e.Condition, e.Reason, e.Message = string(c.Type), c.Reason, printable(c.Message, maxMessage)
	}
	if failure, ok := asType[*OperationError](operation); ok && e.Message == "" {
		e.Message = printable(failure.Message, maxMessage)
	}
	_, e.LogURL, _ = diagnosis.SplitLinks(e.Message)
	configurations := status.Find(s.Status.Conditions, status.ConditionConfigurations)
	if status.StateOf(configurations) != status.Failed || j.goal.Excuses(s) {
		return &e
	}
	e.Revision = s.Status.LatestCreatedRevisionName
	e = e.with(j.failed(ctx, e.Revision))
	return &e
}

// failed reads a failed Revision; nil if it cannot be read soon.
func (j serviceJudge) failed(ctx context.Context, name string) *servingv1.Revision {
	if j.revision == nil || name == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := j.revision(ctx, name)
	if err != nil {
		return nil // the conditions of the Service have to do
	}
	return r
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

// late returns the error of a wait that timed out, with what was seen last.
func (j serviceJudge) late(s *servingv1.Service, timeout *watch.TimeoutError) error {
	e := &TimeoutError{Service: j.name, Waited: timeout.Waited, Err: timeout.Err, LastErr: timeout.LastErr}
	if s == nil {
		return e
	}
	state, deciding := j.goal.Judge(s, j.generation)
	e.Last = deciding
	if state == status.Ready && !j.goal.Settled(s) {
		e.Traffic, e.WantTraffic = traffic.Observed(s).String(), traffic.Wanted(s).String()
	}
	return e
}

// another reports whether s is another Service than the one that was written.
func (j serviceJudge) another(s *servingv1.Service) bool {
	return j.write != nil && j.write.IsOther(s)
}
