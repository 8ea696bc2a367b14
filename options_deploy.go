package cloudrun

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/split"
)

// CallOption configures any call of a [Deployer]: how it waits and whom it tells.
type CallOption interface {
	DeployOption
	TrafficOption
	RollbackOption
	onCall()
}

// ProgressOption configures how a call of a [Deployer] or [WaitReady] waits, and whom it tells.
type ProgressOption interface {
	CallOption
	WaitOption
}

type deployOption struct{ set edits.Setting }

func (o deployOption) Settings() []edits.Setting { return []edits.Setting{o.set} }
func (deployOption) onDeploy()                   {}

type callOption struct{ deployOption }

func (callOption) onCall()     {}
func (callOption) onTraffic()  {}
func (callOption) onRollback() {}

type progressOption struct{ callOption }

func (progressOption) onWait() {}

type waitOption struct{ set edits.Setting }

func (o waitOption) Settings() []edits.Setting { return []edits.Setting{o.set} }
func (waitOption) onWait()                     {}

// deployConfig is what the options say of a call, not of the Service.
type deployConfig struct {
	public        *bool // nil leaves the IAM policy alone
	iap           bool
	ifChanged     bool
	noTraffic     bool
	tag           string
	clientName    string
	clientVersion string
}

// callConfig configures any call.
type callConfig struct{ async bool }

func decidesAccess(option string, public bool) DeployOption {
	return deployOption{edits.Configures(option, "public access", fmt.Sprint(public), nil, func(c *deployConfig) { c.public = &public })}
}

// WithPublicAccess lets everybody call the Service, as [MakePublic] does; the
// policy is written beside the wait, and only if it has to change. By default
// the policy is left alone. Flag: --allow-unauthenticated. Field: allUsers in
// roles/run.invoker of the IAM policy.
func WithPublicAccess() DeployOption { return decidesAccess("WithPublicAccess()", true) }

// WithoutPublicAccess takes public access from the Service, as [MakePrivate]
// does. Flag: --no-allow-unauthenticated. Field: allUsers in roles/run.invoker
// of the IAM policy.
func WithoutPublicAccess() DeployOption { return decidesAccess("WithoutPublicAccess()", false) }

// WithNoTraffic makes a new Revision that gets no traffic: what LATEST served
// stays with the Revision that is the latest ready one now. A new Service
// cannot be deployed so. On an existing Service without any other option it
// only moves the traffic. Flag: --no-traffic. Field: spec.traffic.
func WithNoTraffic() DeployOption {
	return deployOption{edits.Configures("WithNoTraffic()", "whether the new revision gets traffic", "no", nil,
		func(c *deployConfig) { c.noTraffic = true })}
}

// WithTag gives the new Revision a tag, and with it a URL of its own. The tag
// is taken from the Revision that had it. A Revision without a suffix is named
// SERVICE-NNNNN-xxx after the Service's generation. Where the other options ask for
// no new Revision, or there are none, the latest one gets the tag.
// Flag: --tag. Field: spec.traffic.
func WithTag(tag string) DeployOption {
	return deployOption{edits.Configures(edits.Spell("WithTag", tag), "the tag of the new revision", tag, split.CheckTag(tag, ""),
		func(c *deployConfig) { c.tag = tag })}
}

// IfChanged makes no new Revision, and writes nothing at all, if the other
// options ask for what the Service has already. The result then says
// [Unchanged]; a Service that is not ready is still waited for. Without it,
// every Deploy makes a new Revision, as gcloud does.
func IfChanged() DeployOption {
	return deployOption{edits.Configures("IfChanged()", "whether an unchanged service is deployed", "no", nil,
		func(c *deployConfig) { c.ifChanged = true })}
}

// WithClient names the program that deploys, for the console and for audits;
// its name or its version may be empty. By default it is this library. What
// another program left there is replaced. Flags: --client-name,
// --client-version (hidden). Field: the annotations
// run.googleapis.com/client-name and client-version, of the template too if
// that changes.
func WithClient(name, version string) DeployOption {
	return deployOption{edits.Configures(edits.Spell("WithClient", name, version), "the client", name+" "+version, notEmpty("name", name+version),
		func(c *deployConfig) { c.clientName, c.clientVersion = name, version })}
}

// Async has a call return as soon as the server has taken the change, without
// waiting until it is ready; the IAM policy is still written. Flag: --async.
func Async() CallOption {
	return callOption{deployOption{edits.Configures("Async()", "whether to wait", "no", nil, func(c *callConfig) { c.async = true })}}
}

func progress(option, thing, value string, err error, set func(*waitConfig)) ProgressOption {
	return progressOption{callOption{deployOption{
		edits.Configures(option, thing, value, err, set),
	}}}
}

// WithProgress has a function hear of every step: in order, one call at a time,
// and none after the deployment or wait has returned. It should be quick,
// because the work waits for it. Of several such options, all are heard.
func WithProgress(handle func(Event)) ProgressOption {
	s := edits.Configures("WithProgress", "", "", nil, func(c *waitConfig) { c.listen(handle) })
	s.Claims = nil
	if handle == nil {
		s.Err = errors.New("the function is nil")
	}
	return progressOption{callOption{deployOption{s}}}
}

// listen adds somebody who hears of progress.
func (c *waitConfig) listen(handle func(Event)) {
	before := c.progress
	if before == nil {
		c.progress = handle
		return
	}
	c.progress = func(e Event) { before(e); handle(e) }
}

func positive(d time.Duration) error {
	if d <= 0 {
		return errors.New("it must be more than 0")
	}
	return nil
}

// WithWaitTimeout bounds the wait; [DefaultWaitTimeout] without it. The context
// bounds it as well. What was written stays written when the time is up.
func WithWaitTimeout(d time.Duration) ProgressOption {
	return progress(edits.Spell("WithWaitTimeout", d), "the wait timeout", d.String(), positive(d), func(c *waitConfig) { c.timeout = d })
}

// WithFailureWindow says how long Ready=False must last before it counts as a
// failure; [DefaultFailureWindow] without it. Control planes raise false alarms
// on fresh generations. 0 believes the first one.
func WithFailureWindow(d time.Duration) ProgressOption {
	var err error
	if d < 0 {
		err = errors.New("it must not be negative")
	}
	return progress(edits.Spell("WithFailureWindow", d), "the failure window", d.String(), err, func(c *waitConfig) { c.window = d })
}

// WithPollInterval sets the first pause between polls and the longest, to which
// the pauses grow; [DefaultPollInitial] and [DefaultPollMax] without it.
func WithPollInterval(initial, longest time.Duration) ProgressOption {
	err := positive(initial)
	if err == nil && longest < initial {
		err = errors.New("the longest pause must not be shorter than the first")
	}
	option := edits.Spell("WithPollInterval", initial, longest)
	return progress(option, "the poll interval", option, err, func(c *waitConfig) { c.pollInitial, c.pollMax = initial, longest })
}

// WithGeneration has [WaitReady] wait for a generation of the Service that is
// known from the answer to a write: whatever the server says of an older one
// does not count. The calls of a [Deployer] know theirs.
func WithGeneration(generation int64) WaitOption {
	var err error
	if generation < 1 {
		err = errors.New("it must be at least 1")
	}
	return waitOption{edits.Configures(edits.Spell("WithGeneration", generation), "the generation", fmt.Sprint(generation), err,
		func(c *waitConfig) { c.anchor = generation })}
}
