// Package systemtest holds the tests of the library as a whole, over its public
// API: the simulators, which run random schedules of faults and concurrent
// actors, and the tests of hostile servers, fleets, clusters, write faults and
// leaked secrets. docs/guarantees.md names the promises that they check.
package systemtest
