// Package whole is what the programs of the peers have in common: each deploys
// one Service, and is measured as a whole process.
package whole

import (
	"context"
	"fmt"
	"os"

	"github.com/cloudrun-go/cloudrun/bench/peers"
)

// Main deploys with a peer to the endpoint, under the name, that the arguments
// give. Without them it only prints, so that the start alone is measured.
func Main(open func(ctx context.Context, endpoint string) (peers.Peer, error)) {
	if len(os.Args) < 3 {
		fmt.Println("0.0.0")
		return
	}
	if err := deploy(context.Background(), open, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func deploy(ctx context.Context, open func(context.Context, string) (peers.Peer, error), endpoint, name string) error {
	p, err := open(ctx, endpoint)
	if err != nil {
		return err
	}
	return p.Create(ctx, name)
}
