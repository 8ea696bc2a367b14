// Command runv1 deploys one Service, and is measured as a whole process.
package main

import (
	"context"

	"github.com/cloudrun-go/cloudrun/bench/peers"
	"github.com/cloudrun-go/cloudrun/bench/peers/runv1"
	"github.com/cloudrun-go/cloudrun/bench/whole"
)

func main() {
	whole.Main(func(ctx context.Context, endpoint string) (peers.Peer, error) { return runv1.New(ctx, endpoint) })
}
