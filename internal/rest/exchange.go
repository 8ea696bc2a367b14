package rest

import (
	"errors"
	"net/http"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/task"
)

// grace is how long a transport gets to return after its context has ended.
const grace = time.Second

var (
	errStuck  = errors.New("the HTTP client did not return in time, such as while it waited for a token")
	errExited = errors.New("the HTTP client ended its goroutine")
)

// exchange is the result of a round trip.
type exchange struct {
	resp     *http.Response
	err      error
	panicked any
}

// do sends a request. It returns soon after the end of the context, even if the
// transport does not: token sources know no context. It passes a panic of the
// transport on to its caller.
func do(hc *http.Client, req *http.Request) (*http.Response, error) {
	done, abandoned := make(chan exchange), make(chan struct{})
	go func() {
		task.Deepen()
		x := exchange{err: errExited}
		defer func() {
			x.panicked = recover()
			select {
			case done <- x:
			case <-abandoned:
				if x.resp != nil {
					_ = x.resp.Body.Close()
				}
			}
		}()
		x.resp, x.err = hc.Do(req) //nolint:bodyclose // the caller closes it
	}()
	select {
	case x := <-done:
		return x.result()
	case <-req.Context().Done():
	}
	last := time.NewTimer(grace)
	defer last.Stop()
	select {
	case x := <-done:
		return x.result()
	case <-last.C:
		close(abandoned)
		return nil, errors.Join(req.Context().Err(), errStuck)
	}
}

func (x exchange) result() (*http.Response, error) {
	if x.panicked != nil {
		panic(x.panicked)
	}
	return x.resp, x.err
}
