// Command raw deploys one Service, and is measured as a whole process.
package main

import (
	"context"

	"github.com/cloudrun-go/cloudrun/bench/peers"
	"github.com/cloudrun-go/cloudrun/bench/peers/raw"
	"github.com/cloudrun-go/cloudrun/bench/whole"
)

func main() {
	whole.Main(func(_ context.Context, endpoint string) (peers.Peer, error) { return raw.New(endpoint), nil })
}
