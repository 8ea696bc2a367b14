package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/diagnosis"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// ServiceGetter reads a Service. [Client] is one, and so is the Services client
// of a Knative clientset, with a line that fills in its GetOptions.
type ServiceGetter interface {
	GetService(ctx context.Context, name string) (*servingv1.Service, error)
}

// WaitOption configures [WaitReady].
type WaitOption interface {
	edits.Option
	onWait()
}

// The defaults of a wait.
const (
	DefaultWaitTimeout   = 30 * time.Minute
	DefaultFailureWindow = 2 * time.Second
	DefaultPollInitial   = 250 * time.Millisecond
	DefaultPollMax       = 2 * time.Second
)

type waitConfig struct {
	timeout     time.Duration
	window      time.Duration
	pollInitial time.Duration
	pollMax     time.Duration
	anchor      int64
	progress    func(Event)
}

func defaultWait() waitConfig {
	return waitConfig{
		timeout: DefaultWaitTimeout, window: DefaultFailureWindow,
		pollInitial: DefaultPollInitial, pollMax: DefaultPollMax,
	}
}

// WaitReady waits until a Service is ready, and returns it as it then is.
//
// It looks at once, then polls with exponential backoff and jitter. Of a
// [Client] of Cloud Run it uses the long poll on the Service's operation, which
// knows the end one round trip after it comes. A status that describes an older
// generation than the Service has (or than [WithGeneration] names) does not
// count; neither does Ready=False that heals within a short window
// ([WithFailureWindow]), nor a condition of severity Warning or Info. Polls that
// fail in a way that may pass are repeated.
//
// The error is a [*NotReadyError] if the Service failed, and a [*TimeoutError]
// if the context or the overall timeout ([WithWaitTimeout], 30 minutes) ended
// the wait; else it is that of a poll that cannot succeed later, such as one
// for a Service that does not exist.
func WaitReady(ctx context.Context, services ServiceGetter, name string, opts ...WaitOption) (*servingv1.Service, error) {
	options, err := collect(edits.Of(opts))
	if err == nil && services == nil {
		err = errors.New("there is nothing to read the service with")
	}
	if err != nil {
		return nil, fmt.Errorf("wait for service %q: %w", name, err)
	}
	cfg := edits.Configure(options, defaultWait())
	report := newReporter(name, cfg.progress)
	defer report.close()
	w := waiter{services: services, name: name, cfg: cfg, report: report, goal: goalReady}
	return w.wait(ctx, nil)
}

// waiter waits for one Service.
type waiter struct {
	services ServiceGetter
	name     string
	cfg      waitConfig
	report   *reporter
	written  *servingv1.Service // the answer to the write waited for; nil if any newer one will do
	mark     *nonce             // of the Revision that the write made; nil if it made none
	goal     goal
	stages   stages

	start        time.Time
	interval     *backoff.ExponentialBackOff
	trouble      *backoff.ExponentialBackOff // between polls that fail
	operation    *operationWait              // nil when there is none to wait for
	asked        string                      // the operation that was waited for last
	askAgain     time.Time                   // for another one, not before
	last         *Condition
	lastErr      error
	pollAgain    time.Time // after a poll that failed, not before
	failedSince  time.Time // when the present failure was first seen, zero if there is none
	failed       int64     // the generation that fails
	operationErr error     // the failure that the operation ended with
	seen         map[string]Condition
	unsettled    *servingv1.Service // as last seen, if all but its observed traffic was as it should be
}

// wait judges a Service, which may be the answer to a write, and then its
// successors until the verdict is in.
func (w *waiter) wait(ctx context.Context, s *servingv1.Service) (*servingv1.Service, error) {
	w.start = time.Now()
	end := w.report.stage(StageWait)
	wctx, cancel := context.WithTimeout(ctx, w.cfg.timeout)
	defer cancel()
	w.interval = backoff.NewExponentialBackOff(backoff.WithInitialInterval(w.cfg.pollInitial), backoff.WithMultiplier(1.4),
		backoff.WithRandomizationFactor(0.2), backoff.WithMaxInterval(w.cfg.pollMax), backoff.WithMaxElapsedTime(0))
	w.trouble = backoff.NewExponentialBackOff(backoff.WithInitialInterval(w.cfg.pollInitial), backoff.WithMultiplier(2),
		backoff.WithMaxInterval(retryMax), backoff.WithMaxElapsedTime(0))
	w.seen = map[string]Condition{}
	w.stages = stages{report: w.report}
	w.stages.begin(w.mark != nil)
	defer func() { w.stopOperation() }()

	s, err := w.loop(wctx, s)
	if err != nil && wctx.Err() != nil && !isVerdict(err) {
		err = w.late(time.Since(w.start), wctx.Err())
	}
	w.stages.end(s, err)
	end(err)
	return s, err
}

// late tells what was last seen when the time was up.
func (w *waiter) late(waited time.Duration, err error) error {
	e := &TimeoutError{Service: w.name, Waited: waited, Last: w.last, Err: err, LastErr: w.lastErr}
	if s := w.unsettled; s != nil {
		e.Traffic, e.WantTraffic = traffic.Observed(s).String(), traffic.Wanted(s).String()
	}
	return e
}

func isVerdict(err error) bool {
	_, failed := asType[*NotReadyError](err)
	_, overtaken := asType[*OvertakenError](err)
	return failed || overtaken
}

func (w *waiter) loop(ctx context.Context, s *servingv1.Service) (*servingv1.Service, error) {
	var err error
	if s == nil {
		s, err = w.poll(ctx)
	}
	for {
		switch {
		case err != nil && !pollMayPass(ctx, err) && !w.unborn(err):
			return nil, err
		case err != nil:
			w.lastErr, w.pollAgain = err, time.Now().Add(askedDelay(err))
		default:
			w.lastErr = nil
			done, verdict := w.consider(ctx, s)
			if done {
				return s, verdict
			}
			w.startOperation(ctx, s)
		}
		if s, err = w.next(ctx); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// birth is how long a read may not know of a Service that was created.
const birth = 5 * time.Second

// unborn reports whether a stale read missed the Service that was created a moment ago.
func (w *waiter) unborn(err error) bool {
	return isMissing(err) && w.written != nil && w.cfg.anchor == 1 && time.Since(w.start) < birth
}

// consider judges a Service as it was just seen.
func (w *waiter) consider(ctx context.Context, s *servingv1.Service) (done bool, err error) {
	if w.predecessor(s) {
		return false, nil
	}
	state, deciding := w.goal.judge(s, w.cfg.anchor)
	w.last = deciding
	w.observe(s)
	if w.overtaken(s) {
		return true, w.overtakenBy(s)
	}
	w.unsettled = nil
	if state == stateReady {
		if w.goal.settled(s) {
			return w.settle(ctx, s)
		}
		w.unsettled = s
	}
	if state != stateFailed && (w.operationErr == nil || w.goal.excuses(s)) {
		w.failedSince = time.Time{}
		return false, nil
	}
	if w.failedSince.IsZero() || w.failed != s.Generation {
		w.failedSince, w.failed = time.Now(), s.Generation
	}
	if time.Since(w.failedSince) < w.cfg.window {
		return false, nil
	}
	return true, w.notReady(ctx, s)
}

// predecessor reports whether a stale read shows a deleted Service in whose place the one waited for was created.
func (w *waiter) predecessor(s *servingv1.Service) bool {
	return w.another(s) && !w.written.CreationTimestamp.Before(&s.CreationTimestamp)
}

// another reports whether a Service only has the name of the one that was written.
func (w *waiter) another(s *servingv1.Service) bool {
	return w.written != nil && w.written.UID != "" && s.UID != "" && s.UID != w.written.UID
}

// overtaken reports whether a Service has another configuration than the one that was written,
// or is another one. Others may move the traffic while a new Revision of ours comes up.
func (w *waiter) overtaken(s *servingv1.Service) bool {
	if w.another(s) {
		return true
	}
	if w.written == nil || s.Generation <= w.cfg.anchor {
		return false
	}
	if w.goal == goalRouted {
		return !traffic.Same(w.written.Spec.Traffic, s.Spec.Traffic)
	}
	return w.mark == nil || !w.mark.on(s) || !equality.Semantic.DeepEqual(w.written.Spec.Template.Spec, s.Spec.Template.Spec)
}

func (w *waiter) overtakenBy(s *servingv1.Service) error {
	return &OvertakenError{Service: w.name, Generation: w.cfg.anchor, Newer: s.Generation, By: s.Annotations[annotationLastModifier]}
}

// settle ends the wait for a Service that is ready. If somebody has written it
// since, it may have a Revision of theirs that looks like ours as far as the
// Knative types go: then two Revisions have our mark.
func (w *waiter) settle(ctx context.Context, s *servingv1.Service) (done bool, err error) {
	c, ok := w.services.(*Client)
	if !ok || w.mark == nil || s.Generation <= w.cfg.anchor {
		return true, nil
	}
	marked, err := w.mark.revisions(ctx, c, 2)
	switch {
	case err != nil && (ctx.Err() != nil || pollMayPass(ctx, err)):
		w.lastErr = err
		return false, nil
	case err != nil:
		return true, err
	case marked > 1:
		return true, w.overtakenBy(s)
	}
	return true, nil
}

// next is the Service as it is seen next: at the end of its operation, or at the next poll.
func (w *waiter) next(ctx context.Context) (*servingv1.Service, error) {
	pause := w.pause()
	if w.lastErr != nil {
		w.report.emit(Event{Kind: Retrying, Stage: StageWait, Err: w.lastErr, Delay: pause})
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	if w.operation == nil {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return w.poll(ctx)
		}
	}
	polls := timer.C
	if w.report == nil && w.failedSince.IsZero() {
		polls = nil // nobody would hear what they see, and the operation tells the end
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-polls:
		return w.poll(ctx)
	case end := <-w.operation.result:
		w.operation.stop()
		w.operation = nil
		w.interval.Reset()
		return w.endOfOperation(ctx, end)
	}
}

// slowPoll is the least time between polls that only serve those who listen to events.
const slowPoll = 3 * time.Second

// pause is how long to wait before the next poll.
func (w *waiter) pause() time.Duration {
	d := w.interval.NextBackOff()
	if w.lastErr != nil {
		d = max(d, w.trouble.NextBackOff())
	} else {
		w.trouble.Reset()
	}
	switch {
	case w.lastErr == nil && !w.failedSince.IsZero():
		d = min(d, max(w.cfg.window-time.Since(w.failedSince), 0))
	case w.operation != nil:
		d = max(d, slowPoll)
	}
	return d + max(time.Until(w.pollAgain), 0)
}

// endOfOperation takes up what the long poll brought. An operation that ended
// without a Service leaves the polls to go on alone.
func (w *waiter) endOfOperation(ctx context.Context, end operationEnd) (*servingv1.Service, error) {
	w.askAgain = end.again
	if end.failure != nil {
		w.operationErr = end.failure
	}
	switch {
	case end.service != nil && end.failure == nil:
		return end.service, nil
	case time.Now().Before(w.pollAgain):
		return nil, w.lastErr
	}
	return w.poll(ctx)
}

// pollTimeout bounds one poll, so that a connection that died unnoticed does not end the wait.
const pollTimeout = 30 * time.Second

// poll makes a single attempt to read the Service: the wait itself repeats it.
func (w *waiter) poll(ctx context.Context) (*servingv1.Service, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	c, ok := w.services.(*Client)
	if !ok {
		return w.services.GetService(ctx, w.name)
	}
	if err := c.checkService(w.name); err != nil {
		return nil, fmt.Errorf("get service: %w", err)
	}
	raw, err := c.send(ctx, c.getServiceRequest(w.name))
	if err != nil {
		return nil, err
	}
	return c.answeredService("get service", w.name, raw)
}

// pollMayPass reports whether a failed poll may succeed later. It knows the
// errors of a Kubernetes clientset as well as our own.
func pollMayPass(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if transient(err) {
		return true
	}
	if _, ours := asType[*APIError](err); ours {
		return false
	}
	if apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err) {
		return true
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// observe reports what has changed since the Service was last seen.
func (w *waiter) observe(s *servingv1.Service) {
	if w.report == nil || s.Generation < w.cfg.anchor || s.Status.ObservedGeneration != s.Generation {
		return
	}
	for _, c := range s.Status.Conditions {
		was, known := w.seen[string(c.Type)]
		if known && was.Status == c.Status && was.Reason == c.Reason && was.Message == c.Message {
			continue
		}
		w.seen[string(c.Type)] = c
		changed := c
		w.report.emit(Event{Kind: ConditionChanged, Stage: stageOf(string(c.Type)), Generation: s.Generation, Condition: &changed})
	}
	w.stages.see(s)
}

// stageOf is the stage whose end a condition tells.
func stageOf(condition string) Stage {
	switch condition {
	case conditionConfigurations:
		return StageCreateRevision
	case conditionRoutes:
		return StageRouteTraffic
	}
	return StageWait
}

// notReady explains a failure, with the failing Revision's own account where there is one.
func (w *waiter) notReady(ctx context.Context, s *servingv1.Service) error {
	e := &NotReadyError{Service: w.name, Generation: s.Generation, Conditions: s.Status.Conditions}
	if c := w.goal.cause(s); c != nil {
		e.Condition, e.Reason, e.Message = string(c.Type), c.Reason, printable(c.Message, maxMessage)
	}
	if e.Message == "" && w.operationErr != nil {
		e.Message = printable(w.operationErr.Error(), maxMessage)
	}
	_, e.LogURL, _ = diagnosis.SplitLinks(e.Message)
	configurations := findCondition(s.Status.Conditions, conditionConfigurations)
	if configurations == nil || !conditionFailed(configurations) || w.goal.excuses(s) {
		return e
	}
	e.Revision = s.Status.LatestCreatedRevisionName
	w.addRevision(ctx, e)
	return e
}

// addRevision adds what the failing Revision itself says, if it can be read soon.
func (w *waiter) addRevision(ctx context.Context, e *NotReadyError) {
	revisions, ok := w.services.(interface {
		GetRevision(ctx context.Context, name string) (*servingv1.Revision, error)
	})
	if !ok || e.Revision == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := revisions.GetRevision(ctx, e.Revision)
	if err != nil {
		return // the Service's own account must do
	}
	e.RevisionConditions = r.Status.Conditions
	if log := printable(r.Status.LogURL, maxMessage); log != "" {
		e.LogURL = log
	}
	c := failedRevisionCondition(r.Status.Conditions)
	if c == nil {
		return
	}
	if cause := printable(c.Message, maxMessage); !strings.Contains(e.Message, cause) {
		e.Message = cause // the Service's own has lost it
	}
	if e.Reason == "" || e.Reason == "RevisionFailed" {
		e.Reason = c.Reason
	}
}
