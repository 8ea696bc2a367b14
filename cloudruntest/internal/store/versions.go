package store

import "strconv"

// stageVersions is how many resource versions one write may pass through.
const stageVersions = 64

// Versions numbers the changes, so that resource versions never repeat.
type Versions struct {
	last       int64
	kubernetes bool
}

// Next returns the first resource version of a write.
func (v *Versions) Next() int64 {
	v.last += stageVersions
	return v.last
}

// Last returns the first resource version of the last write.
func (v *Versions) Last() int64 { return v.last }

// Spell returns a resource version in the spelling of Cloud Run or of etcd.
func (v *Versions) Spell(n int64) string {
	if v.kubernetes {
		return strconv.FormatInt(n, 10)
	}
	b := []byte("AAZ")
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var low [8]byte
	for i := len(low) - 1; i >= 0; i-- {
		low[i] = digits[n%62]
		n /= 62
	}
	return string(append(b, low[:]...))
}
