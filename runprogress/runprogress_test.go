package runprogress_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/runprogress"
)

// deploy deploys to an embedded control plane with a Renderer.
func deploy(ctx context.Context, t *testing.T, script cloudruntest.Script, r *runprogress.Renderer, opts ...cloudrun.DeployOption) error {
	t.Helper()
	s := cloudruntest.NewServer(cloudruntest.InProcess())
	defer s.Close()
	s.Script("hello", script)
	c, err := cloudrun.NewClient(ctx, "demo", "us-central1", s.ClientOptions()...)
	if err != nil {
		return err
	}
	d := cloudrun.NewDeployer(c, cloudrun.WithImage("gcr.io/cloudrun/hello"), cloudrun.WithRevisionSuffix("v1"), cloudrun.WithProgress(r.Handle))
	_, err = d.Deploy(ctx, "hello", opts...)
	return err
}

func TestPlainLines(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script cloudruntest.Script
		want   string
	}{
		"all goes well": {cloudruntest.Script{TimeToReady: 9 * time.Second}, `Deploying...
Creating Revision...
Creating Revision: Deploying Revision.
Creating Revision: done (6s)
Routing traffic...
Routing traffic: Assigning traffic.
Routing traffic: done (3s)
Deploying: done (9s)
`},
		"the Revision fails": {cloudruntest.Script{TimeToReady: 9 * time.Second,
			FailRevision: &cloudruntest.Failure{Message: "The container\n\x1b[31mcrashed."}}, `Deploying...
Creating Revision...
Creating Revision: Deploying Revision.
Creating Revision: failed: Revision 'hello-v1' is not ready and cannot serve traffic. The container  [31mcrashed.
Deploying: failed (11s)
`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				r := runprogress.New(&out)
				r.Done(deploy(t.Context(), t, tc.script, r))
				require.Equal(t, tc.want, out.String())
			})
		})
	}
}

// TestTerminal checks the screen during a deployment.
func TestTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		r := runprogress.New(&s, runprogress.WithTerminal(true), runprogress.WithWidth(func() int { return 60 }))
		go func() {
			r.Done(deploy(t.Context(), t, cloudruntest.Script{TimeToReady: 9 * time.Second}, r, cloudrun.WithPublicAccess()))
		}()
		looks := []struct {
			after time.Duration
			want  string
		}{
			{50 * time.Millisecond, "⠏ Deploying...\n  ⠏ Creating Revision... Deploying Revision.\n  . Routing traffic...\n  ✓ Setting IAM Policy...\n"},
			{100 * time.Millisecond, "⠛ Deploying...\n  ⠛ Creating Revision... Deploying Revision.\n  . Routing traffic...\n  ✓ Setting IAM Policy...\n"},
			{7 * time.Second, "⠧ Deploying...\n  ✓ Creating Revision...\n  ⠧ Routing traffic... Assigning traffic.\n  ✓ Setting IAM Policy...\n"},
			{9 * time.Second, "✓ Deploying... Done.\n  ✓ Creating Revision...\n  ✓ Routing traffic...\n  ✓ Setting IAM Policy...\n"},
		}
		for _, look := range looks {
			time.Sleep(look.after)
			synctest.Wait()
			require.Equal(t, look.want, s.String())
		}
	})
}

// TestTerminalShowsFailures checks that messages are cut to the width, and removed when the stage is done.
func TestTerminalShowsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		columns := 40
		r := runprogress.New(&s, runprogress.WithTerminal(true), runprogress.WithWidth(func() int { return columns }),
			runprogress.WithASCII(), runprogress.WithTitle("Deploying new service"))
		start := func(stage cloudrun.Stage) {
			r.Handle(cloudrun.Event{Kind: cloudrun.StageStarted, Stage: stage, Time: time.Now()})
		}
		start(cloudrun.StageWrite)
		r.Handle(cloudrun.Event{Kind: cloudrun.Retrying, Stage: cloudrun.StageWrite, Err: errors.New("reset"), Delay: 1234 * time.Millisecond})
		require.Equal(t, "| Deploying new service... retrying in \n", s.String())
		start(cloudrun.StageWait)
		start(cloudrun.StageCreateRevision)
		r.Handle(cloudrun.Event{Kind: cloudrun.ConditionChanged, Stage: cloudrun.StageCreateRevision,
			Condition: &cloudrun.Condition{Status: "Unknown", Message: "\x1b[2JImporting\nthe image, 漢字漢字"}})
		require.Equal(t, "| Deploying new service...\n  | Creating Revision...  [2JImporting \n  . Routing traffic...\n", s.String())
		columns = 60
		r.Handle(cloudrun.Event{Kind: cloudrun.Warned, Message: "beware\x07"})
		r.Handle(cloudrun.Event{Kind: cloudrun.StageFailed, Stage: cloudrun.StageCreateRevision, Err: &cloudrun.NotReadyError{Message: "no 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字"}})
		r.Done(errors.New("it failed"))
		r.Done(nil)
		r.Handle(cloudrun.Event{Kind: cloudrun.StageStarted, Stage: cloudrun.StagePublish})
		require.Equal(t, "X Deploying new service...\n  X Creating Revision... no 漢字漢字漢字漢字漢字漢字漢字漢\n  . Routing traffic...\nWarning: beware \n", s.String())
	})
}

// TestNothingIsLeft ends Renderers at any time, from several goroutines. The bubble finds leaked goroutines.
func TestNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		r := runprogress.New(&s, runprogress.WithTerminal(true))
		r.Done(nil)
		require.Empty(t, s.String(), "nothing happened, as when an option is wrong")

		r = runprogress.New(&s, runprogress.WithTerminal(true))
		var all sync.WaitGroup
		for _, f := range []func(){r.Close, r.Close, func() { r.Done(nil) }, func() { r.Handle(cloudrun.Event{Kind: cloudrun.StageStarted}) }} {
			all.Go(f)
		}
		all.Wait()

		var out bytes.Buffer
		r = runprogress.New(&out)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := deploy(ctx, t, cloudruntest.Script{NeverReady: true}, r)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		r.Close()
		require.Contains(t, out.String(), "Creating Revision: failed: service \"hello\" was not ready after 5s")
		require.Contains(t, out.String(), "Deploying: interrupted (5s)\n")
	})
}

// screen is a terminal that understands the control sequences in use.
type screen struct {
	mu    sync.Mutex
	lines []string
	row   int
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(p)
	for text != "" {
		s.row, text = s.obey(text)
	}
	return len(p), nil
}

func (s *screen) obey(text string) (row int, rest string) {
	if s.row == len(s.lines) {
		s.lines = append(s.lines, "")
	}
	if after, ok := strings.CutPrefix(text, "\x1b[J"); ok {
		s.lines = append(s.lines[:s.row], "")
		return s.row, after
	}
	if after, ok := strings.CutPrefix(text, "\r\x1b[2K"); ok {
		s.lines[s.row] = ""
		return s.row, after
	}
	if after, ok := strings.CutPrefix(text, "\x1b["); ok {
		n := strings.IndexByte("0123456789", after[0])
		return s.row - n, after[len("1A"):]
	}
	if after, ok := strings.CutPrefix(text, "\n"); ok {
		return s.row + 1, after
	}
	end := strings.IndexAny(text, "\x1b\r\n")
	if end < 0 {
		end = len(text)
	}
	s.lines[s.row] += text[:end]
	return s.row, text[end:]
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimLeft(strings.TrimRight(strings.Join(s.lines, "\n"), "\n")+"\n", "\n")
}

func TestNilOptionIsIgnored(t *testing.T) {
	t.Parallel()
	runprogress.New(&bytes.Buffer{}, nil, runprogress.WithASCII()).Close()
}

// brokenWriter panics at its third write, which is the spinner's.
type brokenWriter struct{ writes int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.writes++; w.writes == 3 {
		panic("oops")
	}
	return len(p), nil
}

// A writer that panics while the spinner moves does not end the process.
func TestWriterThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runprogress.New(&brokenWriter{}, runprogress.WithTerminal(true))
		defer r.Close()
		r.Handle(cloudrun.Event{Kind: cloudrun.StageStarted, Stage: cloudrun.StageWait})
		time.Sleep(time.Second)
		r.Handle(cloudrun.Event{Kind: cloudrun.StageDone, Stage: cloudrun.StageWait})
		require.PanicsWithValue(t, "oops", func() { r.Done(nil) })
	})
}

func TestNilAndZeroRenderers(t *testing.T) {
	t.Parallel()
	for _, r := range []*runprogress.Renderer{nil, {}, runprogress.New(nil), runprogress.New(nil, nil, runprogress.WithTerminal(true), runprogress.WithWidth(nil))} {
		r.Handle(cloudrun.Event{Kind: cloudrun.StageStarted, Stage: cloudrun.StageWait})
		r.Handle(cloudrun.Event{})
		r.Done(nil)
		r.Close()
	}
}
