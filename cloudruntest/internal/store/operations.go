package store

import "time"

// maxOperations is how many operations are kept.
const maxOperations = 1000

// Operation is the long-running operation of one write.
type Operation struct {
	Key        Key
	UID        string // of the Service; a later Service of the same name has another one
	Generation int64
	End        time.Time
	Never      bool   // it never ends by itself
	Err        string // message of its error
}

// Operations are the latest operations, by ID.
type Operations struct {
	byID  map[string]Operation
	order []string
}

func newOperations() Operations { return Operations{byID: map[string]Operation{}} }

// Add adds the operation of a Service's last write, if it has one. It drops the
// oldest operation if there are too many.
func (o *Operations) Add(sv *Service) {
	r := &sv.Rollout
	if r.Operation == "" {
		return
	}
	o.byID[r.Operation] = Operation{Key: sv.Key, UID: sv.UID, Generation: sv.Generation,
		End: r.At.Add(r.Done), Never: r.Never, Err: r.OperationError}
	o.order = append(o.order, r.Operation)
	if len(o.order) > maxOperations {
		delete(o.byID, o.order[0])
		o.order = o.order[1:]
	}
}

// Get returns an operation by ID.
func (o *Operations) Get(id string) (Operation, bool) {
	op, ok := o.byID[id]
	return op, ok
}
