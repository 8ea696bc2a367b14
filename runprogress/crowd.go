package runprogress

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// crowd is everything that is displayed of many targets.
type crowd struct {
	total    int
	began    time.Time
	statuses map[int]fleet.Status // of the targets that have ended
	underWay []*member            // in the order in which they began
	service  int                  // the width of the names so far
	region   int                  // the width of the regions so far
}

// member is a target that is under way.
type member struct {
	index  int
	target fleet.Target
	began  time.Time
	board  *board
}

// note updates the crowd with an event.
func (c *crowd) note(e fleet.Event, now time.Time) {
	if c.statuses == nil {
		c.statuses, c.began = map[int]fleet.Status{}, now
	}
	c.total = max(c.total, e.Total)
	c.service, c.region = max(c.service, width(e.Target.Service)), max(c.region, width(e.Target.Region))
	i := slices.IndexFunc(c.underWay, func(m *member) bool { return m.index == e.Index })
	if e.Result != nil {
		c.statuses[e.Index] = e.Result.Status
		if i >= 0 {
			c.underWay = slices.Delete(c.underWay, i, i+1)
		}
		return
	}
	if i < 0 { // it begins, or is rolled back
		i = len(c.underWay)
		c.underWay = append(c.underWay, &member{index: e.Index, target: e.Target, began: now, board: newBoard(e.Target.Service, "")})
	}
	if e.Progress != nil {
		c.underWay[i].board.apply(*e.Progress)
	}
}

// ended returns how many targets have ended.
func (c *crowd) ended() int { return len(c.statuses) }

// counts returns the counts that matter, and the elapsed time.
func (c *crowd) counts(now time.Time) string {
	n := map[fleet.Status]int{}
	for _, s := range c.statuses {
		n[s]++
	}
	var parts []string
	for _, s := range []fleet.Status{fleet.Deployed, fleet.Failed, fleet.RolledBack, fleet.Skipped} {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return strings.Join(append(parts, now.Sub(c.began).Truncate(time.Second).String()), ", ")
}

// label names a target in columns, so that the lines of all are aligned.
func (c *crowd) label(t fleet.Target) string {
	pad := func(text string, to int) string {
		text = safetext.Line(text, maxMessage)
		return text + strings.Repeat(" ", max(to-width(text), 0))
	}
	return pad(t.Service, c.service) + "  " + pad(t.Region, c.region) + " "
}

// activity returns what a target does at the moment.
func (m *member) activity() string {
	for _, l := range m.board.stages {
		if l.state == running {
			return strings.TrimSpace(l.label + "... " + l.message)
		}
	}
	return strings.TrimSpace("Deploying... " + m.board.title.message)
}

// crowd returns the drawing of a crowd: what is under way, and the bar.
func (t *terminal) crowd(c *crowd, now time.Time) []cell {
	columns, rows := t.size()
	room := max(rows-4, 1) // for the bar, the rest, and two lines as in draw
	var lines []cell
	for _, m := range c.underWay[:min(len(c.underWay), room)] {
		lines = append(lines, t.style.cut(entry{
			mark: t.spinner[t.frame%len(t.spinner)], color: cyan, label: c.label(m.target),
			time: elapsed(now.Sub(m.began).Truncate(time.Second)), message: m.activity(),
		}, columns-1))
	}
	if more := len(c.underWay) - room; more > 0 {
		lines = append(lines, t.style.cut(entry{mark: " ", label: fmt.Sprintf("and %d more", more)}, columns-1))
	}
	return append(lines, t.bar(c, columns-1, now))
}

// bar returns the line with the bar, the counts and the elapsed time.
func (t *terminal) bar(c *crowd, columns int, now time.Time) cell {
	full, empty := "█", "░"
	if t.style.more == "..." {
		full, empty = "#", "-"
	}
	text := fmt.Sprintf(" %d/%d, %s", c.ended(), c.total, c.counts(now))
	length := min(max(columns-width(text), 0), 30)
	filled := length * c.ended() / max(c.total, 1)
	shown := strings.Repeat(full, filled) + strings.Repeat(empty, length-filled)
	if length+width(text) > columns {
		return t.style.cut(entry{mark: "", label: strings.TrimSpace(text)}, columns)
	}
	return cell{t.style.paint(cyan, shown) + text, length + width(text)}
}

// result returns the line of a target that has ended.
func (t *terminal) result(c *crowd, r *fleet.Result) entry {
	e := entry{mark: t.marks[done], color: green, label: c.label(r.Target) + " " + outcome(r, true)}
	switch r.Status {
	case fleet.Failed:
		e.mark, e.color = t.marks[failed], red
	case fleet.RolledBack, fleet.Skipped:
		e.mark, e.color = t.marks[interrupted], yellow
	}
	return e
}
