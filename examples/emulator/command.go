package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// exitError is returned when the command ends with a code other than 0.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("the command exited with code %d", e.code) }

// runCommand runs a command until it ends. gcloud gets a configuration of its
// own, so that neither it nor the user's one matters to the other.
func runCommand(command, env []string, stdout, stderr io.Writer) error {
	config, err := os.MkdirTemp("", "emulator-gcloud-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(config)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	cmd := exec.Command(command[0], command[1:]...) //nolint:noctx // signals end it
	cmd.Env = append(append(os.Environ(), env...), "CLOUDSDK_CONFIG="+config)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(stderr, "emulator:", err)
		return &exitError{127}
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s != os.Interrupt || !term.IsTerminal(int(os.Stdin.Fd())) { // a terminal sends Ctrl-C to the command itself
				_ = cmd.Process.Signal(s)
			}
		case err := <-ended:
			return exitOf(err)
		}
	}
}

// exitOf returns the error for the end of a command, with the exit code that a shell would report.
func exitOf(err error) error {
	var failed *exec.ExitError
	if !errors.As(err, &failed) {
		return err
	}
	if status, ok := failed.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return &exitError{128 + int(status.Signal())}
	}
	return &exitError{failed.ExitCode()}
}
