package systemtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// checkFailure checks that a failure was reported truthfully.
func (c *simCall) checkFailure(s *sim, own, writes []simWrite) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if c.kind == "plan" {
		return nil // its errors have no outcome, because it never writes
	}
	var failed *cloudrun.DeployError
	if !errors.As(c.err, &failed) {
		if errors.Is(c.err, cloudrun.ErrNoBinding) && len(own) == 0 {
			return nil // the binding to revoke was never granted
		}
		return []string{fmt.Sprintf("it failed without an outcome: %v", c.err)}
	}
	switch {
	case failed.Outcome == cloudrun.NotWritten && len(own) > 0 && c.lostPolicy(writes, own[0]):
		// A refusal was the only response, and the policy was deleted with its Service.
	case failed.Outcome == cloudrun.NotWritten && len(own) > 0 && c.leftNothing(writes, own[0]):
		// A refusal was the only response, and there was no Service when the call looked.
	case failed.Outcome == cloudrun.NotWritten && len(own) > 0:
		wrong("it says nothing was written, but it was: %v", c.err)
	case failed.Outcome == cloudrun.Written && len(own) == 0 && !c.movedAlike(writes):
		wrong("it says that it wrote, but it did not: %v", c.err)
	case failed.Outcome == cloudrun.WriteUnknown && !c.mayNotKnow(writes):
		wrong("it says that it cannot know what it wrote, but every answer arrived: %v", c.err)
	}
	if !c.mayFail(s, own, writes) {
		wrong("there was no reason to fail: %v", c.err)
	}
	return problems
}

// mayNotKnow reports whether a call may be unable to know if it wrote: the response
// to a write was lost, or a write was refused, which proves nothing, and the
// call could not read what that did.
func (c *simCall) mayNotKnow(writes []simWrite) bool {
	unread := c.cancelled || c.outage > 0 || c.gone(writes) || c.preceded(writes) || c.blind() || c.hangs > 0
	return c.ambiguous || (c.metRefusedWrite || c.twice) && (unread || c.buriedUnmarked(writes))
}

// buriedUnmarked reports whether a write without a mark may have been replaced:
// others have written twice during the call.
func (c *simCall) buriedUnmarked(writes []simWrite) bool {
	others := slices.DeleteFunc(c.noticed(writes), func(w simWrite) bool { return w.id == c.id })
	return slices.Contains([]string{"move", "edit"}, c.kind) && len(others) > 1
}

// noticed returns the writes to the Service that a call may have noticed: those
// during the call, and the last one before it if a stale read may have hidden that.
func (c *simCall) noticed(writes []simWrite) (noticed []simWrite) {
	for _, w := range writes {
		switch {
		case w.ofPolicy() || w.Time.After(c.end):
		case w.Time.Before(c.start):
			if c.metAny(simStale) {
				noticed = []simWrite{w}
			}
		default:
			noticed = append(noticed, w)
		}
	}
	return noticed
}

// lostPolicy reports whether a policy that a call wrote was deleted, together with
// its Service, before the call ended, and a proxy passed on a refusal.
func (c *simCall) lostPolicy(writes []simWrite, w simWrite) bool {
	return w.ofPolicy() && w.unseen && c.metAny(simTwice, simTwiceRefused) && simDeleted(writes[w.place:max(w.place, c.outcome.writes)])
}

// leftNothing reports whether a Service that a call created was deleted before
// the call ended, and not created again, and a proxy passed on a refusal.
func (c *simCall) leftNothing(writes []simWrite, w simWrite) bool {
	since := writes[w.place+1 : max(w.place+1, c.outcome.writes)]
	return w.Kind == "create" && w.unseen && c.twice && simDeleted(since) &&
		!slices.ContainsFunc(since, func(w simWrite) bool { return w.Kind == "create" })
}

// preceded reports whether another writer created the Service during the call.
func (c *simCall) preceded(writes []simWrite) bool {
	return slices.ContainsFunc(writes, func(w simWrite) bool {
		return w.Kind == "create" && w.id != c.id && !w.Time.Before(c.start) && !w.Time.After(c.end)
	})
}

// movedAlike reports whether another writer moved the traffic during a call that
// moves it too, and has no other mark than that.
func (c *simCall) movedAlike(writes []simWrite) bool {
	if c.kind != "move" || !c.ambiguous && !c.metRefusedWrite {
		return false
	}
	noticed, last := c.noticed(writes), ""
	for _, w := range writes {
		if w.ofPolicy() || w.Kind == "delete" {
			continue
		}
		now := simLeaves(w.Body)["/spec/traffic"]
		if now != last && slices.ContainsFunc(noticed, func(n simWrite) bool { return n.place == w.place }) {
			return true
		}
		last = now
	}
	return false
}

// simPersistence is how long a call tries again at least: it ends when the next
// pause does not fit into its three minutes. The longest that no server asked for
// lasts 45 seconds.
const simPersistence = 3*time.Minute - 45*time.Second

// mayFail reports whether a call had the reason to fail that it reported.
func (c *simCall) mayFail(s *sim, own, writes []simWrite) bool {
	var (
		overtaken *cloudrun.OvertakenError
		notReady  *cloudrun.NotReadyError
		option    *cloudrun.OptionError
		api       *cloudrun.APIError
	)
	gone := c.gone(writes)
	deletedSince := func() bool {
		return len(own) == 0 || simDeleted(writes[own[0].place:max(own[0].place, c.outcome.writes)])
	}
	switch {
	case errors.As(c.err, &overtaken):
		return slices.ContainsFunc(writes[:c.outcome.writes], func(w simWrite) bool {
			return !w.ofPolicy() && w.id != c.id && (len(own) == 0 || w.place > own[0].place)
		})
	case errors.As(c.err, &notReady):
		return s.hadFailed(c, own, notReady)
	case c.cancelled && c.end.Sub(c.deadline) >= 0:
		return true
	case errors.As(c.err, &option):
		// The Service is another one than the caller knew, or the Revision had failed.
		return deletedSince() && (simDeleted(writes[:c.outcome.writes]) || c.kind == "move" && c.sawFailed(option.Option))
	case errors.Is(c.err, cloudrun.ErrPlanStale):
		aged := s.cluster && c.metAny(simStale) && c.failedAs(cloudrun.WriteUnknown) // changes of the metadata have no generation there
		return c.kind == "apply" && (deletedSince() || aged) && slices.ContainsFunc(writes[:c.outcome.writes], func(w simWrite) bool { return !w.ofPolicy() && w.id != c.id })
	case c.outage > 0:
		return true
	case c.blind() && (!errors.As(c.err, &api) || api.StatusCode() >= 500):
		return true
	case c.hangs > 1 && max(c.end.Sub(c.start), time.Duration(c.hangs)*time.Minute) > simPersistence && rest.Transient(c.err):
		return true // together, also beside one another, they took longer than a call tries again
	case c.refused != "" && errors.As(c.err, &api) && api.StatusCode() == 429:
		return true
	case c.metAny(simTwiceRefused) && errors.As(c.err, &api) && slices.Contains([]int{400, 403, 412}, api.StatusCode()):
		return true
	case c.ambiguous && c.failedAs(cloudrun.WriteUnknown) && strings.Contains(c.err.Error(), "deleted or created by another writer"):
		return slices.ContainsFunc(c.noticed(writes), func(w simWrite) bool {
			return w.id != c.id && (w.Kind == "create" || w.Kind == "delete")
		})
	case gone && errors.Is(c.err, cloudrun.ErrBeingDeleted):
		return true
	case c.metDenial && errors.As(c.err, &api) && api.StatusCode() == 403:
		return true // nothing showed that the API server was starting
	case errors.As(c.err, &api) && api.StatusCode() == 404:
		return !c.marked() || gone // the Service did not exist
	}
	return false
}

func (c *simCall) failedAs(outcome cloudrun.WriteOutcome) bool {
	var failed *cloudrun.DeployError
	return errors.As(c.err, &failed) && failed.Outcome == outcome
}

// sawFailed reports whether a Revision that an option names had failed when a call ended.
func (c *simCall) sawFailed(option string) bool {
	for name, ready := range c.outcome.ready {
		if ready == "False" && option == fmt.Sprintf("revision %q", name) {
			return true
		}
	}
	return false
}

// hadFailed reports whether the Service or the Revision of a call had failed when
// the call ended, or before a write during the call: others may write, or
// delete the Service, while the failed Revision is read.
func (s *sim) hadFailed(c *simCall, own []simWrite, e *cloudrun.NotReadyError) bool {
	uid, revision := "", e.Revision
	if len(own) == 1 {
		uid = own[0].UID
	}
	if len(own) == 1 && own[0].Revision != "" {
		if revision = own[0].Revision; e.Revision != "" && e.Revision != revision {
			return false // it blames another
		}
	}
	for _, state := range append(slices.Clone(s.states), c.outcome.simState) {
		during := !state.at.Before(c.start) && !state.at.After(c.end) && (uid == "" || state.uid == uid)
		if during && (state.failed || state.ready[revision] == "False") {
			return true
		}
	}
	return false
}
