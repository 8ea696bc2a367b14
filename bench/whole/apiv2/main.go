// Command apiv2 deploys one Service, and is measured as a whole process.
package main

import (
	"context"

	"github.com/cloudrun-go/cloudrun/bench/peers"
	"github.com/cloudrun-go/cloudrun/bench/peers/apiv2"
	"github.com/cloudrun-go/cloudrun/bench/whole"
)

func main() {
	whole.Main(func(ctx context.Context, endpoint string) (peers.Peer, error) { return apiv2.New(ctx, endpoint) })
}
