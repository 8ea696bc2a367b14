package answer

import (
	"encoding/json"
	"errors"

	"github.com/cloudrun-go/cloudrun/internal/diff"
	"github.com/cloudrun-go/cloudrun/internal/lossless"
)

// Document is an object as the server sent it.
type Document struct {
	Object
	Raw []byte
}

// Write is a write of an object. The zero base is that of a write that creates.
type Write struct {
	Place  Place
	Base   Document
	Body   []byte
	DryRun bool // the server changes nothing, so the version stays
	Whole  bool // the body is all that is wanted: the server may add what it lacks again
}

// Mark is whether an object has the mark of a write.
type Mark int

// The marks.
const (
	NoMark Mark = iota // the write has none, so its content identifies it
	Marked
	Unmarked
)

var (
	errOtherUID  = errors.New("the response is about another object of the same name")
	errNotOurs   = errors.New("the response does not have what was written")
	errIsOlder   = errors.New("the response is older than what was replaced")
	errUnchanged = errors.New("the response is the object from before the write")
)

// Check returns an error if an answer is not the object as the write made it.
// Servers may normalize what they are sent, and admission webhooks may change it.
// So without a mark the answer may also have other content, if its version is the
// one that follows the base.
func (w Write) Check(answer Document, mark Mark) error {
	if err := w.Place.Check(answer.Object); err != nil {
		return err
	}
	base := w.Base.Object
	switch {
	case base.UID != "" && answer.UID != "" && answer.UID != base.UID:
		return errOtherUID
	case answer.Generation < base.Generation && answer.Generation != 0:
		return errIsOlder
	case mark == Unmarked:
		return errNotOurs
	case mark == Marked, w.Holds(answer.Raw), w.precedes(answer.Object), w.Whole && diff.Contains(answer.Raw, w.Body):
		return nil
	case base.ResourceVersion != "" && answer.ResourceVersion == base.ResourceVersion:
		return errUnchanged
	}
	return errNotOurs
}

// precedes reports whether an object is the next version after the base.
func (w Write) precedes(o Object) bool {
	base := w.Base.Object
	if base == (Object{}) {
		return o.Generation <= 1
	}
	changed := base.ResourceVersion != "" && o.ResourceVersion != "" && o.ResourceVersion != base.ResourceVersion
	next := base.Generation == 0 || o.Generation == base.Generation || o.Generation == base.Generation+1
	return next && (changed || w.DryRun)
}

// Holds reports whether an object has everything that the write changed.
func (w Write) Holds(now []byte) bool {
	if len(w.Base.Raw) > 0 {
		return lossless.Holds(w.Base.Raw, w.Body, now) || diff.Holds(w.Base.Raw, w.Body, now)
	}
	var created struct {
		Spec json.RawMessage `json:"spec"`
	}
	if json.Unmarshal(w.Body, &created) != nil {
		return false
	}
	spec, err := json.Marshal(created) // the server decides parts of the metadata, such as the namespace
	return err == nil && (lossless.Holds(nil, spec, now) || diff.Holds(nil, spec, now))
}
