package cloudrun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/configuration"
	"github.com/cloudrun-go/cloudrun/internal/diagnosis"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/status"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
	"github.com/cloudrun-go/cloudrun/internal/transient"
	"github.com/cloudrun-go/cloudrun/internal/watch"
)

// ServiceGetter reads a Service. [Client] implements it. The Services client of
// a Knative clientset needs one line around it that adds its GetOptions.
//
// [WaitReady] also uses [OperationWaiter], [ServiceWatcher] and [RevisionGetter]
// if a ServiceGetter implements them. A type that embeds a *Client does.
type ServiceGetter interface {
	GetService(ctx context.Context, name string) (*servingv1.Service, error)
}

// OperationWaiter is an optional interface of a [ServiceGetter]. It waits for the
// operation that the annotation run.googleapis.com/operation-id of a Service
// names. With it, [WaitReady] sees the end one round trip after it happens and
// needs few polls.
type OperationWaiter interface {
	// WaitOperation waits until an operation has ended and returns the Service
	// at that time, nil if the operation ended without one. The error is an
	// [*OperationError] if the operation failed. Any other error means that the
	// operation cannot be waited for, so WaitReady polls.
	WaitOperation(ctx context.Context, id string) (*servingv1.Service, error)
}

// ServiceWatcher is an optional interface of a [ServiceGetter]. It reports the
// changes of a Service as they happen. With it, [WaitReady] sees the end when it
// happens and needs few polls.
type ServiceWatcher interface {
	// WatchService yields from as soon as the server reports its changes, and then
	// the Service after each change. An error means that it cannot be watched, so
	// WaitReady polls.
	WatchService(ctx context.Context, from *servingv1.Service) iter.Seq2[*servingv1.Service, error]
}

// RevisionGetter is an optional interface of a [ServiceGetter]. With it, the
// [*NotReadyError] of [WaitReady] has the conditions and the log of the Revision
// that failed.
type RevisionGetter interface {
	GetRevision(ctx context.Context, name string) (*servingv1.Revision, error)
}

// WaitReady waits until a Service is ready and returns it.
//
// It looks at once, then polls with exponential backoff and jitter. With a
// [Client] of Cloud Run, or another [OperationWaiter], it uses the long poll on
// the Service's operation, which sees the end one round trip after it happens.
// With a Client of a cluster, or another [ServiceWatcher], it watches the
// Service, and sees the end when it happens.
//
// A status that describes an older generation than the Service has, or than
// [WithGeneration] names, does not count. Neither does a Ready=False that heals
// within a short window ([WithFailureWindow]), nor a condition of severity
// Warning or Info. Polls that fail are retried if the failure may pass.
//
// The error is a [*NotReadyError] if the Service failed. It is a [*TimeoutError]
// if the context or the overall timeout ([WithWaitTimeout], 30 minutes) ended
// the wait. Otherwise it is the error of a poll that cannot succeed later, such
// as that of a Service that does not exist. With an error, the Service is
// returned as it was last seen, nil if it was not seen.
func WaitReady(ctx context.Context, services ServiceGetter, name string, opts ...WaitOption) (_ *servingv1.Service, err error) {
	options, err := collect(edits.Of(opts))
	if err == nil && services == nil {
		err = errors.New("the ServiceGetter is nil")
	}
	if err != nil {
		return nil, fmt.Errorf("wait for service %q: %w", name, err)
	}
	cfg := edits.Configure(options, defaultWait())
	ctx, t := traceOf(ctx, services, "wait for service", name)
	defer func() { t.End(err) }()
	report := newReporter(t, cfg.progress)
	defer report.close()
	return serviceWait{services: services, name: name, cfg: cfg, report: report, known: redact.NewMemory(name), goal: status.GoalReady}.run(ctx)
}

// serviceWait describes a wait until a Service meets a goal. It is built whole
// and does not change.
type serviceWait struct {
	services ServiceGetter
	name     string
	cfg      waitConfig
	report   *reporter // nil without a handler
	known    *redact.Memory
	goal     status.Goal
	write    *status.Write    // that the wait follows; nil to accept any newer configuration
	follower *status.Follower // of the Revision of the write; nil if it made none
}

// run waits, beginning with the response to the write. With an error it returns
// the Service as it was last seen, nil if it was not seen since the write.
func (w serviceWait) run(ctx context.Context) (*servingv1.Service, error) {
	ctx, report := newWaitReport(ctx, w.report, w.known, w.generation(), w.write.Made())
	judge, again := w.judge(), transient.Polls()
	s, err := w.watch(ctx, watch.Watch[*servingv1.Service]{
		Timing: w.cfg.timing(), Poll: w.poll, MayPass: w.pollMayPass(time.Now(), again), LongPoll: w.longPoll(),
		Stream: changes(w.services, w.known, again), Judge: judge, Observer: report.observer(), Quiet: report.quiet(),
	})
	if timeout, late := asType[*watch.TimeoutError](err); late {
		err = judge.late(s, timeout)
	}
	report.end(s, err)
	if s != nil && s.Generation < w.generation() && !judge.another(s) {
		s = nil
	}
	return s, err
}

func (w serviceWait) watch(ctx context.Context, watched watch.Watch[*servingv1.Service]) (*servingv1.Service, error) {
	if w.write != nil {
		return watched.RunFrom(ctx, w.write.Service)
	}
	return watched.Run(ctx)
}

func (w serviceWait) judge() serviceJudge {
	return serviceJudge{start: time.Now(), name: w.name, goal: w.goal, generation: w.generation(), write: w.write, known: w.known,
		follower: w.follower, services: w.services, lines: w.cfg.logLines}
}

// generation returns the oldest generation that counts.
func (w serviceWait) generation() int64 {
	if w.write != nil {
		return w.write.Generation
	}
	return w.cfg.anchor
}

// poll makes one attempt to read the Service. The wait repeats it.
func (w serviceWait) poll(ctx context.Context) (*servingv1.Service, error) {
	s, err := w.services.GetService(rest.SingleAttempt(ctx), w.name)
	if err != nil || s == nil {
		return s, hidden(w.known, cmp.Or(err, errNoService))
	}
	status.Learn(w.known, s, s)
	return s, nil
}

// longPoll returns how to wait for the operations of the Service; nil if that is not possible.
func (w serviceWait) longPoll() *watch.LongPoll[*servingv1.Service] {
	operations, ok := w.services.(OperationWaiter)
	if !ok {
		return nil
	}
	return &watch.LongPoll[*servingv1.Service]{
		Operation: func(s *servingv1.Service) string {
			if s.Generation < w.generation() {
				return ""
			}
			return s.Annotations[configuration.OperationID]
		},
		Wait: func(ctx context.Context, id string) watch.End[*servingv1.Service] {
			s, err := operations.WaitOperation(ctx, id)
			if failure, ok := asType[*OperationError](err); ok {
				return watch.End[*servingv1.Service]{Failure: failure}
			}
			if err != nil || s == nil || s.Name != w.name {
				return watch.End[*servingv1.Service]{NotAgain: rest.Delay(err)}
			}
			status.Learn(w.known, s, s)
			return watch.End[*servingv1.Service]{Seen: s, Known: true}
		},
	}
}

// changes returns how to follow the changes of a Service; nil if that is not possible.
func changes(services ServiceGetter, known *redact.Memory, again func(error) (bool, time.Duration)) *watch.Stream[*servingv1.Service] {
	watcher, ok := services.(ServiceWatcher)
	if !ok {
		return nil
	}
	return &watch.Stream[*servingv1.Service]{
		Version: status.Version, MayPass: again,
		Follow: func(ctx context.Context, from *servingv1.Service) iter.Seq2[*servingv1.Service, error] {
			return func(yield func(*servingv1.Service, error) bool) {
				for s, err := range watcher.WatchService(ctx, from) {
					if err == nil && (s == nil || s.Name != from.Name) {
						err = errNoService
					}
					if err == nil {
						status.Learn(known, s, s)
					}
					if !yield(s, err) || err != nil {
						return
					}
				}
			}
		},
	}
}

// pollMayPass returns a function that reports whether a failed poll of a wait that
// began at start may succeed later. Polls may miss a new Service at first.
func (w serviceWait) pollMayPass(start time.Time, again func(error) (bool, time.Duration)) func(error) (bool, time.Duration) {
	created, missed := w.write != nil && w.write.Generation == 1, 0
	return func(err error) (bool, time.Duration) {
		ok, atLeast := again(err)
		if !created || !apierrors.IsNotFound(err) {
			return ok, atLeast
		}
		missed++ // a single one may be a stale read even later
		return missed == 1 || time.Since(start) < status.ReadLag, atLeast
	}
}

// serviceJudge decides whether a Service meets a goal.
type serviceJudge struct {
	start      time.Time // of the wait
	name       string
	goal       status.Goal
	generation int64 // the oldest that counts
	known      *redact.Memory
	write      *status.Write    // whose effect is waited for; nil to accept any newer configuration
	follower   *status.Follower // of the Revision of the write; nil if it made none
	services   ServiceGetter
	lines      int // of the log of a failed Revision
}

// Judge returns the verdict on a Service as it was just seen.
func (j serviceJudge) Judge(s *servingv1.Service, operation error) watch.Verdict {
	if j.write != nil && j.write.IsStale(s, time.Since(j.start)) {
		return watch.Verdict{State: watch.Ignored}
	}
	if j.write != nil && j.write.Overtaken(s, j.goal) {
		return j.overtaken(s)
	}
	state, _ := j.goal.Judge(s, j.generation)
	switch {
	case state == status.Ready && j.goal.Settled(s), state == status.Failed && j.follows(s):
		return watch.Verdict{State: watch.Done}
	case state == status.Failed, operation != nil && !j.goal.Excuses(s):
		return watch.Verdict{State: watch.Failing, Of: s.Generation}
	}
	return watch.Verdict{State: watch.Pending}
}

// overtaken is the verdict on a Service that another writer has changed. The
// Revision of the write may have become ready or failed all the same.
func (j serviceJudge) overtaken(s *servingv1.Service) watch.Verdict {
	if j.follower != nil && !j.another(s) {
		return watch.Verdict{State: watch.Done}
	}
	return watch.Verdict{State: watch.Done, Err: overtakenBy(s, j.generation)}
}

// follows reports whether the Revision of the write is to be looked for, because
// the Service was changed since.
func (j serviceJudge) follows(s *servingv1.Service) bool {
	return j.follower != nil && s.Generation > j.generation
}

// Confirm checks whose Revision it is that became ready or failed.
func (j serviceJudge) Confirm(ctx context.Context, s *servingv1.Service) (watch.Verdict, error) {
	if !j.follows(s) {
		return watch.Verdict{State: watch.Done}, nil
	}
	fate, err := j.follower.Fate(ctx, s)
	state, _ := j.goal.Judge(s, j.generation)
	failed := fate == status.WasFailed || fate == status.AsService && state == status.Failed
	switch {
	case err != nil && (!j.write.Overtaken(s, j.goal) || fate == status.Awaited && transient.Poll(err)):
		return watch.Verdict{}, err
	case fate == status.WasReady, fate == status.AsService && state == status.Ready && j.goal.Settled(s):
		return watch.Verdict{State: watch.Done}, nil
	case failed:
		return watch.Verdict{State: watch.Failing, Of: j.generation}, nil
	case fate == status.Unknowable, err != nil:
		return watch.Verdict{State: watch.Done, Err: overtakenBy(s, j.generation)}, nil //nolint:nilerr // the Revision cannot be looked for
	}
	return watch.Verdict{State: watch.Pending}, nil
}

// Failure explains why the Service failed, in the words of the failed Revision
// if there is one.
func (j serviceJudge) Failure(ctx context.Context, s *servingv1.Service, operation error) error {
	e := NotReadyError{Service: j.name, Generation: s.Generation, Conditions: s.Status.Conditions, platform: platformOf(s)}
	if own := j.follower.Superseded(s); own != nil {
		r := j.failed(ctx, own.Metadata.Name)
		return j.logged(ctx, e.of(own, j.generation).with(r).hiding(j.known, s, r), r)
	}
	if c := j.goal.Cause(s); c != nil {
		e.Condition, e.Reason, e.Message = string(c.Type), c.Reason, printable(status.Message(c), maxMessage)
	}
	if failure, ok := asType[*OperationError](operation); ok && e.Message == "" {
		e.Message = printable(failure.Message, maxMessage)
	}
	_, e.LogURL, _ = diagnosis.SplitLinks(e.Message)
	if j.goal.Excuses(s) {
		return e.hiding(j.known, s, nil)
	}
	e.Revision = status.FailedRevision(s)
	r := j.failed(ctx, e.Revision)
	return j.logged(ctx, e.with(r).hiding(j.known, s, r), r)
}

// failed reads a failed Revision; nil if it cannot be read soon.
func (j serviceJudge) failed(ctx context.Context, name string) *servingv1.Revision {
	revisions, ok := j.services.(RevisionGetter)
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

// late returns the error of a wait that timed out, with what was seen last.
func (j serviceJudge) late(s *servingv1.Service, timeout *watch.TimeoutError) error {
	e := &TimeoutError{Service: j.name, Generation: j.generation, Waited: timeout.Waited, Err: timeout.Err, LastErr: timeout.LastErr}
	if s == nil {
		return e
	}
	state, deciding := j.goal.Judge(s, j.generation)
	if status.Learn(j.known, s, s); deciding != nil {
		e.Last = &status.Hidden(j.known, []Condition{*deciding})[0]
	}
	if state == status.Ready && !j.goal.Settled(s) {
		e.Traffic, e.WantTraffic = traffic.Observed(s).String(), traffic.Wanted(s).String()
	}
	return e
}

// another reports whether s is another Service than the one that was written.
func (j serviceJudge) another(s *servingv1.Service) bool {
	return j.write != nil && j.write.IsOther(s)
}
