package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// The politeness of every retry: exponential, jittered, bounded.
const (
	retryInitial = 500 * time.Millisecond
	retryMax     = 30 * time.Second
	retryBudget  = 3 * time.Minute
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
	*backoff.ExponentialBackOff
	atLeast time.Duration
}

func newBackOff() *politeBackOff {
	return &politeBackOff{ExponentialBackOff: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(retryInitial),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(retryMax),
		backoff.WithMaxElapsedTime(retryBudget),
	)}
}

func (b *politeBackOff) NextBackOff() time.Duration {
	next := b.ExponentialBackOff.NextBackOff()
	if next == backoff.Stop {
		return next
	}
	next += b.atLeast
	if b.GetElapsedTime()+next > retryBudget {
		return backoff.Stop
	}
	return next
}

// retry calls attempt until it succeeds, fails for good in the eyes of
// mayPass, or the budget or the context ends. Its error is then the last one,
// joined with that of the context if this was the end of it.
func (c *Client) retry(ctx context.Context, mayPass func(error) bool, attempt func() error) error {
	polite := newBackOff()
	var last error
	err := backoff.RetryNotify(func() error {
		last = attempt()
		if last == nil {
			return nil
		}
		if ctx.Err() != nil || !mayPass(last) {
			return backoff.Permanent(last)
		}
		polite.atLeast = askedDelay(last)
		return last
	}, backoff.WithContext(polite, ctx), func(err error, delay time.Duration) {
		if c.onRetry != nil {
			c.onRetry(err, delay)
		}
	})
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && !errors.Is(last, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), last)
	}
	return last
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

// askedSpread is the most that comes on top of what a server asked for.
const askedSpread = 10 * time.Second

// askedDelay is how long to wait before the next try because the server asked
// for it: a little longer than that, each time another while, so that a fleet
// that was told the same does not come back as one.
func askedDelay(err error) time.Duration {
	api, ok := asType[*APIError](err)
	if !ok || api.RetryAfter <= 0 {
		return 0
	}
	return api.RetryAfter + time.Duration(rand.Int63n(int64(min(api.RetryAfter, askedSpread))))
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
