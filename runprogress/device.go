package runprogress

import (
	"io"
	"os"
	"reflect"
	"runtime"

	"golang.org/x/term"
)

// The size of a terminal that does not say its own.
const (
	defaultColumns = 80
	defaultRows    = 24
)

// file is a writer with a file descriptor, as a terminal has.
type file interface{ Fd() uintptr }

func isTerminal(w io.Writer) bool {
	f, ok := w.(file)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return false
	}
	// the old console of Windows prints control sequences instead of interpreting them
	return runtime.GOOS != "windows" || os.Getenv("WT_SESSION") != "" || os.Getenv("TERM") != ""
}

// sizeOf returns the function that returns the size of a terminal.
func sizeOf(w io.Writer) func() (columns, rows int) {
	f, ok := w.(file)
	return func() (int, int) {
		if !ok {
			return defaultColumns, defaultRows
		}
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err != nil || columns <= 0 || rows <= 0 {
			return defaultColumns, defaultRows
		}
		return columns, rows
	}
}

// same reports whether two writers are the same one.
func same(a, b io.Writer) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
