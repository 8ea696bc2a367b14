package store

import (
	"fmt"
	"iter"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/logbook"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/ring"
)

// maxLogs is how many entries of logs are kept.
const maxLogs = 10_000

// Logs keeps what containers wrote last.
type Logs struct {
	last *ring.Ring[logbook.Entry]
	next int64
}

func newLogs() Logs { return Logs{last: ring.New[logbook.Entry](maxLogs)} }

// Add adds a line to a log.
func (l *Logs) Add(source logbook.Source, log, line string, now time.Time) {
	l.next++
	l.last.Add(logbook.New(source, log, fmt.Sprintf("%012d", l.next), line, now))
}

// All returns the entries, the oldest first.
func (l *Logs) All() iter.Seq[logbook.Entry] { return l.last.All() }
