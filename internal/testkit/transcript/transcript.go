// Package transcript compares what a command shows on a terminal with golden files:
// text, and the pictures of the documentation.
package transcript

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/testkit/picture"
	"github.com/cloudrun-go/cloudrun/internal/testkit/screen"
)

// Check runs a command in virtual time on pseudo-terminals of 80 and 120 columns,
// and compares what a person sees at the end, and what has scrolled away, with
// testdata/NAME-COLUMNS.txt. With update it writes these files.
func Check(t *testing.T, name string, update bool, command func(t *testing.T, tty *os.File)) {
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("NO_COLOR", "1")
	for _, columns := range []int{80, 120} {
		got := show(t, columns, command).String()
		compare(t, filepath.Join("testdata", fmt.Sprintf("%s-%d.txt", name, columns)), update, got)
	}
}

// Draw does the same with pictures of a terminal in its colors: FILE-light.svg and
// FILE-dark.svg. The title is for people who do not see them.
func Draw(t *testing.T, file, title string, update bool, command func(t *testing.T, tty *os.File)) {
	const columns = 100
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("NO_COLOR", "")
	lines := show(t, columns, command).Lines()
	for _, theme := range picture.Themes() {
		compare(t, file+"-"+theme.Name+".svg", update, picture.SVG(title, lines, columns, theme))
	}
}

func compare(t *testing.T, golden string, update bool, got string) {
	t.Helper()
	if update {
		require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// show returns the terminal on which a command was run.
func show(t *testing.T, columns int, command func(t *testing.T, tty *os.File)) *screen.Screen {
	t.Helper()
	terminal, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	defer terminal.Close()
	require.NoError(t, pty.Setsize(tty, &pty.Winsize{Cols: uint16(columns), Rows: 24}))
	s, shown := screen.New(columns, 24), make(chan struct{})
	go func() { // in real time
		defer close(shown)
		_, _ = io.Copy(s, terminal) // ends with an error when the other side is closed
	}()
	synctest.Test(t, func(t *testing.T) { command(t, tty) })
	require.NoError(t, tty.Close())
	<-shown
	return s
}
