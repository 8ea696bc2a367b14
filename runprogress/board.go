package runprogress

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/diagnosis"
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
	err     error // why the stage failed
	began   time.Time
	took    time.Duration
}

func (l *line) start(at time.Time) { l.state, l.began, l.took = running, at, 0 }

func (l *line) finish(to state, at time.Time, message string) {
	l.state, l.took, l.message = to, at.Sub(l.began), message
}

// board is everything that is displayed of one Service.
type board struct {
	service string
	title   line
	stages  []line
	waited  state // how the wait ended; hidden before that
	broken  bool  // a stage has failed
}

func newBoard(service, title string) *board {
	return &board{service: service, title: line{label: title}, stages: []line{
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
	b.note(e)
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

// note remembers what decides how the call of the board ended.
func (b *board) note(e cloudrun.Event) {
	switch {
	case e.Kind == cloudrun.StageFailed:
		b.broken = true
	case e.Kind == cloudrun.StageStarted && e.Stage == cloudrun.StageWait:
		b.waited = running
	case e.Kind == cloudrun.StageDone && e.Stage == cloudrun.StageWait:
		b.waited = done
	}
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
		if errors.Is(e.Err, context.Canceled) {
			l.finish(interrupted, e.Time, "")
			return ended
		}
		l.finish(failed, e.Time, reason(e.Err))
		l.err = e.Err
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

// end closes the lines that are still open. It returns those that were interrupted.
// What is part of the error of the call is left to it.
func (b *board) end(to state, at time.Time, err error) (open []*line) {
	for i := range b.stages {
		switch l := &b.stages[i]; l.state {
		case running:
			l.finish(interrupted, at, "")
			open = append(open, l)
		case waiting:
			l.state = hidden
		case failed:
			if errors.Is(err, l.err) {
				l.message = ""
			}
		}
	}
	b.title.finish(to, at, "")
	return open
}

// verdict returns how the call of a board ended, where several calls ended with to.
func (b *board) verdict(to state) state {
	switch {
	case to == done || to == interrupted && b.waited != done:
		return to
	case !b.broken && b.waited == done:
		return done
	}
	return failed
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
	switch {
	case !errors.As(err, &failure):
	case failure.Cause() != cloudrun.CauseUnknown:
		return string(failure.Cause())
	case failure.Message != "":
		return safetext.Line(diagnosis.Essence(failure.Message), maxMessage)
	}
	return safetext.Line(err.Error(), maxMessage)
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
