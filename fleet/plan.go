package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun"
)

// PlanResult is the plan of one target.
type PlanResult struct {
	Target Target `json:"-"`
	// Plan is what [Deploy] would do; nil if that could not be found out.
	Plan *cloudrun.Plan `json:"plan,omitempty"`
	// Err is why there is no plan.
	Err error `json:"-"`
}

// Plans are the plans of all targets, in the order of the targets.
type Plans struct {
	Results []PlanResult `json:"results"`
}

// Plan returns what [Deploy] with the same options would do, without doing it: see
// [cloudrun.Deployer.Plan]. With [WithRunID], what the run has deployed is unchanged.
// Options about the course of a run, such as [WithWaves], have no effect.
//
// The error is an [*Error] if there are targets without a plan; then the plans of
// the others are complete. A change that the server rejects is no error: it is the
// Verdict of the plan.
func Plan(ctx context.Context, targets []Target, opts ...Option) (*Plans, error) {
	r, err := newRun(ctx, targets, opts)
	if err != nil {
		return nil, fmt.Errorf("plan fleet: %w", err)
	}
	defer r.events.Close()
	plans := &Plans{Results: make([]PlanResult, len(targets))}
	all := make([]int, len(targets))
	for i := range all {
		all[i] = i
	}
	r.each(ctx, all, func(ctx context.Context, i int) { plans.Results[i] = r.plan(ctx, i) })
	return plans, plans.Err()
}

// plan plans one target.
func (r *run) plan(ctx context.Context, i int) PlanResult {
	t := r.targets[i]
	p, began := r.places[t.place()], time.Now()
	if reason := r.skip(ctx, p); reason != nil {
		return PlanResult{Target: t, Err: fmt.Errorf("%w: %w", ErrSkipped, reason)}
	}
	options := cloudrun.PlanOptions(slices.Concat(t.Options, []cloudrun.DeployOption{cloudrun.WithRunID(r.config.runID)})...)
	plan, err := p.deployer.Plan(p.gated(ctx), t.Service, options...)
	if err != nil {
		p.judge(began, err)
	}
	return PlanResult{t, plan, err}
}

// Err returns an [*Error] with the errors of all targets that have no plan; nil if all have one.
func (p *Plans) Err() error {
	if p == nil {
		return errors.New("there are no plans")
	}
	e := &Error{total: len(p.Results), lack: "have no plan"}
	for _, r := range p.Results {
		if r.Err != nil {
			e.Targets = append(e.Targets, &TargetError{r.Target, r.Err})
		}
	}
	return e.orNil()
}

// Changes returns how many targets would be created or updated.
func (p *Plans) Changes() int {
	n := 0
	if p != nil {
		for _, r := range p.Results {
			if r.Plan != nil && (r.Plan.Action != cloudrun.Unchanged || r.Plan.PublicAccess.Changes()) {
				n++
			}
		}
	}
	return n
}

// String returns one line for each target, and how many would change.
func (p *Plans) String() string {
	if p == nil {
		return "no plans\n"
	}
	var b strings.Builder
	for _, r := range p.Results {
		switch {
		case r.Plan != nil:
			fmt.Fprintln(&b, r.Plan)
		case r.Err != nil:
			fmt.Fprintln(&b, &TargetError{r.Target, r.Err})
		}
	}
	fmt.Fprintf(&b, "%d of %d targets would change\n", p.Changes(), len(p.Results))
	return b.String()
}
