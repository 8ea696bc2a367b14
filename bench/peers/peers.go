// Package peers deploys the same Service in different ways: each peer in a file of its own.
package peers

import "context"

// The Service that each peer deploys, and where.
const (
	Project = "demo"
	Region  = "us-central1"
	Image   = "gcr.io/demo/app"
)

// Peer is one way to deploy. Each call ends when the Service is ready.
type Peer interface {
	// Create deploys a Service that does not exist.
	Create(ctx context.Context, name string) error
	// Redeploy gives an existing Service another image, and keeps all else.
	Redeploy(ctx context.Context, name, image string) error
	// List counts the Services without keeping them, if the peer can do that.
	List(ctx context.Context) (int, error)
}
