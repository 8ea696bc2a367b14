package rest

import "context"

type singleAttempt struct{}

// SingleAttempt returns a context whose requests are not retried. A caller that
// repeats a whole call by itself passes it, also through functions that know
// nothing of retries.
func SingleAttempt(ctx context.Context) context.Context {
	return context.WithValue(ctx, singleAttempt{}, true)
}

// IsSingleAttempt reports whether the requests of a context are not to be retried.
func IsSingleAttempt(ctx context.Context) bool {
	single, _ := ctx.Value(singleAttempt{}).(bool)
	return single
}
