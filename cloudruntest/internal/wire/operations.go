package wire

import (
	"net/http"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// isWait reports whether the call is projects/P/locations/L/operations/ID:wait.
func isWait(c *call) bool {
	s := c.path
	return c.r.Method == http.MethodPost && len(s) == 7 && s[1] == "projects" && s[5] == "operations" && strings.HasSuffix(s[6], ":wait")
}

// operation returns the operation that a path names.
func operation(c *call) control.OperationRef {
	return control.OperationRef{Project: c.path[2], Location: c.path[4], Regional: c.region != "",
		ID: strings.TrimSuffix(c.path[len(c.path)-1], ":wait")}
}

func getOperation(p *control.Plane, c *call) (answer, *apierror.Error) {
	if c.r.Method != http.MethodGet || c.name() == "" {
		return nowhere(c, false), nil
	}
	return answerOK(p.GetOperation(operation(c), c.now))
}

// waitOperation answers OPERATION:wait as soon as the operation is done, or after
// the timeout of the request.
func waitOperation(p *control.Plane, c *call) answer {
	deadline := c.now.Add(waitTimeout(c.body))
	for {
		poll, err := pollOperation(p, c, deadline)
		if err != nil {
			return answerError(err, false)
		}
		if poll.Done {
			return answerJSON(http.StatusOK, poll.Doc)
		}
		timer := time.NewTimer(poll.Until)
		select {
		case <-timer.C:
		case <-poll.Changed:
		case <-c.ctx.Done():
		}
		timer.Stop()
		if c.ctx.Err() != nil {
			return answerJSON(http.StatusOK, poll.Doc) // the client is gone
		}
	}
}

// pollOperation looks at an operation once.
func pollOperation(p *control.Plane, c *call, deadline time.Time) (control.Poll, *apierror.Error) {
	p.Store.Lock()
	defer p.Store.Unlock()
	if !knownHost(p, c) {
		return control.Poll{}, apierror.NotFound("Location " + c.region + " is not found.")
	}
	return p.PollOperation(operation(c), time.Now(), deadline)
}

// waitTimeout reads the timeout of a wait. The default is 30 s.
func waitTimeout(body []byte) time.Duration {
	const usual, most = 30 * time.Second, 10 * time.Minute
	o, err := tree.Decode(body)
	if err != nil {
		return usual
	}
	d, err := time.ParseDuration(tree.Text(o, "timeout"))
	if err != nil || d <= 0 {
		return usual
	}
	return min(d, most)
}
