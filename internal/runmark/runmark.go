// Package runmark marks a Service with the run that deployed it, so that another
// process of the same run recognizes what is done.
package runmark

import (
	"fmt"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/nonce"
)

// Annotation is the annotation of a Service that holds its mark.
const Annotation = "cloudrun-go.github.io/run"

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

// Read returns the mark in the annotations of a Service; the zero Mark if there is none.
func Read(annotations map[string]string) Mark {
	id, value, _ := strings.Cut(annotations[Annotation], "/")
	return Mark{ID: id, Nonce: nonce.Nonce(value)}
}

// Put adds the mark to the annotations of a Service, and returns them.
func (m Mark) Put(annotations map[string]string) map[string]string {
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[Annotation] = m.ID + "/" + string(m.Nonce)
	return annotations
}

// Remove removes the mark, because what the run deployed is undone.
func Remove(annotations map[string]string) { delete(annotations, Annotation) }
