package cloudrun

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/watch"
)

// The marks of what an option is accepted by.
type (
	forTraffic  struct{}
	forRollback struct{}
	forReplace  struct{}
	forDelete   struct{}
	forPrune    struct{}
	forWait     struct{}
	forWrite    struct{}
)

func (forTraffic) onTraffic()   {}
func (forRollback) onRollback() {}
func (forReplace) onReplace()   {}
func (forDelete) onDelete()     {}
func (forPrune) onPrune()       {}
func (forWait) onWait()         {}
func (forWrite) onWrite()       {}

type (
	trafficOption struct {
		settings
		forTraffic
	}
	rollbackOption struct {
		settings
		forRollback
	}
	waitOption struct {
		settings
		forWait
	}
	listOption   struct{ settings }
	memberOption struct{ settings }
	deleteOption struct {
		settings
		forDelete
	}
	ageOption struct {
		listOption
		forPrune
	}
	callOption struct {
		deployOption
		forTraffic
		forRollback
		forReplace
		forDelete
		forPrune
	}
	progressOption struct {
		callOption
		forWait
	}
	dryRunOption struct {
		settings
		forWrite
		forReplace
		forRollback
		forPrune
	}
	latestOption struct {
		deployOption
		forTraffic
	}
	launchStageOption struct {
		workloadOption
		forTraffic
	}
)

func (callOption) onCall()     {}
func (listOption) onList()     {}
func (memberOption) onMember() {}

func onRollback(s edits.Setting) rollbackOption { return rollbackOption{settings: settings{s}} }

func onCall(s edits.Setting) callOption { return callOption{deployOption: onDeploy(s)} }

func onList(s edits.Setting) listOption { return listOption{settings{s}} }

func onMember(s edits.Setting) memberOption { return memberOption{settings{s}} }

func onProgress(s edits.Setting) progressOption { return progressOption{callOption: onCall(s)} }

// PlanOptions returns the options of a Deploy as options of [Deployer.Plan].
func PlanOptions(opts ...DeployOption) []PlanOption {
	all := make([]PlanOption, len(opts))
	for i, o := range opts {
		all[i] = o
	}
	return all
}

// deployConfig configures a call of Deploy, apart from the Service itself.
type deployConfig struct {
	public        *bool // nil does not change the IAM policy
	iap           bool
	ifChanged     bool
	preflight     bool
	checkImage    imageCheck // nil checks no images
	pinImage      imageCheck // nil resolves no images
	noTraffic     bool
	firstServes   bool // noTraffic does not apply to a new Service
	tag           string
	clientName    string
	clientVersion string
	runID         string // of a run that can be repeated; empty if the call belongs to none
}

// planConfig configures a plan.
type planConfig struct{ reveal, unchecked bool }

// callConfig configures any call of a Deployer.
type callConfig struct{ async bool }

// listConfig configures a list.
type listConfig struct {
	selectors []string
	pageSize  int
	olderThan time.Duration
}

// selects reports whether an object is old enough.
func (c listConfig) selects(created time.Time) bool {
	return c.olderThan == 0 || !created.IsZero() && time.Since(created) >= c.olderThan
}

// dryRunConfig configures a call that can leave out its writes.
type dryRunConfig struct{ on bool }

// The defaults of a wait.
const (
	DefaultWaitTimeout   = 30 * time.Minute
	DefaultFailureWindow = 2 * time.Second
	DefaultPollInitial   = 250 * time.Millisecond
	DefaultPollMax       = 2 * time.Second
	DefaultLogLines      = 20
)

// waitConfig configures a wait.
type waitConfig struct {
	timeout              time.Duration
	window               time.Duration
	pollInitial, pollMax time.Duration
	anchor               int64
	logLines             int
	progress             func(Event)
}

func defaultWait() waitConfig {
	return waitConfig{
		timeout: DefaultWaitTimeout, window: DefaultFailureWindow,
		pollInitial: DefaultPollInitial, pollMax: DefaultPollMax, logLines: DefaultLogLines,
	}
}

// timing returns what the configuration says about when to look.
func (c waitConfig) timing() watch.Timing {
	return watch.Timing{Timeout: c.timeout, FailureWindow: c.window, PollInitial: c.pollInitial, PollMax: c.pollMax}
}

func withAccess(option string, public bool) DeployOption {
	return onDeploy(edits.Configures(option, "public access", fmt.Sprint(public), nil, func(c *deployConfig) { c.public = &public }))
}

// WithPublicAccess lets everyone call the Service, as [MakePublic] does. The
// policy is written while the call waits, and only if it has to change. By
// default the policy is not changed. Flag: --allow-unauthenticated. Field:
// allUsers in roles/run.invoker of the IAM policy.
func WithPublicAccess() DeployOption { return withAccess("WithPublicAccess()", true) }

// WithoutPublicAccess removes public access from the Service, as [MakePrivate]
// does. Flag: --no-allow-unauthenticated. Field: allUsers in roles/run.invoker
// of the IAM policy.
func WithoutPublicAccess() DeployOption { return withAccess("WithoutPublicAccess()", false) }

// IfChanged skips the write if the other options would not change the Service,
// so that no new Revision is made. The result then is [Unchanged]. A Service
// that is not ready is still waited for. Without it, every Deploy makes a new
// Revision, as gcloud does.
func IfChanged() DeployOption {
	return onDeploy(edits.Configures("IfChanged()", "whether an unchanged service is deployed", "no", nil,
		func(c *deployConfig) { c.ifChanged = true }))
}

// OlderThan selects only what was created at least that long ago. A list still
// requests the pages of all objects, because the server cannot select by age.
func OlderThan(age time.Duration) AgeOption {
	return ageOption{listOption: onList(edits.Configures(edits.Spell("OlderThan", age), "the age", age.String(), positive(age),
		func(c *listConfig) { c.olderThan = age }))}
}

// IfExists makes the deletion of a Service that does not exist succeed.
func IfExists() DeleteOption {
	return deleteOption{settings: settings{edits.Configures("IfExists()", "whether the service must exist", "no", nil,
		func(c *deleteConfig) { c.ifExists = true })}}
}

// deleteConfig configures a deletion.
type deleteConfig struct{ ifExists bool }

// Async makes a call return as soon as the server has accepted the change,
// without waiting until it is ready. The IAM policy is still written. Flag: --async.
func Async() CallOption {
	return onCall(edits.Configures("Async()", "whether to wait", "no", nil, func(c *callConfig) { c.async = true }))
}

// DryRun makes a call do everything but write: the server checks a write and
// fills in its defaults, and answers as if the write had been made.
func DryRun() DryRunOption {
	return dryRunOption{settings: settings{
		edits.Configures("DryRun()", "whether anything is written", "no", nil, func(c *dryRunConfig) { c.on = true }),
	}}
}

// WithProgress calls handle for every event: in order, one call at a time, and
// never after the deployment or wait has returned. handle should be quick,
// because the work waits for it. It may call the library. If it panics, the call
// ends and panics with the same value, and handle gets no more events. All
// handlers of a call are called. [LogProgress] is a handler that logs.
func WithProgress(handle func(Event)) ProgressOption {
	s := edits.Configures("WithProgress", "", "", notNil(handle == nil), func(c *waitConfig) { c.listen(handle) })
	s.Claims = nil
	return onProgress(s)
}

// listen adds a handler of progress.
func (c *waitConfig) listen(handle func(Event)) {
	others := c.progress
	if others == nil {
		c.progress = handle
		return
	}
	c.progress = func(e Event) { others(e); handle(e) }
}

// WithWaitTimeout limits the wait; the default is [DefaultWaitTimeout]. The
// context limits it as well. A change that was written stays written when the
// time is up.
func WithWaitTimeout(d time.Duration) ProgressOption {
	return onProgress(edits.Configures(edits.Spell("WithWaitTimeout", d), "the wait timeout", d.String(), positive(d),
		func(c *waitConfig) { c.timeout = d }))
}

// WithFailureWindow sets how long Ready=False must last before it counts as a
// failure; the default is [DefaultFailureWindow]. Control planes raise false
// alarms on fresh generations. With 0, the first Ready=False is final.
func WithFailureWindow(d time.Duration) ProgressOption {
	var err error
	if d < 0 {
		err = errors.New("must not be negative")
	}
	return onProgress(edits.Configures(edits.Spell("WithFailureWindow", d), "the failure window", d.String(), err,
		func(c *waitConfig) { c.window = d }))
}

// WithPollInterval sets the first pause between polls and the longest, to which
// the pauses grow; the defaults are [DefaultPollInitial] and [DefaultPollMax].
func WithPollInterval(initial, longest time.Duration) ProgressOption {
	err := positive(initial)
	if err == nil && longest < initial {
		err = errors.New("the longest pause must not be shorter than the first")
	}
	option := edits.Spell("WithPollInterval", initial, longest)
	return onProgress(edits.Configures(option, "the poll interval", option, err,
		func(c *waitConfig) { c.pollInitial, c.pollMax = initial, longest }))
}

// WithGeneration makes [WaitReady] wait for a generation of the Service that is
// known from the response to a write: what the server reports of an older one
// does not count. The calls of a [Deployer] know theirs.
func WithGeneration(generation int64) WaitOption {
	return waitOption{settings: settings{edits.Configures(edits.Spell("WithGeneration", generation), "the generation", fmt.Sprint(generation),
		edits.AtLeast(generation, 1), func(c *waitConfig) { c.anchor = generation })}}
}

func positive(d time.Duration) error {
	if d <= 0 {
		return errors.New("must be more than 0")
	}
	return nil
}
