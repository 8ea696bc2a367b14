package cloudrun_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// interposed returns a client whose requests pass through a function. It returns nil for those that reach the server.
func interposed(t *testing.T, s *cloudruntest.Server, on func(*http.Request) (*http.Response, error), opts ...option.ClientOption) *cloudrun.Client {
	t.Helper()
	through := s.Client().Transport
	var mu sync.Mutex
	hc := &http.Client{Transport: testkit.RoundTripper(func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		resp, err := on(req)
		mu.Unlock()
		if resp != nil || err != nil {
			if errors.Is(err, errHang) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return resp, err
		}
		return through.RoundTrip(req)
	})}
	c, err := cloudrun.NewClusterClient(t.Context(), "default", append([]option.ClientOption{
		option.WithEndpoint("https://kubernetes.example:6443"), option.WithHTTPClient(hc)}, opts...)...)
	require.NoError(t, err)
	return c
}

var (
	errHang    = errors.New("hang")
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connect: connection refused")}
)

// first returns a function that fails the first request with a method.
func first(method string, err error) func(*http.Request) (*http.Response, error) {
	done := false
	return func(req *http.Request) (*http.Response, error) {
		if done || req.Method != method {
			return nil, nil
		}
		done = true
		return nil, err
	}
}

// TestRequestsThatAreNeverAnswered checks that a request without an answer is lost after a minute.
func TestRequestsThatAreNeverAnswered(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost} {
		for limit, opts := range map[time.Duration][]option.ClientOption{
			time.Minute:     nil,
			5 * time.Second: {cloudrun.WithAttemptTimeout(5 * time.Second)},
		} {
			t.Run(fmt.Sprint(method, " ", limit), func(t *testing.T) {
				t.Parallel()
				inVirtualTime(t, func(t *testing.T) {
					s, direct := newCluster(t)
					if method == http.MethodPut {
						_, err := cloudrun.NewDeployer(direct).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
						require.NoError(t, err)
					}
					c := interposed(t, s, first(method, errHang), opts...)
					start := time.Now()
					result, err := cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image+"-2"))
					require.NoError(t, err)
					require.True(t, result.Service.IsReady())
					require.GreaterOrEqual(t, time.Since(start), limit)
					require.Less(t, time.Since(start), limit+15*time.Second)
				})
			})
		}
	}
}

func TestAttemptTimeoutThatIsRefused(t *testing.T) {
	t.Parallel()
	for _, limit := range []time.Duration{0, -1} {
		_, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithoutAuthentication(), cloudrun.WithAttemptTimeout(limit))
		require.ErrorContains(t, err, fmt.Sprintf("new client: WithAttemptTimeout(%v): must be more than zero", limit))
		_, err = cloudrun.NewClusterClient(t.Context(), "default", option.WithEndpoint("https://x.example"), cloudrun.WithAttemptTimeout(limit))
		require.ErrorContains(t, err, "new cluster client: WithAttemptTimeout(")
	}
}

type stuckTokens struct{ ended <-chan struct{} }

func (s stuckTokens) Token() (*oauth2.Token, error) {
	<-s.ended
	return nil, errors.New("no token")
}

// TestTokensThatNeverCome checks that a call ends although a token source, which knows no context, does not.
func TestTokensThatNeverCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		defer synctest.Wait()
		defer close(ended)
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithTokenSource(stuckTokens{ended}))
		require.NoError(t, err)
		start := time.Now()
		_, err = cloudrun.NewDeployer(c).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
		require.ErrorContains(t, err, "no complete response within 1m0s")
		require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err))
		require.Less(t, time.Since(start), 4*time.Minute+10*time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		_, err = c.GetService(ctx, "hello")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, time.Since(start), 3*time.Second)
	})
}

// TestPruneUnderAPermanentFailure checks that the time for retries is that of the call, not of each request.
func TestPruneUnderAPermanentFailure(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, direct := newCluster(t)
		for range 12 {
			_, err := cloudrun.NewDeployer(direct).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
			require.NoError(t, err)
		}
		for name, fault := range map[string]cloudruntest.Fault{
			"unavailable": {Status: 503}, "never answered": {Delay: 24 * time.Hour},
		} {
			fault.Method, fault.Times = http.MethodDelete, -1
			s.Fault(fault)
			start := time.Now()
			deleted, err := cloudrun.NewDeployer(direct).PruneRevisions(t.Context(), "hello", 1)
			require.Error(t, err, name)
			require.Empty(t, deleted)
			require.Less(t, time.Since(start), 5*time.Minute, name)
			s.ClearFaults()
		}
	})
}

// restarting returns a function that refuses connections for a while, and denies
// requests for a moment from the first one that gets through.
func restarting(down, denied time.Duration) func(*http.Request) (*http.Response, error) {
	start, back := time.Now(), time.Time{}
	return func(req *http.Request) (*http.Response, error) {
		if time.Since(start) < down {
			return nil, errRefused
		}
		if back.IsZero() {
			back = time.Now()
		}
		if time.Since(back) < denied {
			return endpointAnswer(req, 403, "application/json", `{"kind": "Status", "reason": "Forbidden", "code": 403, "message": "services is forbidden"}`), nil
		}
		return nil, nil
	}
}

// TestRestartOfTheAPIServer checks that calls outlive a restart of the API server, and report that they retry.
func TestRestartOfTheAPIServer(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *cloudrun.Client, func(cloudrun.Event)) error{
		"wait": func(ctx context.Context, c *cloudrun.Client, on func(cloudrun.Event)) error {
			_, err := cloudrun.WaitReady(ctx, c, "hello", cloudrun.WithProgress(on))
			return err
		},
		"wrapped wait": func(ctx context.Context, c *cloudrun.Client, on func(cloudrun.Event)) error {
			_, err := cloudrun.WaitReady(ctx, getter(c.GetService), "hello", cloudrun.WithProgress(on))
			return err
		},
		"deploy": func(ctx context.Context, c *cloudrun.Client, on func(cloudrun.Event)) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image), cloudrun.WithProgress(on))
			return err
		},
		"plan": func(ctx context.Context, c *cloudrun.Client, on func(cloudrun.Event)) error {
			_, err := cloudrun.NewDeployer(c, cloudrun.WithProgress(on)).Plan(ctx, "hello", cloudrun.WithImage(image+"2"))
			return err
		},
		"revisions": func(ctx context.Context, c *cloudrun.Client, on func(cloudrun.Event)) error {
			_, err := cloudrun.NewDeployer(c, cloudrun.WithProgress(on)).Revisions(ctx, "hello")
			return err
		},
		"rollback": func(ctx context.Context, c *cloudrun.Client, on func(cloudrun.Event)) error {
			_, err := cloudrun.NewDeployer(c, cloudrun.WithProgress(on)).Rollback(ctx, "hello")
			return err
		},
		"prune": func(ctx context.Context, c *cloudrun.Client, on func(cloudrun.Event)) error {
			_, err := cloudrun.NewDeployer(c, cloudrun.WithProgress(on)).PruneRevisions(ctx, "hello", 1)
			return err
		},
		"delete": func(ctx context.Context, c *cloudrun.Client, on func(cloudrun.Event)) error {
			return cloudrun.NewDeployer(c, cloudrun.WithProgress(on)).Delete(ctx, "hello")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(t *testing.T) {
				s, direct := newCluster(t)
				for range 2 {
					_, err := cloudrun.NewDeployer(direct).Deploy(t.Context(), "hello", cloudrun.WithImage(image))
					require.NoError(t, err)
				}
				c := interposed(t, s, restarting(20*time.Second, time.Second))
				start := time.Now()
				var retries []time.Duration
				require.NoError(t, call(t.Context(), c, func(e cloudrun.Event) {
					if e.Kind == cloudrun.Retrying {
						retries = append(retries, time.Since(start))
					}
				}))
				require.Greater(t, len(retries), 3)
				require.Zero(t, retries[0], "the first one is reported at once")
				require.Less(t, time.Since(start), 2*time.Minute)

				c = interposed(t, s, restarting(20*time.Second, time.Hour))
				start = time.Now()
				err := call(t.Context(), c, func(cloudrun.Event) {})
				require.ErrorContains(t, err, "forbidden", "a denial that lasts is final")
				require.Less(t, time.Since(start), 2*time.Minute)
			})
		})
	}
}

// getter is a ServiceGetter that is not a Client.
type getter func(context.Context, string) (*service, error)

func (g getter) GetService(ctx context.Context, name string) (*service, error) { return g(ctx, name) }

// TestWarningsOfTheServer checks that the header Warning of responses reaches the result and the handler.
func TestWarningsOfTheServer(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(t *testing.T) {
		s, _ := newCluster(t)
		through := s.Client().Transport
		c := interposed(t, s, func(req *http.Request) (*http.Response, error) {
			resp, err := through.RoundTrip(req)
			if err == nil && req.Method != http.MethodGet {
				resp.Header["Warning"] = []string{`299 - "unknown field \"spec.x\x1b\""`, `299 - "unknown field \"spec.x\x1b\""`}
			}
			return resp, err
		})
		d := cloudrun.NewDeployer(c)
		var events []string
		const want = `unknown field "spec.xx1b"`
		result, err := d.Deploy(t.Context(), "hello", cloudrun.WithImage(image), cloudrun.WithProgress(func(e cloudrun.Event) {
			if e.Kind == cloudrun.Warned {
				events = append(events, e.Message)
			}
		}))
		require.NoError(t, err)
		require.Equal(t, []string{want}, result.Warnings)
		require.Equal(t, []string{want}, events)
		plan, err := d.Plan(t.Context(), "hello", cloudrun.WithImage(image+"2"))
		require.NoError(t, err)
		require.Contains(t, plan.Warnings, want)
	})
}

// TestListsWithoutEnd checks that no list goes on for ever.
func TestListsWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]func(n int) string{
		"alternating tokens": func(n int) string { return fmt.Sprintf(`{"items": [], "metadata": {"continue": "%d"}}`, n%2) },
		"new tokens":         func(n int) string { return fmt.Sprintf(`{"items": [], "metadata": {"continue": "%d"}}`, n) },
		"new items": func(n int) string {
			return fmt.Sprintf(`{"items": [{"metadata": {"name": "hello-%d"}}], "metadata": {"continue": "%d"}}`, n, n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages := 0
			r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
				if strings.HasSuffix(req.URL.Path, "/revisions") {
					pages++
					return endpointAnswer(req, 200, "application/json", page(pages)), nil
				}
				return endpointAnswer(req, 200, "application/json", endpointAnything), nil
			}}
			c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
			require.NoError(t, err)
			_, err = cloudrun.NewDeployer(c).Revisions(t.Context(), "hello")
			require.Error(t, err)
			require.LessOrEqual(t, pages, 20_000)
		})
	}
}

// TestRevisionsAreNotKeptWithoutEnd checks that a call keeps a bounded number of Revisions.
func TestRevisionsAreNotKeptWithoutEnd(t *testing.T) {
	t.Parallel()
	read := 0
	r := &endpointRecorder{answer: func(req *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(req.URL.Path, "/revisions") {
			return endpointAnswer(req, 200, "application/json", endpointAnything), nil
		}
		resp := endpointAnswer(req, 200, "application/json", "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"items": [{"metadata": {"name": "hello-00001"}}`), repeating{&read, `,{"metadata": {"name": "hello-00001"}}`}))
		return resp, nil
	}}
	c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", r.client())
	require.NoError(t, err)
	d := cloudrun.NewDeployer(c)
	for name, call := range map[string]func() error{
		"rollback":  func() error { _, err := d.Rollback(t.Context(), "hello"); return err },
		"prune":     func() error { _, err := d.PruneRevisions(t.Context(), "hello", 1); return err },
		"revisions": func() error { _, err := d.Revisions(t.Context(), "hello"); return err },
	} {
		read = 0
		require.ErrorContains(t, call(), "more than 10000 revisions", name)
		require.Less(t, read, 1<<20, name)
	}
}

// repeating repeats a text and counts the bytes.
type repeating struct {
	read *int
	text string
}

func (e repeating) Read(p []byte) (int, error) {
	n := copy(p, e.text[*e.read%len(e.text):])
	*e.read += n
	return n, nil
}

type failingTokens struct {
	err   error
	calls *atomic.Int32
}

func (s failingTokens) Token() (*oauth2.Token, error) {
	s.calls.Add(1)
	return nil, s.err
}

// TestTokensThatAreRefused checks that a call ends at once where another try cannot get a token.
func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *cloudrun.Client) error{
		"deploy": func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(image), cloudrun.WithPublicAccess())
			return err
		},
		"wait": func(ctx context.Context, c *cloudrun.Client) error {
			_, err := cloudrun.WaitReady(ctx, c, "hello")
			return err
		},
		"list": func(ctx context.Context, c *cloudrun.Client) error {
			for _, err := range c.ListServices(ctx) {
				return err
			}
			return nil
		},
		"create": func(ctx context.Context, c *cloudrun.Client) error {
			_, err := c.CreateService(ctx, named("hello"))
			return err
		},
		"policy": func(ctx context.Context, c *cloudrun.Client) error { return cloudrun.MakePublic(ctx, c, "hello") },
	}
	for name, call := range calls {
		for kind, cause := range map[string]error{
			"plain":   errors.New("vault: no such role"),
			"refused": &oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}, ErrorCode: "invalid_grant", ErrorDescription: "Token has been expired or revoked."},
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					source := failingTokens{cause, new(atomic.Int32)}
					c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithTokenSource(source))
					require.NoError(t, err)
					start := time.Now()
					err = call(t.Context(), c)
					require.ErrorIs(t, err, cause)
					require.ErrorContains(t, err, "get a token for the credentials in use: ")
					require.ErrorContains(t, err, "gcloud auth application-default login")
					require.Zero(t, time.Since(start), "the call ends at once")
					require.Equal(t, int32(1), source.calls.Load())
				})
			})
		}
	}
}
