package runprogress_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit/screen"
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
			FailRevision: &cloudruntest.Failure{Reason: "Odd", Condition: "Odd", Message: "Error\n\x1b[31m4711.", Log: []string{"panic"}}}, `Deploying...
Creating Revision...
Creating Revision: Deploying Revision.
Creating Revision: failed: Error  [31m4711.
Deploying: failed (11s)
`},
		"the cause is known": {cloudruntest.ImageNotFound(), `Deploying...
Creating Revision...
Creating Revision: failed: image pull
Deploying: failed (2s)
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
		s := screen.New(60, 10)
		r := onTerminal(s, 60)
		go func() {
			r.Done(deploy(t.Context(), t, cloudruntest.Script{TimeToReady: 9 * time.Second}, r, cloudrun.WithPublicAccess()))
		}()
		for _, look := range []struct {
			after time.Duration
			want  string
		}{
			{50 * time.Millisecond, "⠏ Deploying...\n  ⠏ Creating Revision... Deploying Revision.\n  . Routing traffic...\n  ✓ Setting IAM Policy...\n"},
			{100 * time.Millisecond, "⠛ Deploying...\n  ⠛ Creating Revision... Deploying Revision.\n  . Routing traffic...\n  ✓ Setting IAM Policy...\n"},
			{7 * time.Second, "⠧ Deploying... 7s\n  ✓ Creating Revision... 6s\n  ⠧ Routing traffic... Assigning traffic.\n  ✓ Setting IAM Policy...\n"},
			{9 * time.Second, "✓ Deploying... Done. 9s\n  ✓ Creating Revision... 6s\n  ✓ Routing traffic... 3s\n  ✓ Setting IAM Policy...\n"},
		} {
			time.Sleep(look.after)
			synctest.Wait()
			require.Equal(t, look.want, s.String())
		}
	})
}

// onTerminal returns a Renderer for a terminal without colors.
func onTerminal(w io.Writer, columns int, opts ...runprogress.Option) *runprogress.Renderer {
	return runprogress.New(w, append([]runprogress.Option{runprogress.WithTerminal(true), runprogress.WithColor(false),
		runprogress.WithWidth(func() int { return columns })}, opts...)...)
}

// feed returns functions that report the events of a Service.
func feed(r *runprogress.Renderer, service string) (start, end func(cloudrun.Stage), fail func(cloudrun.Stage, error)) {
	report := func(kind cloudrun.EventKind, stage cloudrun.Stage, err error) {
		r.Handle(cloudrun.Event{Kind: kind, Stage: stage, Service: service, Time: time.Now(), Err: err})
	}
	return func(s cloudrun.Stage) { report(cloudrun.StageStarted, s, nil) }, func(s cloudrun.Stage) { report(cloudrun.StageDone, s, nil) },
		func(s cloudrun.Stage, err error) { report(cloudrun.StageFailed, s, err) }
}

const failure = "Revision 'hello-v1' is not ready and cannot serve traffic. The weather over the data center " +
	"is too bad for anything new today. Logs for this revision might contain more information."

// While stages run, every line is cut to the width. At the end, the cause of a
// failure is whole, without what every failure says, and broken between words.
func TestTerminalShowsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := screen.New(40, 12)
		r := onTerminal(s, 40, runprogress.WithASCII(), runprogress.WithTitle("Deploying new service"))
		defer r.Close()
		start, _, fail := feed(r, "hello")
		start(cloudrun.StageWrite)
		r.Handle(cloudrun.Event{Kind: cloudrun.Retrying, Stage: cloudrun.StageWrite, Err: errors.New("reset"), Delay: 1234 * time.Millisecond})
		require.Equal(t, "| Deploying new service... retrying ...\n", s.String())
		start(cloudrun.StageWait)
		start(cloudrun.StageCreateRevision)
		r.Handle(cloudrun.Event{Kind: cloudrun.ConditionChanged, Stage: cloudrun.StageCreateRevision,
			Condition: &cloudrun.Condition{Status: "Unknown", Message: "\x1b[2JImporting\nthe image, 漢字漢字"}})
		require.Equal(t, "| Deploying new service...\n  | Creating Revision...  [2JImporti...\n  . Routing traffic...\n", s.String())
		r.Handle(cloudrun.Event{Kind: cloudrun.Warned, Message: "beware\x07 of the dog, which is large and bites"})
		time.Sleep(12*time.Second + 50*time.Millisecond) // between two moves of the spinner
		fail(cloudrun.StageCreateRevision, &cloudrun.NotReadyError{Message: failure})
		require.Equal(t, "| Deploying new service... 12s\n  X Creating Revision... 12s The wea...\n  . Routing traffic...\n", s.String())
		r.Done(errors.New("it failed"))
		r.Done(nil)
		start(cloudrun.StagePublish)
		require.Equal(t, `X Deploying new service... Failed. 12s
  X Creating Revision... 12s
    The weather over the data center is
    too bad for anything new today.
Warning: beware of the dog, which is
  large and bites
`, s.String())
	})
}

// The program prints the error of the call, so the drawing does not have it too.
func TestCausesAreNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, script := range map[string]cloudruntest.Script{
			"X Deploying... Failed. 2s\n  X Creating Revision... 2s\n":       cloudruntest.ImageNotFound(),
			"X Deploying... Failed. 30m0s\n  X Creating Revision... 30m0s\n": {NeverReady: true},
		} {
			s := screen.New(80, 12)
			r := onTerminal(s, 80)
			r.Done(deploy(t.Context(), t, script, r))
			require.Equal(t, want, s.String())
		}
		s := screen.New(80, 12)
		r := onTerminal(s, 80)
		_ = deploy(t.Context(), t, cloudruntest.ImageNotFound(), r)
		r.Done(errors.New("another error"))
		require.Contains(t, s.String(), "    image pull\n")
	})
}

// Characters that take two columns, and those that take none, are measured as terminals do.
func TestWidths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, message := range []string{"漢字漢字漢字漢字漢字漢字漢字漢字漢字", strings.Repeat("e\u0301", 60), "한국어 한국어 한국어 한국어 한국어", "🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂"} {
			s := screen.New(40, 6)
			r := onTerminal(s, 40)
			start, _, fail := feed(r, "hello")
			start(cloudrun.StagePublish)
			fail(cloudrun.StagePublish, errors.New(message))
			time.Sleep(time.Second)
			require.Equal(t, 2, strings.Count(s.String(), "\n"), s.String())
			r.Close()
		}
	})
}

// Lines that the program writes are above the drawing, in their order.
func TestWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := screen.New(40, 6)
		r := onTerminal(s, 40)
		defer r.Close()
		out := r.Writer(s)
		_, _ = io.WriteString(out, "before\n")
		start, end, _ := feed(r, "hello")
		start(cloudrun.StageCheck)
		for i := range 5 {
			time.Sleep(time.Second)
			n, err := fmt.Fprintf(out, "line %d\nhalf ", i)
			require.NoError(t, err)
			require.Equal(t, len("line 0\nhalf "), n)
		}
		require.Equal(t, "before\nline 0\nhalf line 1\nhalf line 2\nhalf line 3\nhalf line 4\n⠏ Deploying... 5s\n  ⠏ Checking the candidate...\n",
			strings.NewReplacer("⠛", "⠏", "⠹", "⠏", "⠼", "⠏", "⠶", "⠏", "⠧", "⠏").Replace(s.String()))
		end(cloudrun.StageCheck)
		r.Done(nil)
		_, _ = io.WriteString(out, "after\n")
		require.Equal(t, "before\nline 0\nhalf line 1\nhalf line 2\nhalf line 3\nhalf line 4\nhalf\n✓ Deploying... Done. 5s\n  ✓ Checking the candidate... 5s\nafter\n", s.String())
	})
}

// A line that was begun before the first event is not erased, and nothing follows it.
func TestWriterBeforeTheFirstEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, plain := screen.New(40, 6), &bytes.Buffer{}
		for w, r := range map[io.Writer]*runprogress.Renderer{s: onTerminal(s, 40), plain: runprogress.New(plain)} {
			out := r.Writer(w)
			_, _ = io.WriteString(out, "Continue? ")
			_, _ = io.WriteString(out, "yes")
			start, end, _ := feed(r, "hello")
			start(cloudrun.StageCheck)
			_, _ = io.WriteString(out, "half")
			end(cloudrun.StageCheck)
			r.Done(nil)
		}
		require.Equal(t, "Continue? yes\nhalf\n✓ Deploying... Done.\n  ✓ Checking the candidate...\n", s.String())
		require.Equal(t, "Continue? yes\nDeploying...\nChecking the candidate...\nhalf\nChecking the candidate: done (0s)\nDeploying: done (0s)\n", plain.String())
	})
}

// What is not on the terminal passes through the writer unchanged.
func TestWriterElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		s := screen.New(40, 6)
		r := onTerminal(s, 40)
		start, _, _ := feed(r, "hello")
		start(cloudrun.StageCheck)
		_, _ = io.WriteString(r.Writer(&file), "half")
		require.Equal(t, "half", file.String())
		r.Close()
		require.Equal(t, "- Deploying... Interrupted.\n  - Checking the candidate...\n", s.String())

		var log bytes.Buffer
		r = runprogress.New(&log)
		start, _, _ = feed(r, "hello")
		start(cloudrun.StageCheck)
		_, _ = io.WriteString(r.Writer(&log), "line\n")
		r.Close()
		require.Equal(t, "Deploying...\nChecking the candidate...\nline\nChecking the candidate: interrupted (0s)\nDeploying: interrupted (0s)\n", log.String())

		var none *runprogress.Renderer
		_, _ = io.WriteString(none.Writer(&file), " and half")
		require.Equal(t, "half and half", file.String())
		_, err := io.WriteString(r.Writer(nil), "nowhere")
		require.NoError(t, err)
	})
}

// Calls for several Services at once have stages of their own.
func TestSeveralServices(t *testing.T) {
	const ended = `✓ [a] Deploying... Done.
  ✓ Creating Revision...
X [b] Deploying... Failed.
  X Creating Revision...
    no such image
Warning: [a] beware
`
	synctest.Test(t, func(t *testing.T) {
		s, plain := screen.New(60, 12), &bytes.Buffer{}
		for _, r := range []*runprogress.Renderer{onTerminal(s, 60), runprogress.New(plain)} {
			startA, endA, _ := feed(r, "a")
			startB, _, failB := feed(r, "b")
			for _, start := range []func(cloudrun.Stage){startA, startB} {
				start(cloudrun.StageWait)
				start(cloudrun.StageCreateRevision)
			}
			r.Handle(cloudrun.Event{Kind: cloudrun.Warned, Service: "a", Message: "beware"})
			failB(cloudrun.StageCreateRevision, errors.New("no such image"))
			failB(cloudrun.StageWait, errors.New("no such image"))
			endA(cloudrun.StageCreateRevision)
			endA(cloudrun.StageWait)
			r.Done(errors.New("one of them failed"))
		}
		require.Equal(t, ended, s.String())
		require.Equal(t, `Deploying...
Creating Revision...
[b] Deploying...
[b] Creating Revision...
[a] Warning: beware
[b] Creating Revision: failed: no such image
[a] Creating Revision: done (0s)
[a] Deploying: done (0s)
[b] Deploying: failed (0s)
`, plain.String())
	})
}

// However many Services there are, and however small the terminal becomes, no
// line of an old drawing remains.
func TestNoDeadFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, columns := screen.New(100, 24), 100
		r := runprogress.New(s, runprogress.WithTerminal(true), runprogress.WithColor(false), runprogress.WithWidth(func() int { return columns }))
		out := r.Writer(s)
		for i := range 40 {
			start, end, _ := feed(r, fmt.Sprintf("service-%02d", i))
			start(cloudrun.StageWait)
			start(cloudrun.StageCreateRevision)
			time.Sleep(time.Second)
			fmt.Fprintln(out, "line", i)
			end(cloudrun.StageCreateRevision)
			end(cloudrun.StageWait)
		}
		r.Done(nil)
		lines := strings.Split(strings.TrimSpace(s.String()), "\n")
		require.Len(t, lines, 40+40*2)
		for i, line := range lines[:40] {
			require.Equal(t, fmt.Sprint("line ", i), line)
		}
	})
}

// An interrupted call has not failed.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := screen.New(80, 12)
		r := onTerminal(s, 80)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		err := deploy(ctx, t, cloudruntest.Script{TimeToReady: time.Minute}, r)
		r.Done(err)
		require.Equal(t, "- Deploying... Interrupted. 2s\n  - Creating Revision... 2s\n", s.String())
		runprogress.WriteError(s, err)
		require.Contains(t, s.String(), "\nInterrupted: service hello was changed, and becomes ready or fails without this\n  command.\n")
	})
}

// What became of the Service is said as far as it is known.
func TestWriteError(t *testing.T) {
	t.Parallel()
	failed := &cloudrun.NotReadyError{Service: "hello", Revision: "hello-v1", Message: "Revision 'hello-v1' is not ready and cannot serve traffic. Image 'x' not found.", LogURL: "https://log"}
	call := func(outcome cloudrun.WriteOutcome, stage cloudrun.Stage, err error) error {
		return &cloudrun.DeployError{Op: "deploy service", Service: "hello", Stage: stage, Outcome: outcome, Err: err}
	}
	const explained = "Revision hello-v1 of service hello failed: image pull\n         Why: Image 'x' not found.\n"
	for want, err := range map[string]error{
		"": nil,
		"Interrupted: nothing of service hello was changed.\n":                                                call(cloudrun.NotWritten, cloudrun.StageRead, context.Canceled),
		"Interrupted: it is unknown whether service hello was changed: look at it before\n  you try again.\n": call(cloudrun.WriteUnknown, cloudrun.StageWrite, context.Canceled),
		"Interrupted: service hello was changed, and becomes ready or fails without this\n  command.\n":       call(cloudrun.Written, cloudrun.StageWait, &cloudrun.TimeoutError{Err: context.Canceled}),
		"Interrupted: reading: context canceled.\n":                                                           fmt.Errorf("reading: %w", context.Canceled),
		"ERROR: something is wrong with a file whose name is long enough for two lines\n  here\n":             errors.New("something is wrong with a file whose name is long enough for two lines here"),
		"ERROR: service \"hello\" was not ready after 1m0s; it goes on: wait with\n  WaitReady\n":             &cloudrun.TimeoutError{Service: "hello", Waited: time.Minute, Err: context.DeadlineExceeded},
		"ERROR: --a is wrong\nERROR: --b is wrong\n":                                                          errors.Join(errors.New("--a is wrong"), errors.Join(errors.New("--b is wrong"))),
		"ERROR: deploy service \"hello\": a\nERROR: deploy service \"hello\": b\n":                            call(cloudrun.NotWritten, cloudrun.StageOptions, errors.Join(errors.New("a"), errors.New("b"))),
		"ERROR: " + explained: call(cloudrun.Written, cloudrun.StageWait, errors.Join(failed)),
		"ERROR: deploy service \"hello\": service \"hello\" is not ready: revision\n  \"hello-v1\" failed: Image 'x' not found. (log: https://log) (failed while\n  waiting; the change was written)\nERROR: deploy service \"hello\": denied (failed while waiting; the change was\n  written)\n\n" +
			explained: call(cloudrun.Written, cloudrun.StageWait, errors.Join(failed, errors.New("denied"))),
	} {
		var out bytes.Buffer
		runprogress.WriteError(&out, err)
		require.Truef(t, strings.HasPrefix(out.String(), want), "%s\n%s", want, out.String())
		runprogress.WriteError(nil, err)
	}
}

// A result says what serves, where, and at which URLs; and no more than is true.
func TestWriteResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := cloudruntest.NewServer(cloudruntest.InProcess())
		defer s.Close()
		c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", s.ClientOptions()...)
		require.NoError(t, err)
		d := cloudrun.NewDeployer(c, cloudrun.WithImage("gcr.io/cloudrun/hello"))
		for _, tc := range []struct {
			opts []cloudrun.DeployOption
			want string
		}{
			{[]cloudrun.DeployOption{cloudrun.WithRevisionSuffix("v1")}, `Service   hello (us-central1, project demo), created
Revision  hello-v1 serves 100% of the traffic
URL       https://hello-123456789012.us-central1.run.app
`},
			{[]cloudrun.DeployOption{cloudrun.WithRevisionSuffix("v2"), cloudrun.WithNoTraffic(), cloudrun.WithTag("blue")}, `Service   hello (us-central1, project demo), updated
Revision  hello-v2 gets no traffic
URL       https://hello-123456789012.us-central1.run.app
Tag URL   https://blue---hello-jb7qsdkjba-uc.a.run.app (blue)
`},
			{[]cloudrun.DeployOption{cloudrun.WithRevisionSuffix("v3"), cloudrun.Async(), cloudrun.ToLatest()}, `Service   hello (us-central1, project demo), updated
Revision  hello-v3 is not ready yet
URL       https://hello-123456789012.us-central1.run.app
Tag URL   https://blue---hello-jb7qsdkjba-uc.a.run.app (blue)
`},
		} {
			s.Script("hello", cloudruntest.Script{TimeToReady: time.Second})
			r, err := d.Deploy(t.Context(), "hello", tc.opts...)
			require.NoError(t, err)
			var out bytes.Buffer
			runprogress.WriteResult(&out, r)
			require.Equal(t, tc.want, out.String())
			runprogress.WriteResult(nil, r)
		}
		runprogress.WriteResult(io.Discard, nil)
		runprogress.WriteResult(io.Discard, &cloudrun.Result{})
	})
}

func TestColors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := screen.New(80, 12)
		s.Colors = true
		r := onTerminal(s, 80, runprogress.WithColor(true))
		start, end, fail := feed(r, "hello")
		start(cloudrun.StagePublish)
		end(cloudrun.StagePublish)
		start(cloudrun.StageCreateRevision)
		time.Sleep(2 * time.Second)
		fail(cloudrun.StageCreateRevision, errors.New("no"))
		r.Handle(cloudrun.Event{Kind: cloudrun.Warned, Service: "hello", Message: "beware"})
		r.Done(errors.New("no"))
		require.Equal(t, `<31>X<> Deploying... Failed. <2>2s<>
  <31>X<> Creating Revision... <2>2s<>
    no
  <32>✓<> Setting IAM Policy...
<33>Warning:<> beware
`, s.String())
	})
}

// TestNothingIsLeft ends Renderers at any time, from several goroutines. The bubble finds leaked goroutines.
func TestNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := screen.New(80, 24)
		r := runprogress.New(s, runprogress.WithTerminal(true))
		r.Done(nil)
		require.Equal(t, "\n", s.String(), "nothing happened, as when an option is wrong")

		r = runprogress.New(s, runprogress.WithTerminal(true))
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
