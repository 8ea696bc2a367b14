package task

import "runtime"

// Deepen gives a goroutine that has just started the stack that encoding/json and
// an HTTP transport need. Otherwise the stack doubles several times below them,
// and each time the runtime copies it and adjusts every pointer into it.
//
//go:noinline
func Deepen() {
	var stack [8 << 10]byte
	runtime.KeepAlive(&stack)
}
