// Command apiv2 deploys one Service, and is measured as a whole process.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/cloudrun-go/cloudrun/bench/peers/apiv2"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Println("0.0.0")
		return
	}
	if err := deploy(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func deploy(ctx context.Context, endpoint, name string) error {
	p, err := apiv2.New(ctx, endpoint)
	if err != nil {
		return err
	}
	return p.Create(ctx, name)
}
