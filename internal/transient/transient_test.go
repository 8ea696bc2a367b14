package transient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cloudrun-go/cloudrun/internal/rest"
	"github.com/cloudrun-go/cloudrun/internal/transient"
)

var (
	services = schema.GroupResource{Group: "serving.knative.dev", Resource: "services"}
	denied   = apierrors.NewForbidden(services, "hello", errors.New("rbac"))
	reset    = &net.OpError{Op: "read", Err: errors.New("connection reset")}
	errLocal = errors.New("the server has no watch")
)

// answer is the error of a request that was answered with an HTTP status.
func answer(status int) error {
	c := rest.Client{HTTP: &http.Client{Transport: answering(status)}}
	_, err := c.Send(context.Background(), rest.Request{Method: http.MethodGet, URL: "http://localhost"})
	return err
}

type answering int

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(a), Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func TestPoll(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"a reset":                         {reset, true},
		"an end":                          {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		"an error of the caller":          {errLocal, false},
		"HTTP 503":                        {answer(503), true},
		"HTTP 404":                        {answer(404), false},
		"HTTP 403":                        {answer(403), false},
		"a clientset's timeout":           {apierrors.NewServerTimeout(services, "get", 1), true},
		"a clientset's 429":               {apierrors.NewTooManyRequests("slow down", 1), true},
		"a clientset's 500":               {apierrors.NewInternalError(errors.New("etcd")), true},
		"a clientset's 503":               {apierrors.NewServiceUnavailable("starting"), true},
		"a clientset's 404":               {apierrors.NewNotFound(services, "hello"), false},
		"a clientset's denial":            {denied, false},
		"the end of the caller's context": {context.Canceled, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, transient.Poll(tc.err))
			passes, _ := transient.Polls()(tc.err)
			require.Equal(t, tc.want, passes)
		})
	}
}

// A denial soon after an outage may pass. The outage ends with the first response
// of the server, and with nothing else.
func TestDenialsAfterAnOutage(t *testing.T) {
	t.Parallel()
	type step struct {
		err   error
		after time.Duration
		want  bool
	}
	for name, steps := range map[string][]step{
		"no outage":               {{denied, 0, false}},
		"soon":                    {{reset, 0, true}, {denied, time.Minute, true}, {denied, 4 * time.Second, true}, {denied, 2 * time.Second, false}},
		"another outage":          {{reset, 0, true}, {denied, 0, true}, {reset, time.Minute, true}, {denied, 0, true}},
		"of a Client":             {{reset, 0, true}, {answer(403), time.Minute, false}}, // it has not the type of a clientset's
		"a response ends it":      {{reset, 0, true}, {answer(404), 0, false}, {denied, 6 * time.Second, false}},
		"a clientset's, too":      {{reset, 0, true}, {apierrors.NewNotFound(services, "hello"), 0, false}, {denied, 6 * time.Second, false}},
		"unlike a caller's error": {{reset, 0, true}, {errLocal, 0, false}, {denied, time.Minute, true}},
		"a proxy's 503":           {{answer(503), 0, true}, {denied, 0, true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				polls := transient.Polls()
				for i, s := range steps {
					time.Sleep(s.after)
					passes, _ := polls(s.err)
					require.Equal(t, s.want, passes, "step %d", i)
				}
			})
		})
	}
}
