//go:build !race

package testkit

// UnderRace reports whether the race detector is on. It makes computation
// about five times slower.
const UnderRace = false
