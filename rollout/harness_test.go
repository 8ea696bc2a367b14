package rollout_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

const image = testkit.Image

var (
	newServer     = testkit.NewServer
	inVirtualTime = testkit.InVirtualTime
	before        = testkit.Before
	trafficOf     = testkit.Traffic
	outcomeOf     = testkit.Outcome
	revisionNames = testkit.RevisionNames
)

// TestMain fails the tests if a goroutine is left when all are done.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
