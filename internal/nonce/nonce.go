// Package nonce marks the template of a Service with a random label. The label
// forces a new Revision and identifies the write as ours.
package nonce

import "crypto/rand"

// Label is the key of the label. Knative's own clients use the same.
const Label = "client.knative.dev/nonce"

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

// Put adds the label to the labels of a template, and returns them.
func (n Nonce) Put(labels map[string]string) map[string]string {
	if labels == nil {
		labels = map[string]string{}
	}
	labels[Label] = string(n)
	return labels
}

// On reports whether the labels of a template have the Nonce. The empty Nonce is on none.
func (n Nonce) On(labels map[string]string) bool { return n != "" && labels[Label] == string(n) }

// Syllable returns a random syllable, as the names of Revisions end with.
func Syllable() string {
	const consonants, vowels = "bcdfghjklmnpqrstvwxyz", "aeiou"
	b := make([]byte, 3)
	_, _ = rand.Read(b) // never fails, by its documentation
	pick := func(letters string, b byte) byte { return letters[int(b)%len(letters)] }
	return string([]byte{pick(consonants, b[0]), pick(vowels, b[1]), pick(consonants, b[2])})
}
