package rest

import (
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter bounds what a server can ask for, so that no sum of delays overflows.
const maxRetryAfter = 24 * time.Hour

// retryAfter returns the delay of the header Retry-After, which holds seconds or a date.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if n, err := strconv.Atoi(v); err == nil {
		return seconds(n)
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(at), 0), maxRetryAfter)
	}
	return 0
}

func seconds(n int) time.Duration {
	return time.Duration(min(max(n, 0), int(maxRetryAfter/time.Second))) * time.Second
}
