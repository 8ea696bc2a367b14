package runprogress

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// maxMessage bounds what is shown of one message, in bytes.
const maxMessage = 500

// state is that of a line.
type state int

const (
	hidden      state = iota
	waiting           // to be started soon
	running           //
	done              //
	failed            //
	interrupted       // nobody knows
)

// change is what happened to a line.
type change int

const (
	unchanged change = iota
	started
	told // it has another message
	ended
)

// line is a stage as it is shown.
type line struct {
	stage   cloudrun.Stage
	label   string
	state   state
	message string
	began   time.Time
	took    time.Duration
}

func (l *line) start(at time.Time) { l.state, l.began, l.took = running, at, 0 }

func (l *line) finish(to state, at time.Time, message string) {
	l.state, l.took, l.message = to, at.Sub(l.began), message
}

// board is all that is shown.
type board struct {
	title    line
	stages   []line
	warnings []string
}

func newBoard(title string) board {
	return board{title: line{label: title}, stages: []line{
		{stage: cloudrun.StageCreateRevision, label: "Creating Revision"},
		{stage: cloudrun.StageRouteTraffic, label: "Routing traffic"},
		{stage: cloudrun.StagePublish, label: "Setting IAM Policy"},
		{stage: cloudrun.StageCheck, label: "Checking the candidate"},
		{stage: cloudrun.StageRestore, label: "Restoring the traffic"},
	}}
}

// line is the one of a stage; stages without one are told of in the title.
func (b *board) line(s cloudrun.Stage) *line {
	for i := range b.stages {
		if b.stages[i].stage == s {
			return &b.stages[i]
		}
	}
	return &b.title
}

// apply takes up an event, and tells which line it has changed and how.
func (b *board) apply(e cloudrun.Event) (*line, change) {
	l := b.line(e.Stage)
	if e.Kind == cloudrun.Retrying {
		return l, l.tell(fmt.Sprintf("retrying in %v: %s", round(e.Delay), reason(e.Err)))
	}
	was := b.title.message
	b.title.message = "" // what failed has been tried again by now
	switch {
	case e.Kind == cloudrun.ConditionChanged && l != &b.title:
		return l, l.tell(meanwhile(e.Condition))
	case l == &b.title && was != "":
		return l, told
	case l == &b.title:
		return l, unchanged
	}
	return l, b.frame(l, e)
}

// frame takes up the start or the end of a stage.
func (b *board) frame(l *line, e cloudrun.Event) change {
	switch e.Kind {
	case cloudrun.StageStarted:
		l.start(e.Time)
		b.expectRouting(l)
		return started
	case cloudrun.StageDone:
		l.finish(done, e.Time, "")
		return ended
	case cloudrun.StageFailed:
		l.finish(failed, e.Time, reason(e.Err))
		return ended
	}
	return unchanged
}

// expectRouting shows what comes after a new Revision before it begins.
func (b *board) expectRouting(l *line) {
	if route := b.line(cloudrun.StageRouteTraffic); l.stage == cloudrun.StageCreateRevision && route.state == hidden {
		route.state = waiting
	}
}

// tell gives a line a message, which is shown as long as the stage is under way.
func (l *line) tell(message string) change {
	if l.message == message || l.state > running {
		return unchanged
	}
	l.message = message
	if l.state != running {
		return unchanged
	}
	return told
}

func (b *board) warn(message string) string {
	message = safetext.Line(message, maxMessage)
	b.warnings = append(b.warnings, message)
	return message
}

// end settles what is left open.
func (b *board) end(to state, at time.Time) {
	for i := range b.stages {
		switch l := &b.stages[i]; {
		case l.state == running:
			l.finish(interrupted, at, "")
		case l.state == waiting && to == done:
			l.state = hidden
		}
	}
	b.title.finish(to, at, "")
}

// meanwhile is what a condition says of a stage under way. How the stage ends
// is for its own event to say: a failure may be a false alarm.
func meanwhile(c *cloudrun.Condition) string {
	if c == nil || !c.IsUnknown() {
		return ""
	}
	return safetext.Line(c.Message, maxMessage)
}

// reason is why a stage failed, in short: the rest is in the error of the call.
func reason(err error) string {
	if err == nil {
		return ""
	}
	var failure *cloudrun.NotReadyError
	if errors.As(err, &failure) && failure.Message != "" {
		return safetext.Line(failure.Message, maxMessage)
	}
	return safetext.Line(err.Error(), maxMessage)
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
