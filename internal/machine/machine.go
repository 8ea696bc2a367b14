// Package machine names the service account of a machine of Google Cloud. Its
// credentials come from the metadata server, and have no name.
package machine

import (
	"context"
	"net/http"
	"time"

	"cloud.google.com/go/compute/metadata"
	"golang.org/x/oauth2"

	"github.com/cloudrun-go/cloudrun/internal/principal"
	"github.com/cloudrun-go/cloudrun/internal/task"
)

// maxTime bounds how long the name may take: an error waits for it.
const maxTime = time.Second

// Account returns the member that the tokens of a source are for, such as
// "serviceAccount:ci@p.iam.gserviceaccount.com". It is empty if the tokens do not come
// from the metadata server, or if that does not answer within a second.
func Account(ctx context.Context, source oauth2.TokenSource, hc *http.Client) string {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	name := task.Go(func() string { return account(ctx, source, hc) })
	select {
	case <-name.Done():
		return name.Wait()
	case <-ctx.Done(): // the source has no context
		return ""
	}
}

func account(ctx context.Context, source oauth2.TokenSource, hc *http.Client) string {
	token, err := source.Token() // the one that the last request had
	if err != nil || token.Extra("oauth2.google.tokenSource") != "compute-metadata" {
		return ""
	}
	email, err := metadata.NewClient(hc).EmailWithContext(ctx, "default")
	if err != nil {
		return ""
	}
	return principal.ServiceAccount(email)
}
