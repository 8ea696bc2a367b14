//go:build !race

package cloudrun_test

const underRace = false
