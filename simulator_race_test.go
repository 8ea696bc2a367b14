//go:build race

package cloudrun_test

// The race detector makes the simulator some five times slower.
const simSlow = true
