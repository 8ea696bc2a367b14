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

// Judge returns the verdict on a Service as it was just seen.
func (w serviceWait) Judge(s *servingv1.Service, operation error) watch.Verdict {
	if w.write != nil && w.write.IsStale(s) {
		return watch.Verdict{State: watch.Ignored}
	}
	if w.write != nil && w.write.Overtaken(s, w.goal) {
		return watch.Verdict{State: watch.Done, Err: w.overtaken(s)}
	}
	state, _ := w.goal.Judge(s, w.generation())
	switch {
	case state == status.Ready && w.goal.Settled(s):
		return watch.Verdict{State: watch.Done}
	case state == status.Failed, operation != nil && !w.goal.Excuses(s):
		return watch.Verdict{State: watch.Failing, Of: s.Generation}
	}
	return watch.Verdict{State: watch.Pending}
}

// Confirm checks whose Revision became ready. If somebody has written the
// Service since, their Revision may look like ours as far as the Knative types
// go. Then two Revisions have our nonce.
func (w serviceWait) Confirm(ctx context.Context, s *servingv1.Service) (watch.Verdict, error) {
	done := watch.Verdict{State: watch.Done}
	if w.marked == nil || s.Generation <= w.generation() {
		return done, nil
	}
	n, err := w.marked(ctx)
	if err == nil && n > 1 {
		done.Err = w.overtaken(s)
	}
	return done, err
}

func (w serviceWait) overtaken(s *servingv1.Service) error {
	return &OvertakenError{Service: w.name, Generation: w.generation(), Newer: s.Generation, By: s.Annotations[annotationLastModifier]}
}

// Failure explains why the Service failed, in the words of the failed Revision
// if there is one.
func (w serviceWait) Failure(ctx context.Context, s *servingv1.Service, operation error) error {
	e := NotReadyError{Service: w.name, Generation: s.Generation, Conditions: s.Status.Conditions}
	if c := w.goal.Cause(s); c != nil {
		e.Condition, e.Reason, e.Message = string(c.Type), c.Reason, printable(c.Message, maxMessage)
	}
	if failure, ok := asType[*OperationError](operation); ok && e.Message == "" {
		e.Message = printable(failure.Message, maxMessage)
	}
	_, e.LogURL, _ = diagnosis.SplitLinks(e.Message)
	configurations := status.Find(s.Status.Conditions, status.ConditionConfigurations)
	if status.StateOf(configurations) != status.Failed || w.goal.Excuses(s) {
		return &e
	}
	e.Revision = s.Status.LatestCreatedRevisionName
	e = e.with(w.revision(ctx, e.Revision))
	return &e
}

// revision reads a failed Revision; nil if it cannot be read soon.
func (w serviceWait) revision(ctx context.Context, name string) *servingv1.Revision {
	revisions, ok := w.services.(RevisionGetter)
	if !ok || name == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := revisions.GetRevision(ctx, name)
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
func (w serviceWait) late(s *servingv1.Service, timeout *watch.TimeoutError) error {
	e := &TimeoutError{Service: w.name, Waited: timeout.Waited, Err: timeout.Err, LastErr: timeout.LastErr}
	if s == nil {
		return e
	}
	state, deciding := w.goal.Judge(s, w.generation())
	e.Last = deciding
	if state == status.Ready && !w.goal.Settled(s) {
		e.Traffic, e.WantTraffic = traffic.Observed(s).String(), traffic.Wanted(s).String()
	}
	return e
}

// isVerdict reports whether a wait ended because of what was seen of the Service.
func isVerdict(err error) bool {
	_, failed := asType[*NotReadyError](err)
	_, overtaken := asType[*OvertakenError](err)
	return failed || overtaken
}
