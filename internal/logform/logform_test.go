package logform_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/logform"
)

type formed struct{ n int }

func (f formed) Error() string        { return fmt.Sprintf("error %d", f.n) }
func (f formed) LogValue() slog.Value { return logform.Error("formed", f, slog.Int("n", f.n)) }

func TestFormOfErrors(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	plain := errors.New("plain")
	for name, tc := range map[string]struct {
		attrs []slog.Attr
		want  string
	}{
		"no attributes": {nil, ``},
		"what has no value": {[]slog.Attr{
			slog.String("a", ""), slog.Int("b", 0), slog.Bool("c", false), slog.Duration("d", 0), slog.Any("e", nil), slog.Any("f", []string{}),
			slog.Any("g", map[string]int{}), slog.Group("h"), slog.Time("i", time.Time{}), logform.Wrapped(nil), logform.Wrapped(plain),
		}, ``},
		"each kind": {[]slog.Attr{
			slog.String("a", `"<x>"`), slog.Int("b", -1), slog.Bool("c", true), slog.Duration("d", 1500*time.Millisecond), slog.Any("e", []string{"x"}),
			slog.Group("h", slog.Int("x", 0), slog.Duration("y", 0)), slog.Time("i", at),
		}, `,"a":"\"\u003cx\u003e\"","b":-1,"c":true,"dSeconds":1.5,"e":["x"],"h":{"x":0,"ySeconds":0},"i":"2026-01-02T03:04:05Z"`},
		"a wrapped error":    {[]slog.Attr{logform.Wrapped(fmt.Errorf("why: %w", formed{7}))}, `,"wrapped":{"type":"formed","error":"error 7","n":7}`},
		"one that is joined": {[]slog.Attr{logform.Wrapped(errors.Join(plain, formed{1}, formed{2}))}, `,"wrapped":{"type":"formed","error":"error 1","n":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			encoded, err := logform.JSON(logform.Error("T", plain, tc.attrs...))
			require.NoError(t, err)
			require.Equal(t, `{"type":"T","error":"plain"`+tc.want+`}`, string(encoded))
		})
	}
}

func TestFormOfWhatHasNoJSON(t *testing.T) {
	t.Parallel()
	for _, a := range []slog.Attr{slog.Any("a", func() {}), slog.Group("a", slog.Any("b", make(chan int)))} {
		_, err := logform.JSON(logform.Group(a))
		require.Error(t, err)
	}
}
