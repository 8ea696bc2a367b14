package data

import (
	"bytes"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/logbook"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
)

// maxLine is how long an entry may be. A longer line becomes several.
const maxLine = 256 << 10

// logWriter adds the lines that are written to it to a log. It is safe for
// concurrent use. The writer must not hold the store's lock.
type logWriter struct {
	st     *store.Store
	source logbook.Source
	log    string

	mu   sync.Mutex
	part []byte // of a line that has not ended
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.part = append(w.part, p...)
	for {
		line, rest, ended := bytes.Cut(w.part, []byte("\n"))
		switch {
		case len(line) > maxLine:
			line, rest = w.part[:maxLine], w.part[maxLine:]
		case !ended:
			return len(p), nil
		}
		w.add(string(bytes.TrimSuffix(line, []byte("\r"))))
		w.part = rest
	}
}

func (w *logWriter) add(line string) {
	w.st.Lock()
	defer w.st.Unlock()
	w.st.Logs.Add(w.source, w.log, line, time.Now())
}
