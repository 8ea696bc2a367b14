package cloudruntest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

func TestStalePolicies(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	create(t, s, "hello")
	read := func() string {
		_, body, _ := send(t, s, "GET", located+"/services/hello:getIamPolicy", nil)
		return string(body)
	}
	first := read()
	require.NoError(t, s.SetPolicy("demo", "hello", json.RawMessage(`{"bindings":[{"role":"roles/run.invoker","members":["allUsers"]}]}`)))
	s.Fault(cloudruntest.Fault{Path: ":getIamPolicy", Stale: true})
	require.Equal(t, first, read())
	require.Contains(t, read(), "allUsers")
}

// A list leaves out what is newer than the fault's lag; a read does not.
func TestListsThatLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		create(t, s, "hello")
		time.Sleep(2 * time.Second)
		edit(t, s, "hello", env("A", "1"))
		s.Fault(cloudruntest.Fault{Path: "/revisions", Lag: time.Second, Times: -1})
		list := func() int {
			_, body := do(t, s, "GET", demo+"/revisions", nil)
			return len(dig(body, "items").([]any))
		}
		require.Equal(t, 1, list())
		time.Sleep(time.Second)
		require.Equal(t, 2, list())
	})
}

func TestListsWithoutAnEnd(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	create(t, s, "hello")
	s.Fault(cloudruntest.Fault{Path: "/services", Endless: true, Times: -1})
	token, seen := "", map[string]bool{}
	for range 5 {
		_, page := do(t, s, "GET", demo+"/services?continue="+token, nil)
		require.Len(t, dig(page, "items"), 1)
		token = dig(page, "metadata", "continue").(string)
		require.False(t, seen[token], "each page has another token")
		seen[token] = true
	}
}

// Clients see a server that restarts as refused connections, and then as one
// whose caches are empty.
func TestFaultsThatLastForATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Fault(cloudruntest.Fault{Refuse: true, For: 5 * time.Second})
		s.Fault(cloudruntest.Fault{Status: 403, For: 6 * time.Second})
		for range 2 {
			_, err := request(t.Context(), s, "GET", regional+demo+"/services", "")
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		}
		require.Empty(t, s.Requests(), "they did not arrive")
		for _, want := range []int{403, 200} {
			time.Sleep(map[int]time.Duration{403: 5 * time.Second, 200: time.Second}[want])
			code, _ := do(t, s, "GET", demo+"/services", nil)
			require.Equal(t, want, code)
		}
	})
}

func TestRequestsThatHang(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s *cloudruntest.Server) {
				s.Fault(cloudruntest.Fault{Method: "POST", Hang: true, After: after})
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(50*time.Millisecond, cancel)
				_, err := request(ctx, s, "POST", regional+demo+"/services", `{"metadata":{"name":"hello"},"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}`)
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, after, exists(s))
			})
		})
	}
}

func TestBodiesThatDrip(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	whole := create(t, s, "hello")
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		create(t, s, "hello")
		s.Fault(cloudruntest.Fault{Drip: time.Second, Times: 2})
		start := time.Now()
		got := get(t, s, "hello")
		require.Equal(t, dig(whole, "spec"), dig(got, "spec"))
		require.Greater(t, time.Since(start), 500*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		body, err := request(ctx, s, "GET", regional+demo+"/services/hello", "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, len(body), 60)
	})
	tcp := cloudruntest.NewServer()
	t.Cleanup(tcp.Close)
	create(t, tcp, "hello")
	tcp.Fault(cloudruntest.Fault{Drip: time.Microsecond})
	require.Equal(t, dig(whole, "spec"), dig(get(t, tcp, "hello"), "spec"))
}

// Another writer comes in between, a proxy delivers twice, and responses are edited.
func TestFaultsThatMeddle(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := create(t, s, "hello")
	written := minimal("hello")
	env("A", "1")(written)
	s.Fault(cloudruntest.Fault{Method: "PUT", Do: func() {
		do(t, s, "DELETE", demo+"/services/hello", nil)
		create(t, s, "hello")
	}})
	code, _ := do(t, s, "PUT", demo+"/services/hello", written)
	require.Equal(t, 200, code)
	history := s.History()
	require.Len(t, history, 4)
	require.Equal(t, dig(first, "metadata", "uid"), history[0].UID)
	require.NotEqual(t, history[0].UID, history[3].UID)

	s.Fault(cloudruntest.Fault{Method: "POST", Twice: true})
	code, _ = do(t, s, "POST", demo+"/services", minimal("twice"))
	require.Equal(t, 409, code, "the response to the second delivery")
	require.Len(t, s.History(), 5)

	s.Fault(cloudruntest.Fault{Edit: func(body []byte) []byte { return bytes.ReplaceAll(body, []byte("hello"), []byte("other")) }})
	require.Equal(t, "other", dig(get(t, s, "hello"), "metadata", "name"))
}
