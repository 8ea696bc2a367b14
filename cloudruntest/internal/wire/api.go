package wire

import (
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/transport"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// maxBody bounds how much of a request's body is read.
const maxBody = 16 << 20

// API serves a control plane over HTTP.
type API struct {
	Control *control.Plane
	Faults  *Faults
	Quota   *Quota
	Log     *Log
}

// ServeHTTP answers a request of the API.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the client is gone
	}
	c := newCall(r, body)
	f, struck := a.Faults.next(r, body)
	if !struck {
		result := a.handle(c)
		a.Log.record(c, result.code)
		a.send(c, w, result, Fault{})
		return
	}
	if f.Refuse {
		transport.Refuse(w)
		return
	}
	result, ok := a.answerWith(c, f)
	if !ok {
		a.Log.record(c, 0)
		transport.Break(w)
		return
	}
	a.Log.record(c, result.code)
	a.send(c, w, result, f)
}

// send sends an answer, or the events of a watch.
func (a *API) send(c *call, w http.ResponseWriter, result answer, f Fault) {
	if result.watch == nil {
		result.send(c.ctx, w, f)
		return
	}
	maps.Copy(w.Header(), result.header)
	w.WriteHeader(result.code)
	a.serveWatch(c, w, result.watch, f)
}

// answerWith handles a request that a fault strikes. It returns false if the
// connection breaks.
func (a *API) answerWith(c *call, f Fault) (answer, bool) {
	if !c.sleep(f.Delay) {
		return answer{}, false
	}
	result := a.handleUnder(c, f)
	if f.Hang {
		<-c.ctx.Done()
	}
	if f.Reset || f.Hang {
		return answer{}, false
	}
	return f.spoil(result, a.Control.Store.Cluster), true
}

// handleUnder answers a call as often as a fault lets it take effect.
func (a *API) handleUnder(c *call, f Fault) answer {
	do := f.Do
	if do == nil {
		do = func() {}
	}
	if !f.After {
		do()
	}
	c.now, c.stale, c.lag, c.endless = time.Now(), f.Stale, f.Lag, f.Endless
	result := answer{code: http.StatusOK}
	if !f.replaces() {
		result = a.handle(c)
		if f.Twice {
			result = a.handle(c)
		}
	}
	if f.After {
		do()
	}
	return result
}

// handle counts a request against the quota and answers it.
func (a *API) handle(c *call) answer {
	cluster := a.Control.Store.Cluster
	if refusal, refused := a.Quota.check(c, cluster); refused {
		return refusal
	}
	if !cluster && isWait(c) {
		return waitOperation(a.Control, c) // takes time, so it must not hold the lock
	}
	a.Control.Store.Lock()
	defer a.Control.Store.Unlock()
	if cluster && c.r.Method != http.MethodGet {
		a.Control.Advance(c.now)
		defer a.Control.Advance(c.now)
	}
	result, err := dispatch(a.Control, c)
	if err != nil {
		return answerError(err, cluster)
	}
	return result
}

// serveWatch sends events until the watch ends. A fault may change them, or break the
// connection.
func (a *API) serveWatch(c *call, w http.ResponseWriter, watch *watcher, f Fault) {
	flush := http.NewResponseController(w).Flush
	_ = flush()
	left := f.Truncate
	for {
		down := a.Faults.added()
		events, ends, again, changed := watch.events(time.Now())
		for _, e := range events {
			frame := append(tree.Encode(e), '\n')
			if f.Edit != nil {
				frame = f.Edit(frame)
			}
			if f.Truncate > 0 && len(frame) >= left {
				_, _ = w.Write(frame[:left])
				_ = flush()
				panic(http.ErrAbortHandler)
			}
			left -= len(frame)
			if _, err := w.Write(frame); err != nil || flush() != nil {
				return
			}
		}
		if a.Faults.refuses(c.r, c.body) {
			panic(http.ErrAbortHandler) // the server went down
		}
		if ends || !c.waitFor(again, changed, down) {
			return
		}
	}
}
