package cloudrun

import (
	"context"
	"crypto/rand"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/status"
)

const (
	labelNonce             = status.LabelNonce
	annotationLastModifier = "serving.knative.dev/lastModifier"
)

// nonce is the random label that one call puts on the template it writes. It
// makes the template differ, so that a new Revision is made, and it tells this
// call's write from everybody else's.
type nonce struct{ value string }

func newNonce() *nonce {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	b := make([]byte, 10)
	_, _ = rand.Read(b) // never fails, by its documentation
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return &nonce{value: string(b)}
}

// put marks a Service's template.
func (n *nonce) put(s *servingv1.Service) {
	if s.Spec.Template.Labels == nil {
		s.Spec.Template.Labels = map[string]string{}
	}
	s.Spec.Template.Labels[labelNonce] = n.value
}

// on reports whether a Service's template is the one that this call wrote.
func (n *nonce) on(s *servingv1.Service) bool {
	return s.Spec.Template.Labels[labelNonce] == n.value
}

// madeRevision reports whether there is a Revision that this call's write made.
// The server may show it a moment after the write, so one look is not enough.
func (n *nonce) madeRevision(ctx context.Context, c *Client) (bool, error) {
	for _, pause := range []time.Duration{0, 500 * time.Millisecond, time.Second} {
		if err := sleep(ctx, pause); err != nil {
			return false, err
		}
		if count, err := n.revisions(ctx, c, 1); err != nil || count > 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// revisions counts the Revisions that have the mark, up to a limit. Each change
// that somebody else makes to the template makes one more.
func (n *nonce) revisions(ctx context.Context, c *Client, limit int) (count int, err error) {
	for _, err := range c.ListRevisions(ctx, WithLabelSelector(labelNonce+"="+n.value), WithPageSize(limit)) {
		if err != nil {
			return 0, err
		}
		if count++; count == limit {
			break
		}
	}
	return count, nil
}
