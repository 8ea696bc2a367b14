// Package ring keeps the last values of a sequence.
package ring

import "iter"

// Ring keeps the last values added to it, up to its limit. A limit of 0 keeps
// nothing.
type Ring[T any] struct {
	limit int
	list  []T
	next  int // index of the oldest value, once the list is full
}

// New returns a Ring that keeps the last limit values.
func New[T any](limit int) *Ring[T] { return &Ring[T]{limit: limit} }

// Add adds a value. It drops the oldest one if the Ring is full.
func (r *Ring[T]) Add(v T) {
	switch {
	case r.limit == 0:
	case len(r.list) < r.limit:
		r.list = append(r.list, v)
	default:
		r.list[r.next] = v
		r.next = (r.next + 1) % r.limit
	}
}

// All returns the values, the oldest first.
func (r *Ring[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range r.list {
			if !yield(r.list[(r.next+i)%len(r.list)]) {
				return
			}
		}
	}
}

// Reset drops all values.
func (r *Ring[T]) Reset() { r.list, r.next = nil, 0 }
