package cloudruntest

import (
	"net/http"
	"strings"
	"time"
)

// maxOperations is how many operations are remembered.
const maxOperations = 1000

// operation is the long-running operation of one write.
type operation struct {
	key        serviceKey
	uid        string // of the Service: another of the same name is not meant
	generation int64
	end        time.Time
	never      bool
	err        string
}

// operations remembers the latest ones.
type operations struct {
	byID  map[string]operation
	order []string
}

func (o *operations) add(sv *service) {
	r := &sv.rollout
	if r.id == "" {
		return
	}
	if o.byID == nil {
		o.byID = map[string]operation{}
	}
	o.byID[r.id] = operation{key: sv.key, uid: sv.uid, generation: sv.generation, end: r.at.Add(r.done), never: r.never, err: r.err}
	o.order = append(o.order, r.id)
	if len(o.order) > maxOperations {
		delete(o.byID, o.order[0])
		o.order = o.order[1:]
	}
}

// findOperation looks up the operation that a path names.
func (s *Server) findOperation(c *call) (operation, string, *apiError) {
	id := strings.TrimSuffix(c.path[len(c.path)-1], ":wait")
	name := "projects/" + c.path[2] + "/locations/" + c.path[4] + "/operations/" + id
	p, err := s.project(c.path[2])
	if err != nil {
		return operation{}, name, err
	}
	if err := s.permit("run.operations.get", name); err != nil {
		return operation{}, name, err
	}
	op, ok := s.ops.byID[id]
	if !ok || op.key.project != p.number || (c.region != "" && op.key.region != c.path[4]) {
		return operation{}, name, notFound("Operation '" + id + "' does not exist.")
	}
	return op, name, nil
}

func (s *Server) getOperation(c *call, t target) (answer, *apiError) {
	if c.r.Method != http.MethodGet || t.name == "" {
		return s.nowhere(c), nil
	}
	op, name, err := s.findOperation(c)
	if err != nil {
		return answer{}, err
	}
	body, _ := s.renderOperation(op, name, c.now)
	return answerJSON(http.StatusOK, body), nil
}

// subject is the Service that an operation is about, while it exists.
func (s *Server) subject(op operation, now time.Time) *service {
	sv := s.services[op.key]
	if sv == nil || sv.uid != op.uid || sv.gone(now) {
		return nil
	}
	return sv
}

// finished reports whether an operation is over: in the end, when another
// write has overtaken it, or when its Service is gone.
func (s *Server) finished(op operation, now time.Time) bool {
	sv := s.subject(op, now)
	if sv == nil || sv.generation != op.generation {
		return true
	}
	return !op.never && !now.Before(op.end)
}

func (s *Server) renderOperation(op operation, name string, now time.Time) (object, bool) {
	body := object{"name": name, "done": false, "metadata": object{"@type": "type.googleapis.com/google.cloud.run.v1.OperationMetadata"}}
	if !s.finished(op, now) {
		return body, false
	}
	body["done"] = true
	sv := s.subject(op, now)
	switch {
	case op.err != "":
		body["error"] = object{"code": 9, "message": op.err}
	case sv == nil:
		body["error"] = object{"code": 10, "message": "The service was deleted."}
	default:
		body["response"] = with(s.render(sv, now), "@type", "type.googleapis.com/google.cloud.run.v1.Service")
	}
	return body, true
}

// waitOperation answers OPERATION:wait: as soon as it is done, or when the
// request's timeout has passed.
func (s *Server) waitOperation(c *call) answer {
	deadline := c.now.Add(waitTimeout(c.body))
	for {
		body, until, changed, err := s.pollOperation(c, deadline)
		if err != nil {
			return err.answer(false)
		}
		if changed == nil {
			return answerJSON(http.StatusOK, body)
		}
		timer := time.NewTimer(until)
		select {
		case <-timer.C:
		case <-changed:
		case <-c.ctx.Done():
		}
		timer.Stop()
		if c.ctx.Err() != nil {
			return answerJSON(http.StatusOK, body) // nobody reads it
		}
	}
}

// pollOperation looks at an operation once. It returns a channel if there is
// something to wait for.
func (s *Server) pollOperation(c *call, deadline time.Time) (object, time.Duration, <-chan struct{}, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.knownHost(c) {
		return nil, 0, nil, notFound("Location " + c.region + " is not found.")
	}
	op, name, err := s.findOperation(c)
	if err != nil {
		return nil, 0, nil, err
	}
	now := time.Now()
	body, done := s.renderOperation(op, name, now)
	if done || !now.Before(deadline) {
		return body, 0, nil, nil
	}
	if !op.never && op.end.Before(deadline) {
		deadline = op.end
	}
	return body, deadline.Sub(now), s.changed, nil
}

// waitTimeout reads the timeout of a wait: 30 s unless told otherwise.
func waitTimeout(body []byte) time.Duration {
	const usual, most = 30 * time.Second, 10 * time.Minute
	o, err := decode(body)
	if err != nil {
		return usual
	}
	d, err := time.ParseDuration(text(o, "timeout"))
	if err != nil || d <= 0 {
		return usual
	}
	return min(d, most)
}
