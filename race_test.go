//go:build race

package cloudrun_test

// underRace tells that the race detector makes all that computes some five times slower.
const underRace = true
