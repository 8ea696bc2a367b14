package cloudrun_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// benchPeer is a control plane on loopback, with a Client and a plain HTTP client for it.
type benchPeer struct {
	server   *cloudruntest.Server
	client   *cloudrun.Client
	http     *http.Client
	services string
	policies string
}

func newBenchPeer(b *testing.B) benchPeer {
	b.Helper()
	s := cloudruntest.NewServer(cloudruntest.WithRecording(0))
	b.Cleanup(s.Close)
	c, err := cloudrun.NewClient(b.Context(), "demo", "us-central1", s.ClientOptions()...)
	require.NoError(b, err)
	return benchPeer{s, c, s.Client(), s.URL + "/apis/serving.knative.dev/v1/namespaces/demo/services",
		s.URL + "/v1/projects/demo/locations/us-central1/services/"}
}

// raw sends one request with net/http alone and reads the response.
func (p benchPeer) raw(b *testing.B, method, url string, body []byte) []byte {
	b.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.http.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotFound {
		b.Fatal(resp.Status, err)
	}
	return answer
}

// benchAgainst alternates between our call and that of a peer, and reports the
// ratio of their times.
func benchAgainst(b *testing.B, peer string, ours, theirs func(i int)) {
	b.Helper()
	var our, their time.Duration
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		start := time.Now()
		ours(i)
		middle := time.Now()
		theirs(i)
		our, their = our+middle.Sub(start), their+time.Since(middle)
		i++
	}
	b.ReportMetric(float64(our)/float64(their), "x_"+peer)
	b.ReportMetric(float64(our.Microseconds())/float64(i), "ours_us/op")
}

// BenchmarkCreate compares a first public deployment with its four requests.
func BenchmarkCreate(b *testing.B) {
	p := newBenchPeer(b)
	d := cloudrun.NewDeployer(p.client, cloudrun.WithImage(image), cloudrun.WithEnv("A", "1"), cloudrun.WithMemory("512Mi"), cloudrun.WithPublicAccess())
	var body []byte
	benchAgainst(b, "raw", func(i int) {
		if _, err := d.Deploy(b.Context(), fmt.Sprintf("ours-%d", i)); err != nil {
			b.Fatal(err)
		}
	}, func(i int) {
		if body == nil {
			sent, _ := p.server.Service("demo", "ours-0")
			body = benchBody(b, sent)
		}
		name := fmt.Sprintf("raw-%d", i)
		p.raw(b, http.MethodGet, p.services+"/"+name, nil)
		p.raw(b, http.MethodPost, p.services, bytes.Replace(body, []byte("ours-0"), []byte(name), 1))
		p.raw(b, http.MethodGet, p.policies+name+":getIamPolicy", nil)
		p.raw(b, http.MethodPost, p.policies+name+":setIamPolicy", []byte(`{"policy": {"bindings": [{"role": "roles/run.invoker", "members": ["allUsers"]}]}}`))
	})
}

// benchBody returns the request body that creates a copy of an existing Service.
func benchBody(b *testing.B, service json.RawMessage) []byte {
	b.Helper()
	var doc map[string]any
	require.NoError(b, json.Unmarshal(service, &doc))
	delete(doc, "status")
	doc["metadata"] = map[string]any{"name": "ours-0"}
	body, err := json.Marshal(doc)
	require.NoError(b, err)
	return body
}

// BenchmarkRedeploy compares a public deployment of a new image with its three requests.
func BenchmarkRedeploy(b *testing.B) {
	p := newBenchPeer(b)
	d := cloudrun.NewDeployer(p.client, cloudrun.WithEnv("A", "1"), cloudrun.WithMemory("512Mi"), cloudrun.WithPublicAccess())
	for _, name := range []string{"ours", "raw"} {
		_, err := d.Deploy(b.Context(), name, cloudrun.WithImage(image))
		require.NoError(b, err)
	}
	benchAgainst(b, "raw", func(i int) {
		if _, err := d.Deploy(b.Context(), "ours", cloudrun.WithImage(fmt.Sprintf("%s-%d", image, i))); err != nil {
			b.Fatal(err)
		}
	}, func(i int) {
		was := string(p.raw(b, http.MethodGet, p.services+"/raw", nil))
		at := strings.Index(was, `"image":`)
		end := at + strings.IndexByte(was[at:], ',')
		is := was[:at] + fmt.Sprintf(`"image":"%s-%d"`, image, i) + was[end:]
		p.raw(b, http.MethodPut, p.services+"/raw", []byte(is))
		p.raw(b, http.MethodGet, p.policies+"raw:getIamPolicy", nil)
	})
}

// BenchmarkListOfTypes compares a list of 1,000 Services with the loop that one
// writes by hand on the Knative types.
func BenchmarkListOfTypes(b *testing.B) {
	pages := &http.Client{Transport: newListPages(b, 1000, 500)}
	c, err := cloudrun.NewClient(b.Context(), "demo", "us-central1", option.WithHTTPClient(pages))
	require.NoError(b, err)
	benchAgainst(b, "typed", func(int) {
		for _, err := range c.ListServices(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}, func(int) {
		for page := range 2 {
			decodeItems(b, pages, fmt.Sprintf("http://run.test/?continue=%d", page))
		}
	})
}

// decodeItems decodes the items of a page one by one.
func decodeItems(b *testing.B, client *http.Client, url string) {
	b.Helper()
	resp, err := client.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	page := json.NewDecoder(resp.Body)
	for key := json.Token(nil); key != "items" && err == nil; {
		key, err = page.Token()
	}
	if _, err := page.Token(); err != nil {
		b.Fatal(err)
	}
	for page.More() {
		if err := page.Decode(&servingv1.Service{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList reads 10,000 Services and keeps none. peak_MiB is the largest
// size of the heap, garbage included.
func BenchmarkList(b *testing.B) {
	pages := newListPages(b, 10_000, 500)
	c, err := cloudrun.NewClient(b.Context(), "demo", "us-central1", option.WithHTTPClient(&http.Client{Transport: pages}))
	require.NoError(b, err)
	var peak, start runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&start)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range c.ListServices(context.Background()) {
			if err != nil {
				b.Fatal(err)
			}
			if n++; n%100 == 0 {
				var now runtime.MemStats
				if runtime.ReadMemStats(&now); now.HeapAlloc > peak.HeapAlloc {
					peak = now
				}
			}
		}
		require.Equal(b, 10_000, n)
	}
	b.ReportMetric(float64(peak.HeapAlloc-start.HeapAlloc)/(1<<20), "peak_MiB")
}
