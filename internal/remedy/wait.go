package remedy

import "fmt"

// Wait is a wait that ended too early.
type Wait struct {
	Canceled   bool
	Deletion   bool  // of a Service, not for it to be ready
	Moving     bool  // only the traffic is not as requested
	Generation int64 // that was waited for; 0 if any would do
}

// Next returns the end of the sentence about a wait: what happens without it, and how to wait for that.
func (w Wait) Next() string {
	ended := "; "
	if w.Canceled {
		ended = "; the wait was canceled; "
	}
	switch {
	case w.Deletion:
		return ended + "the deletion goes on: delete the service again to wait for it"
	case w.Moving:
		return ended + "it goes on: the traffic of the service shows when it has moved"
	case w.Generation > 0:
		return ended + fmt.Sprintf("it goes on: wait with WaitReady and WithGeneration(%d)", w.Generation)
	}
	return ended + "it goes on: wait with WaitReady"
}
