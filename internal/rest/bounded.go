package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
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

// maxAnnounced bounds the room that is made for a response before it arrives.
const maxAnnounced = 64 << 10

// readAll reads everything. The length is what the server announced; it may be unknown or false.
func readAll(r io.Reader, length int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(length, 0), maxAnnounced)) + bytes.MinRead)
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}
