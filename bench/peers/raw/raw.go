// Package raw sends the fewest requests that can do the work, with net/http alone.
// It is the limit: it checks and waits for nothing that the server does not say at once.
package raw

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/cloudrun-go/cloudrun/bench/peers"
)

// Peer is the limit.
type Peer struct {
	http *http.Client
	root string
}

// New returns the peer for a server.
func New(endpoint string) *Peer {
	return &Peer{&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}, endpoint}
}

func (p *Peer) services() string {
	return p.root + "/apis/serving.knative.dev/v1/namespaces/" + peers.Project + "/services"
}

func (p *Peer) send(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 && resp.StatusCode != http.StatusNotFound {
		err = fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	return resp.StatusCode, answer, err
}

// Create reads, creates and waits for the operation.
func (p *Peer) Create(ctx context.Context, name string) error {
	if _, _, err := p.send(ctx, http.MethodGet, p.services()+"/"+name, nil); err != nil {
		return err
	}
	body := fmt.Appendf(nil, `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":%q,"namespace":"demo"},`+
		`"spec":{"template":{"spec":{"containers":[{"image":%q,"env":[{"name":"A","value":"1"}],"resources":{"limits":{"memory":"512Mi"}}}]}}}}`, name, peers.Image+":1")
	_, answer, err := p.send(ctx, http.MethodPost, p.services(), body)
	if err != nil {
		return err
	}
	return p.wait(ctx, answer)
}

// Redeploy edits the text of the Service.
func (p *Peer) Redeploy(ctx context.Context, name, image string) error {
	_, was, err := p.send(ctx, http.MethodGet, p.services()+"/"+name, nil)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(was, []byte(`"image":"`))
	_, after, _ := bytes.Cut(rest, []byte(`"`))
	if !ok {
		return fmt.Errorf("no image in %s", was)
	}
	body := fmt.Appendf(nil, `%s"image":%q%s`, before, image, after)
	_, answer, err := p.send(ctx, http.MethodPut, p.services()+"/"+name, body)
	if err != nil {
		return err
	}
	return p.wait(ctx, answer)
}

// wait makes one long poll.
func (p *Peer) wait(ctx context.Context, answer []byte) error {
	_, rest, _ := bytes.Cut(answer, []byte(`"run.googleapis.com/operation-id":"`))
	id, _, ok := bytes.Cut(rest, []byte(`"`))
	if !ok {
		return fmt.Errorf("no operation in %s", answer)
	}
	_, end, err := p.send(ctx, http.MethodPost, p.root+"/v1/projects/demo/locations/us-central1/operations/"+string(id)+":wait", []byte(`{"timeout":"30s"}`))
	if err == nil && !bytes.Contains(end, []byte(`{"type":"Ready","status":"True"`)) {
		err = fmt.Errorf("not ready: %s", end)
	}
	return err
}

// List decodes the names alone.
func (p *Peer) List(ctx context.Context) (n int, err error) {
	for token := ""; ; {
		_, text, err := p.send(ctx, http.MethodGet, p.services()+"?limit=500&continue="+token, nil)
		if err != nil {
			return 0, err
		}
		var page struct {
			Metadata struct{ Continue string }
			Items    []struct{ Metadata struct{ Name string } }
		}
		if err := json.Unmarshal(text, &page); err != nil {
			return 0, err
		}
		n += len(page.Items)
		if token = page.Metadata.Continue; token == "" {
			return n, nil
		}
	}
}
