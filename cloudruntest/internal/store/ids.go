package store

import (
	"crypto/rand"
	"encoding/hex"
)

// NewUID returns a random UID.
func NewUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// RevisionSuffix returns the random end of a generated Revision name.
func RevisionSuffix() string {
	const consonants, vowels = "bcdfghjklmnpqrstvwxz", "aeiou"
	var b [3]byte
	_, _ = rand.Read(b[:])
	return string([]byte{consonants[int(b[0])%len(consonants)], vowels[int(b[1])%len(vowels)], consonants[int(b[2])%len(consonants)]})
}
