// Package image reads the digests of container images, for [cloudrun.CheckImage] and
// [cloudrun.PinImage]:
//
//	deployer.Deploy(ctx, "hello", cloudrun.WithImage("us-docker.pkg.dev/p/r/app:v1"),
//		cloudrun.PinImage(image.Digest), cloudrun.WithPreflight())
//
// It is apart from package cloudrun, so that programs that do not use it do not link
// a client of registries.
//
// [cloudrun.CheckImage]: https://pkg.go.dev/github.com/cloudrun-go/cloudrun#CheckImage
// [cloudrun.PinImage]: https://pkg.go.dev/github.com/cloudrun-go/cloudrun#PinImage
package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/google"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// ErrNotFound is matched by the error of an image that the registry does not have.
var ErrNotFound = errors.New("the registry does not have the image")

// maxMessage bounds the text of a registry in an error.
const maxMessage = 1000

// Digest returns the digest of an image, such as "sha256:…", from its registry. It
// reads only the head of the manifest. An image with a digest has to exist, too.
//
// The credentials are Google's application default ones for Google's registries, and
// those of Docker for others. Use [WithOptions] for another way.
//
// The error matches [ErrNotFound] if the registry does not have the image. If it
// denies access, [cloudrun.Deployer.Preflight] reports that as a missing permission.
//
// [cloudrun.Deployer.Preflight]: https://pkg.go.dev/github.com/cloudrun-go/cloudrun#Deployer.Preflight
func Digest(ctx context.Context, image string) (digest string, err error) {
	return read(ctx, image, remote.WithAuthFromKeychain(authn.NewMultiKeychain(google.Keychain, authn.DefaultKeychain)))
}

// WithOptions returns a function like [Digest] with other options, such as
// remote.WithAuth or remote.WithTransport. They replace the credentials of [Digest].
func WithOptions(opts ...remote.Option) func(ctx context.Context, image string) (digest string, err error) {
	return func(ctx context.Context, image string) (string, error) { return read(ctx, image, opts...) }
}

func read(ctx context.Context, image string, opts ...remote.Option) (string, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return "", fmt.Errorf("image %.300q: %s", image, safetext.Line(err.Error(), maxMessage))
	}
	found, err := remote.Head(ref, append([]remote.Option{remote.WithContext(ctx)}, opts...)...)
	if err != nil {
		return "", failure(ctx, image, err)
	}
	return found.Digest.String(), nil
}

// failure returns the error of a registry. Its text is that of the registry, cleaned.
func failure(ctx context.Context, image string, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("image %.300q: %w", image, ended)
	}
	text := safetext.Line(err.Error(), maxMessage)
	var refused *transport.Error
	if errors.As(err, &refused) {
		switch refused.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("image %.300q: %w: %s", image, grant.ErrImageDenied, text)
		case http.StatusNotFound:
			return fmt.Errorf("image %.300q: %w: %s", image, ErrNotFound, text)
		}
	}
	return fmt.Errorf("image %.300q: %s", image, text)
}
