package runprogress

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// maxMessage is the length to which messages are cut, in bytes.
const maxMessage = 500

// state is the state of a line.
type state int

const (
	hidden      state = iota
	waiting           // about to start
	running           //
	done              //
	failed            //
	interrupted       // with an unknown result
)

// change is the kind of change of a line.
type change int

const (
	unchanged change = iota
	started
	newMessage
	ended
)

// line is the displayed state of a stage.
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

// board is everything that is displayed.
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

// line returns the line of a stage. Stages without one use the title.
func (b *board) line(s cloudrun.Stage) *line {
	for i := range b.stages {
		if b.stages[i].stage == s {
			return &b.stages[i]
		}
	}
	return &b.title
}

// apply updates the board with an event. It returns the changed line and the kind of change.
func (b *board) apply(e cloudrun.Event) (*line, change) {
	l := b.line(e.Stage)
	if e.Kind == cloudrun.Retrying {
		return l, l.setMessage(fmt.Sprintf("retrying in %v: %s", round(e.Delay), reason(e.Err)))
	}
	was := b.title.message
	b.title.message = "" // the failed step has been retried by now
	switch {
	case e.Kind == cloudrun.ConditionChanged && l != &b.title:
		return l, l.setMessage(meanwhile(e.Condition))
	case l == &b.title && was != "":
		return l, newMessage
	case l == &b.title:
		return l, unchanged
	}
	return l, b.frame(l, e)
}

// frame updates a line at the start or the end of a stage.
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

// expectRouting shows the stage that follows a new Revision before it starts.
func (b *board) expectRouting(l *line) {
	if route := b.line(cloudrun.StageRouteTraffic); l.stage == cloudrun.StageCreateRevision && route.state == hidden {
		route.state = waiting
	}
}

// setMessage sets the message of a line, which is shown while the stage runs.
func (l *line) setMessage(message string) change {
	if l.message == message || l.state > running {
		return unchanged
	}
	l.message = message
	if l.state != running {
		return unchanged
	}
	return newMessage
}

func (b *board) warn(message string) string {
	message = safetext.Line(message, maxMessage)
	b.warnings = append(b.warnings, message)
	return message
}

// end closes the lines that are still open.
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

// meanwhile returns the message of a condition while a stage runs. It ignores
// failures, which may be false alarms: the stage's own event reports its end.
func meanwhile(c *cloudrun.Condition) string {
	if c == nil || !c.IsUnknown() {
		return ""
	}
	return safetext.Line(c.Message, maxMessage)
}

// reason returns why a stage failed, in short. The error of the call has the details.
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
