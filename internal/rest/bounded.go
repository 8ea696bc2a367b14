package rest

import (
	"context"
	"errors"
	"io"
	"slices"
)

const (
	// maxObject bounds the response to a request for one object.
	maxObject = 16 << 20
	// maxError bounds how much of an error response is read.
	maxError = 64 << 10
)

var errTooLarge = errors.New("the response is too large")

// bounded reads up to a limit, or until the context ends, and then fails.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Bounds of the room that is made for a response before it arrives.
const (
	maxAnnounced = 64 << 10
	unannounced  = 4 << 10 // room for a Service
)

// readAll reads everything. The length is what the server announced; it may be unknown or false.
func readAll(r io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		length = unannounced
	}
	b := make([]byte, 0, min(length, maxAnnounced)+1) // one more, to see the end
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		if len(b) == cap(b) {
			b = slices.Grow(b, len(b))
		}
	}
}
