package once_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/once"
)

// step is one response in a deletion: of a read if it has an object, of a request otherwise.
type step struct {
	object once.Identity
	err    error
	takes  time.Duration
}

func TestDeletion(t *testing.T) {
	t.Parallel()
	here, going, other := once.Identity{UID: "a"}, once.Identity{UID: "a", Deleting: true}, once.Identity{UID: "b"}
	for name, tc := range map[string]struct {
		reads, requests []step
		sent            int
		want            error
		outcome         once.Outcome
	}{
		"at once":                    {[]step{{object: here}}, []step{{}}, 1, nil, once.Effective},
		"missing":                    {[]step{{err: errMissing}}, nil, 0, errMissing, once.NotWritten},
		"being deleted":              {[]step{{object: going}}, nil, 0, nil, once.NotWritten},
		"read again":                 {[]step{{err: errLost}, {object: here}}, []step{{}}, 1, nil, once.Effective},
		"lost, gone":                 {[]step{{object: here}, {err: errMissing}}, []step{{err: errLost}}, 1, nil, once.Effective},
		"lost, being deleted":        {[]step{{object: here}, {object: going}}, []step{{err: errLost}}, 1, nil, once.Effective},
		"lost, another":              {[]step{{object: here}, {object: other}}, []step{{err: errLost}}, 1, nil, once.Effective},
		"lost, seen too late":        {[]step{{object: here}, {object: here, takes: 10 * time.Second}, {object: other}}, []step{{err: errLost}}, 1, nil, once.Effective},
		"seen too late at first":     {[]step{{object: here, takes: 10 * time.Second}, {object: other}}, []step{{}}, 0, nil, once.NotWritten},
		"always slow":                {[]step{{object: here, takes: 10 * time.Second}}, []step{{}}, 1, nil, once.Effective},
		"lost, still there":          {[]step{{object: here}}, []step{{err: errLost}, {}}, 2, nil, once.Effective},
		"refused, gone":              {[]step{{object: here}, {err: errMissing}}, []step{{err: errRefused}}, 1, nil, once.Unknown},
		"refused, gone on a re-look": {[]step{{object: here}, {object: here}, {err: errMissing}}, []step{{err: errConflict}}, 1, nil, once.Unknown},
		"refused, gone after two":    {[]step{{object: here}, {object: here}, {object: here}, {err: errMissing}}, []step{{err: errRefused}}, 1, nil, once.Unknown},
		"refused, failed and stale":  {[]step{{object: here}, {err: errRefused}, {object: here}, {err: errMissing}}, []step{{err: errRefused}}, 1, nil, once.Unknown},
		"refused, one failed look":   {[]step{{object: here}, {err: errRefused}, {object: here}}, []step{{err: errRefused}}, 1, errRefused, once.NotWritten},
		"refused":                    {[]step{{object: here}}, []step{{err: errRefused}}, 1, errRefused, once.NotWritten},
		"refused, unreadable":        {[]step{{object: here}, {err: errRefused}}, []step{{err: errConflict}}, 1, errConflict, once.Unknown},
		"unsent":                     {[]step{{object: here}}, []step{{err: errUnsent}}, 1, errUnsent, once.NotWritten},
		"lost, first without a uid":  {[]step{{}, {object: here}}, []step{{err: errLost}, {}}, 2, nil, once.Effective},
		"lost, then refused":         {[]step{{object: here}}, []step{{err: errLost}, {err: errRefused}}, 2, errRefused, once.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				reads, sent, seen := 0, 0, ""
				deleted, err := once.Deletion{
					Classify: classify,
					Read: func(context.Context) (once.Identity, error) {
						s := tc.reads[min(reads, len(tc.reads)-1)]
						time.Sleep(s.takes)
						if reads++; sent == 0 {
							seen = s.object.UID
						}
						return s.object, s.err
					},
					Delete: func(_ context.Context, uid string) error {
						require.Equal(t, seen, uid)
						s := tc.requests[min(sent, len(tc.requests)-1)]
						sent++
						return s.err
					},
					Retry: func(ctx context.Context, attempt func(context.Context) error) error {
						err := attempt(ctx)
						for range 3 {
							if !errors.Is(err, errLost) {
								break
							}
							err = attempt(ctx)
						}
						return err
					},
				}.Run(t.Context())
				require.Equal(t, tc.sent, sent)
				require.ErrorIs(t, err, tc.want)
				outcome := deleted.Outcome
				if failed := (*once.Failure)(nil); errors.As(err, &failed) {
					outcome = failed.Outcome
				}
				require.Equal(t, tc.outcome, outcome)
			})
		})
	}
}
