package wire

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// Limits are the requests that are admitted in each window of time. 0 is no limit.
type Limits struct {
	All           int // of the whole API
	Writes, Reads int // of each project and region
	Window        time.Duration
	RetryAfter    time.Duration // what a refusal asks for; 0 for nothing
}

// Quota counts requests. It is safe for concurrent use.
type Quota struct {
	mu      sync.Mutex
	limits  Limits
	windows map[counter]*window
	refused int
}

// counter is what has a limit of its own.
type counter struct{ project, region, kind string }

// window is a window of time and the requests in it.
type window struct {
	began time.Time
	count int
}

// Limit sets the limits. The zero Limits remove them.
func (q *Quota) Limit(limits Limits) {
	q.mu.Lock()
	defer q.mu.Unlock()
	limits.Window = cmp.Or(limits.Window, time.Second)
	q.limits, q.windows, q.refused = limits, map[counter]*window{}, 0
}

// Refused returns how many requests were refused since the limits were set.
func (q *Quota) Refused() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.refused
}

// check counts a request. It returns the response if the request exceeds a limit.
func (q *Quota) check(c *call, cluster bool) (refusal answer, refused bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	kind, most := "Write", q.limits.Writes
	if c.reads() {
		kind, most = "Read", q.limits.Reads
	}
	project, region := c.place()
	within := q.admits(counter{}, q.limits.All, c.now) && q.admits(counter{project, region, kind}, most, c.now)
	if within {
		return answer{}, false
	}
	q.refused++
	return q.refusal(kind, cluster), true
}

// admits counts a request in the current window.
func (q *Quota) admits(of counter, most int, now time.Time) bool {
	if most <= 0 {
		return true
	}
	began := now.Truncate(q.limits.Window)
	w := q.windows[of]
	if w == nil || !w.began.Equal(began) {
		w = &window{began: began}
		q.windows[of] = w
	}
	w.count++
	return w.count <= most
}

// refusal is the response to a request that exceeds a limit.
func (q *Quota) refusal(kind string, cluster bool) answer {
	err := apierror.Exhausted(fmt.Sprintf("Quota exceeded for quota metric '%s requests' and limit '%[1]s requests per minute per region' of service 'run.googleapis.com'.", kind))
	after := q.limits.RetryAfter
	if after > 0 {
		err.Details = []any{tree.Object{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": strconv.FormatFloat(after.Seconds(), 'f', -1, 64) + "s"}}
	}
	a := answerError(err, cluster)
	if after > 0 {
		a.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
	return a
}

// reads reports whether the call counts as a read.
func (c *call) reads() bool {
	last := c.path[len(c.path)-1]
	return c.r.Method == http.MethodGet || strings.HasSuffix(last, ":wait") || strings.HasSuffix(last, ":testIamPermissions") || last == "entries:list"
}

// place returns the project and the region of the call, as far as it names them.
func (c *call) place() (project, region string) {
	switch s := c.path; {
	case len(s) > 4 && s[0] == "apis":
		return s[4], c.region
	case len(s) > 4 && s[3] == "locations":
		return s[2], s[4]
	case len(s) > 2:
		return s[2], c.region
	}
	return "", c.region
}
