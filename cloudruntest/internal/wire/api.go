package wire

import (
	"io"
	"net/http"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/transport"
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
		result.send(c.ctx, w, Fault{})
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
	result.send(c.ctx, w, f)
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
	if a.Quota.exceeded(c.now) {
		return answerError(apierror.Exhausted("Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute per region' of service 'run.googleapis.com'."), cluster)
	}
	if !cluster && isWait(c) {
		return waitOperation(a.Control, c) // takes time, so it must not hold the lock
	}
	a.Control.Store.Lock()
	defer a.Control.Store.Unlock()
	result, err := dispatch(a.Control, c)
	if err != nil {
		return answerError(err, cluster)
	}
	return result
}
