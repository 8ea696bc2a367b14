// Package nonce marks the template of a Service with a random label. The label
// forces a new Revision and identifies the write as ours.
package nonce

import (
	"crypto/rand"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/status"
)

// Nonce is the value of the label. The empty one is that of a call that makes no Revision.
type Nonce string

// New returns a Nonce that no other call has.
func New() Nonce {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	b := make([]byte, 10)
	_, _ = rand.Read(b) // never fails, by its documentation
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return Nonce(b)
}

// Put labels the template.
func (n Nonce) Put(t *servingv1.RevisionTemplateSpec) {
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	t.Labels[status.LabelNonce] = string(n)
}

// On reports whether the template has the label. The empty Nonce is on none.
func (n Nonce) On(t *servingv1.RevisionTemplateSpec) bool {
	return n != "" && t.Labels[status.LabelNonce] == string(n)
}

// Syllable returns a random syllable, as the names of Revisions end with.
func Syllable() string {
	const consonants, vowels = "bcdfghjklmnpqrstvwxyz", "aeiou"
	b := make([]byte, 3)
	_, _ = rand.Read(b) // never fails, by its documentation
	pick := func(letters string, b byte) byte { return letters[int(b)%len(letters)] }
	return string([]byte{pick(consonants, b[0]), pick(vowels, b[1]), pick(consonants, b[2])})
}
