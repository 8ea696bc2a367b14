package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cloudrun-go/cloudrun/internal/pause"
)

const (
	retryMax    = pause.MaxInterval
	retryBudget = pause.Budget
)

// clientName is how this library calls itself.
const clientName = "cloudrun-go"

// userAgent names this library and, where it is known, its version.
func userAgent(version string) string {
	if version == "" {
		return clientName
	}
	return clientName + "/" + version
}

// libraryVersion is the version of this module in the running program; empty if it is not a released one.
func libraryVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == "github.com/cloudrun-go/cloudrun" && strings.HasPrefix(m.Version, "v") {
			return m.Version
		}
	}
	return ""
}

// politeBackOff is an exponential backoff that waits at least as long as the server asked for.
type politeBackOff struct {
	*pause.BackOff
	atLeast time.Duration
}

func newBackOff() *politeBackOff { return &politeBackOff{BackOff: pause.NewBackOff()} }

func (b *politeBackOff) NextBackOff() time.Duration { return b.Next(b.atLeast) }

// sleep waits for d, or until the context ends.
func sleep(ctx context.Context, d time.Duration) error { return pause.Sleep(ctx, d) }

// retry calls attempt until it succeeds, fails for good in the eyes of
// mayPass, or the budget or the context ends. Its error is then the last one,
// joined with that of the context if this was the end of it.
func (c *Client) retry(ctx context.Context, mayPass func(error) bool, attempt func() error) error {
	polite := pause.NewBackOff()
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		delay := pause.Stop
		if ctx.Err() == nil && mayPass(err) {
			delay = polite.Next(askedDelay(err))
		}
		if delay != pause.Stop {
			if c.onRetry != nil {
				c.onRetry(err, delay)
			}
			_ = pause.Sleep(ctx, delay) // the error of the context is looked at below
			if ctx.Err() == nil {
				continue
			}
		}
		if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
			return fmt.Errorf("%w: %w", ended, err)
		}
		return err
	}
}

// read makes a request that changes nothing, as often as it may pass.
func (c *Client) read(ctx context.Context, r request) (body []byte, err error) {
	err = c.retry(ctx, transient, func() error {
		body, err = c.send(ctx, r)
		return err
	})
	return body, err
}

// write makes a request that changes something, again only if the failed one cannot have had an effect.
func (c *Client) write(ctx context.Context, r request) (body []byte, err error) {
	err = c.retry(ctx, func(err error) bool { return transient(err) && outcomeOf(err) == NotWritten }, func() error {
		body, err = c.send(ctx, r)
		return err
	})
	return body, err
}

// transient reports whether a failure may pass by itself.
func transient(err error) bool {
	if api, ok := asType[*APIError](err); ok {
		switch api.StatusCode() {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errTooLarge) {
		return false
	}
	_, ok := asType[*answerError](err)
	return ok
}

// outcomeOf tells what a failed write request may have done.
func outcomeOf(err error) WriteOutcome {
	if lost, ok := asType[*answerError](err); ok {
		if lost.notSent {
			return NotWritten
		}
		return WriteUnknown
	}
	if api, ok := asType[*APIError](err); ok {
		if code := api.StatusCode(); code >= 500 || code == http.StatusRequestTimeout {
			return WriteUnknown
		}
	}
	return NotWritten
}

// askedDelay is how long to wait before the next try because the server asked for it.
func askedDelay(err error) time.Duration {
	api, ok := asType[*APIError](err)
	if !ok {
		return 0
	}
	return pause.Spread(api.RetryAfter)
}

// retryAfter reads the header Retry-After, seconds or a date.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if n, err := strconv.Atoi(v); err == nil {
		return seconds(n)
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(at), 0), maxAskedDelay)
	}
	return 0
}

// maxAskedDelay bounds what a server can ask for, so that no sum of delays overflows.
const maxAskedDelay = 24 * time.Hour

func seconds(n int) time.Duration {
	return time.Duration(min(max(n, 0), int(maxAskedDelay/time.Second))) * time.Second
}

// isMissing reports whether a read found that there is no such object.
func isMissing(err error) bool { return apierrors.IsNotFound(err) }
