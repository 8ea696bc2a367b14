package systemtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
	"github.com/cloudrun-go/cloudrun/internal/testkit"
)

// Errors, events and warnings contain no token and no value of a variable.
func TestSecretsStayOutOfWhatIsSaid(t *testing.T) {
	t.Parallel()
	const token, password = "ya29.secret-token", "hunter2-password"
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for name, fault := range map[string]struct {
		fault cloudruntest.Fault
		err   error
	}{
		"nothing":         {},
		"refused":         {fault: cloudruntest.Fault{Method: http.MethodPost, Status: 400}},
		"forbidden":       {fault: cloudruntest.Fault{Status: 403, Times: -1}},
		"not found":       {fault: cloudruntest.Fault{Status: 404, Times: -1}},
		"failing":         {fault: cloudruntest.Fault{Status: 503, Times: -1}},
		"reset":           {fault: cloudruntest.Fault{Reset: true, After: true, Times: -1}},
		"a page":          {fault: cloudruntest.Fault{Status: 200, Body: "<html>", ContentType: "text/html", Times: -1}},
		"redirected":      {fault: cloudruntest.Fault{Status: 302, Header: http.Header{"Location": {"https://evil.example/?access_token=" + token}}, Times: -1}},
		"not dialled":     {err: dial},
		"an unknown fate": {err: errors.New("the proxy is broken")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InVirtualTime(t, func(t *testing.T) {
				s := cloudruntest.NewServer(cloudruntest.InProcess())
				defer s.Close()
				s.Script("hello", cloudruntest.Script{TimeToReady: time.Second, FailRevision: &cloudruntest.Failure{}})
				if fault.fault.Times != 0 || fault.fault.Status != 0 {
					s.Fault(fault.fault)
				}
				base := testkit.RoundTripper(func(req *http.Request) (*http.Response, error) {
					if fault.err != nil {
						return nil, fault.err
					}
					return s.Client().Transport.RoundTrip(req)
				})
				source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
				c, err := cloudrun.NewClient(t.Context(), "demo", "us-central1", option.WithEndpoint(s.URL),
					option.WithHTTPClient(&http.Client{Transport: &oauth2.Transport{Base: base, Source: source}}))
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var mu sync.Mutex
				said := ""
				result, err := cloudrun.NewDeployer(c).Deploy(ctx, "hello", cloudrun.WithImage(testkit.Image), cloudrun.WithEnv("PASSWORD", password), cloudrun.WithPublicAccess(),
					cloudrun.WithProgress(func(e cloudrun.Event) {
						mu.Lock()
						defer mu.Unlock()
						said += fmt.Sprintf("%v %+v", e, e.Err)
					}))
				require.Error(t, err)
				said += fmt.Sprintf("%v %+v", err, err)
				if result != nil {
					said += fmt.Sprint(result.Warnings)
				}
				_, err = cloudrun.NewService("hello", cloudrun.WithImage(testkit.Image), cloudrun.WithEnv("PASSWORD", password), cloudrun.WithEnv("PASSWORD", password+"2"), cloudrun.WithEnv("=bad", password))
				said += fmt.Sprintf("%v %+v", err, err)
				require.NotContains(t, said, token)
				require.NotContains(t, said, password)
			})
		})
	}
}
