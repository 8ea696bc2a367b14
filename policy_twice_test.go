package cloudrun_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun"
)

// A proxy delivers a write twice and passes on the answer to the second. Whatever
// that is, the policy is read to see what the first one did. A call that ends
// before it could read does not claim that nothing was written.
func TestPolicyWriteThatIsDeliveredTwice(t *testing.T) {
	t.Parallel()
	for status, name := range map[int]string{
		409: "ABORTED", 412: "FAILED_PRECONDITION", 400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE",
	} {
		for callName, call := range policyCalls {
			t.Run(fmt.Sprint(status, "/", callName), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					before := fullPolicy
					if callName == "private" {
						before = strings.Replace(before, `"user:bob@example.com"`, `"user:bob@example.com", "allUsers"`, 1)
					}
					second := fault{effect: true, status: status, body: fmt.Sprintf(`{"error": {"code": %d, "message": "second", "status": %q}}`, status, name)}
					to := func(set, get []fault) *iamFake {
						fake := newIAMFake(before)
						fake.faults = map[string][]fault{"setIamPolicy": set, "getIamPolicy": get}
						return fake
					}
					one := []fault{second}

					fake := to(one, nil)
					require.NoError(t, call(t.Context(), fake.client(t)))
					require.Len(t, fake.sent, 1)

					toTheEnd := one
					for range 100 {
						toTheEnd = append(toTheEnd, fault{status: status, body: second.body})
					}
					fake = to(toTheEnd, nil)
					require.NoError(t, call(t.Context(), fake.client(t)))
					require.Len(t, fake.sent, 1)

					ctx, cancel := context.WithCancel(t.Context())
					ends := second
					ends.after = func(*iamFake) { cancel() }
					require.Equal(t, cloudrun.WriteUnknown, outcomeOf(t, call(ctx, to([]fault{ends}, nil).client(t))))

					ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					after := func(n int, f fault) []fault { return append([]fault{{effect: true}}, slices.Repeat([]fault{f}, n)...) }
					require.Equal(t, cloudrun.WriteUnknown, outcomeOf(t, call(ctx, to(one, after(10, fault{hang: true})).client(t))))

					gone := fault{status: 403, body: `{"error": {"code": 403, "message": "denied", "status": "PERMISSION_DENIED"}}`}
					require.Equal(t, cloudrun.WriteUnknown, outcomeOf(t, call(t.Context(), to(one, after(10, gone)).client(t))))

					fake = to(one, after(1, gone)) // a look that fails does not hide what the next one shows
					require.NoError(t, call(t.Context(), fake.client(t)))
					require.Len(t, fake.sent, 1)
				})
			})
		}
	}
}

// A write that is refused without an effect is reported as not written.
func TestPolicyWriteThatIsRefused(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 404, 409, 412, 429} {
		synctest.Test(t, func(t *testing.T) {
			fake := newIAMFake(fullPolicy)
			for range 1000 {
				fake.faults["setIamPolicy"] = append(fake.faults["setIamPolicy"], fault{status: status, body: `{"error": {"code": ` + fmt.Sprint(status) + `, "message": "no"}}`})
			}
			err := makePublic(t.Context(), fake.client(t))
			require.Equal(t, cloudrun.NotWritten, outcomeOf(t, err), err)
			require.Empty(t, fake.sent)
		})
	}
}

// A policy has no generation, so a read from before a grant looks like one after
// its revocation. After a lost response one read is not believed.
func TestPolicyWriteThatIsLostBeforeAStaleRead(t *testing.T) {
	t.Parallel()
	const member = "user:late@example.com"
	for name, granted := range map[string]bool{"revoke": false, "grant": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newIAMFake(fullPolicy)
				client := fake.client(t)
				set := func(granted bool) error {
					if granted {
						return cloudrun.AddMember(t.Context(), client, "hello", invoker, member)
					}
					return cloudrun.RemoveMember(t.Context(), client, "hello", invoker, member)
				}
				if granted {
					require.NoError(t, set(true))
				}
				before := encodeFields(fake.policy)
				require.NoError(t, set(!granted))
				fake.sent = nil
				fake.faults = map[string][]fault{"setIamPolicy": {{reset: true}}, "getIamPolicy": {{effect: true}, {status: 200, body: before}}}
				require.NoError(t, set(granted))
				require.Len(t, fake.sent, 1)
				p, err := client.GetPolicy(t.Context(), "hello")
				require.NoError(t, err)
				require.Equal(t, granted, p.Has(invoker, member, nil))
			})
		})
	}
}
