//go:build !race

package cloudrun_test

const simSlow = false
