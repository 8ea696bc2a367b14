package image_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/image"
	"github.com/cloudrun-go/cloudrun/internal/grant"
)

// newRegistry returns the address of a registry, and that of an image in it with its digest.
func newRegistry(t *testing.T, deny *int) (host, ref, digest string) {
	t.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if *deny != 0 {
			w.WriteHeader(*deny)
			_, _ = fmt.Fprint(w, "{\"errors\": [{\"code\": \"DENIED\", \"message\": \"no \\u001b[31m access\"}]}")
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	host = strings.TrimPrefix(server.URL, "http://")
	made, err := random.Image(64, 1)
	require.NoError(t, err)
	tag, err := name.NewTag(host + "/team/app:v1")
	require.NoError(t, err)
	require.NoError(t, remote.Write(tag, made))
	hash, err := made.Digest()
	require.NoError(t, err)
	return host, tag.String(), hash.String()
}

func TestDigest(t *testing.T) {
	t.Parallel()
	deny := 0
	host, ref, digest := newRegistry(t, &deny)
	for _, image := range []func(context.Context, string) (string, error){image.Digest, image.WithOptions()} {
		got, err := image(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, digest, got)
		got, err = image(t.Context(), host+"/team/app@"+digest)
		require.NoError(t, err)
		require.Equal(t, digest, got)
	}

	_, err := image.Digest(t.Context(), host+"/team/app:v2")
	require.ErrorIs(t, err, image.ErrNotFound)
	_, err = image.Digest(t.Context(), "not an image")
	require.ErrorContains(t, err, `image "not an image": `)
	for _, status := range []int{401, 403} {
		deny = status
		_, err = image.Digest(t.Context(), ref)
		require.ErrorIs(t, err, grant.ErrImageDenied)
		require.NotContains(t, err.Error(), "\x1b")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = image.Digest(ended, ref)
	require.ErrorIs(t, err, context.Canceled)
}
