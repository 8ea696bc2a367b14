// Package runmark marks a Service with the run that deployed it, so that another
// process of the same run recognizes what is done.
package runmark

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/nonce"
)

// Annotation is the annotation of a Service that holds its marks, the most recent
// first: build-8/nonce,build-7/nonce.
const Annotation = "cloudrun-go.github.io/run"

// maxMarks bounds how many runs a Service remembers.
const maxMarks = 10

// maxID bounds the ID of a run, as Kubernetes bounds the value of a label.
const maxID = 63

// Mark is what a run leaves on a Service. It is written with the change itself.
type Mark struct {
	ID    string      // of the run
	Nonce nonce.Nonce // of the Revision that the run made; empty if it made none
}

// Check returns an error for an ID that a run cannot have. Its form is that of
// the value of a label.
func Check(id string) error {
	if id == "" || len(id) > maxID || !isAlphanumeric(id[0]) || !isAlphanumeric(id[len(id)-1]) || strings.Trim(id, allowed) != "" {
		return fmt.Errorf("must be 1 to %d letters, digits, dashes, underscores and dots, with a letter or a digit at both ends", maxID)
	}
	return nil
}

const (
	alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	allowed      = alphanumeric + "-_."
)

func isAlphanumeric(c byte) bool { return strings.IndexByte(alphanumeric, c) >= 0 }

// Read returns the mark of the run that deployed a Service last; the zero Mark if
// there is none, or if what that run deployed was undone.
func Read(annotations map[string]string) Mark {
	if marks := read(annotations); len(marks) > 0 {
		return marks[0]
	}
	return Mark{}
}

// Find returns the mark of a run that deployed a Service, even if it was undone or
// another run has deployed it since.
func Find(annotations map[string]string, id string) (Mark, bool) {
	marks := read(annotations)
	i := slices.IndexFunc(marks, func(m Mark) bool { return m.ID == id })
	if id == "" || i < 0 {
		return Mark{}, false
	}
	return marks[i], true
}

func read(annotations map[string]string) []Mark {
	var marks []Mark
	for text := range strings.SplitSeq(annotations[Annotation], ",") {
		id, value, _ := strings.Cut(text, "/")
		if marks = append(marks, Mark{ID: id, Nonce: nonce.Nonce(value)}); len(marks) == maxMarks {
			break
		}
	}
	return marks
}

// Put adds the mark to the annotations of a Service, and returns them.
func (m Mark) Put(annotations map[string]string) map[string]string {
	texts := []string{m.ID + "/" + string(m.Nonce)}
	for _, other := range read(annotations) {
		if other.ID != m.ID && other.ID != "" && len(texts) < maxMarks {
			texts = append(texts, other.ID+"/"+string(other.Nonce))
		}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[Annotation] = strings.Join(texts, ",")
	return annotations
}

// Remove notes that what the last run deployed is undone.
func Remove(annotations map[string]string) {
	if Read(annotations).ID != "" {
		Mark{}.Put(annotations)
	}
}
