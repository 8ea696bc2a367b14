package task_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/task"
)

// Functions run at the same time, but no more than the bound, and their results keep their order.
func TestAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var functions []func(context.Context) (int, error)
		for i := range 20 {
			functions = append(functions, func(context.Context) (int, error) {
				time.Sleep(time.Second + time.Duration(20-i)*time.Millisecond)
				return i, nil
			})
		}
		began := time.Now()
		results, err := task.All(t.Context(), 8, functions)
		require.NoError(t, err)
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, results)
		require.Equal(t, 3, int(time.Since(began).Seconds()))
	})
}

// An error, a panic or the end of a goroutine ends the others, and reaches the caller after them.
func TestAllFails(t *testing.T) {
	t.Parallel()
	failure := errors.New("failure")
	for name, fail := range map[string]func() error{
		"error": func() error { return failure },
		"panic": func() error { panic(failure) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 2)
			wait := func(ctx context.Context) (int, error) {
				<-ctx.Done()
				ended <- ctx.Err()
				return 0, ctx.Err()
			}
			all := func() (err error) {
				defer func() {
					if value := recover(); value != nil {
						err, _ = value.(error)
					}
				}()
				_, err = task.All(t.Context(), 3, []func(context.Context) (int, error){wait, func(context.Context) (int, error) { return 0, fail() }, wait})
				return err
			}
			require.Equal(t, failure, all())
			require.Len(t, ended, 2)
		})
	}
	results, err := task.All[int](t.Context(), 3, nil)
	require.NoError(t, err)
	require.Empty(t, results)
}
