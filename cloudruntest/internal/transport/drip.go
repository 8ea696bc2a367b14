package transport

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Drip writes a body with a pause before each byte. Without a pause it writes
// the body at once. It ends early with the request's context.
func Drip(ctx context.Context, w http.ResponseWriter, body []byte, pause time.Duration) {
	if pause <= 0 {
		_, _ = w.Write(body)
		return
	}
	if m, ok := w.(interface{ writeDrops([]byte, time.Duration) }); ok {
		m.writeDrops(body, pause)
		return
	}
	flush := http.NewResponseController(w).Flush
	for i := range body {
		if sleep(ctx, pause) != nil {
			return
		}
		if _, err := w.Write(body[i : i+1]); err != nil || flush() != nil {
			return
		}
	}
}

// drops is a body that arrives byte by byte until the request's context ends.
type drops struct {
	ctx   context.Context
	body  io.Reader
	pause time.Duration
}

func (d *drops) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := sleep(d.ctx, d.pause); err != nil {
		return 0, err
	}
	return d.body.Read(p[:1])
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
