package systemtest

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the tests if a goroutine is left when all are done.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
