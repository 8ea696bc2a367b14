// Package typed is the loop that one writes by hand on the Knative types.
package typed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/bench/peers"
)

// Peer is the loop.
type Peer struct {
	http     *http.Client
	services string
}

// New returns the peer for a server.
func New(endpoint string) *Peer {
	return &Peer{&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}, endpoint + "/apis/serving.knative.dev/v1/namespaces/" + peers.Project + "/services"}
}

func (p *Peer) send(ctx context.Context, method, url string, in, out any) (int, error) {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return 0, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, &body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return resp.StatusCode, fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	return resp.StatusCode, json.NewDecoder(resp.Body).Decode(out)
}

// Create looks whether the Service exists, creates it and polls.
func (p *Peer) Create(ctx context.Context, name string) error {
	s := &servingv1.Service{}
	if code, err := p.send(ctx, http.MethodGet, p.services+"/"+name, nil, s); code != http.StatusNotFound {
		return fmt.Errorf("%s exists: %v", name, err)
	}
	s = &servingv1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "serving.knative.dev/v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: peers.Project},
	}
	s.Spec.Template.Spec.Containers = []corev1.Container{{
		Image: peers.Image + ":1", Env: []corev1.EnvVar{{Name: "A", Value: "1"}},
		Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")}},
	}}
	if _, err := p.send(ctx, http.MethodPost, p.services, s, &servingv1.Service{}); err != nil {
		return err
	}
	return p.wait(ctx, name)
}

// Redeploy reads, edits, replaces and polls.
func (p *Peer) Redeploy(ctx context.Context, name, image string) error {
	s := &servingv1.Service{}
	if _, err := p.send(ctx, http.MethodGet, p.services+"/"+name, nil, s); err != nil {
		return err
	}
	s.Spec.Template.Name = ""
	s.Spec.Template.Spec.Containers[0].Image = image
	if _, err := p.send(ctx, http.MethodPut, p.services+"/"+name, s, &servingv1.Service{}); err != nil {
		return err
	}
	return p.wait(ctx, name)
}

func (p *Peer) wait(ctx context.Context, name string) error {
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
		s := &servingv1.Service{}
		if _, err := p.send(ctx, http.MethodGet, p.services+"/"+name, nil, s); err != nil {
			return err
		}
		if s.IsReady() && s.Status.ObservedGeneration == s.Generation {
			return nil
		}
		time.Sleep(delay)
	}
}

// List streams: it decodes one item at a time and keeps none.
func (p *Peer) List(ctx context.Context) (n int, err error) {
	for token := ""; ; {
		items, next, err := p.page(ctx, token)
		if err != nil {
			return 0, err
		}
		n += items
		if token = next; token == "" {
			return n, nil
		}
	}
}

func (p *Peer) page(ctx context.Context, token string) (n int, next string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.services+"?limit=500&continue="+token, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(resp.Body)
	for {
		key, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return n, next, nil
		}
		if err != nil {
			return 0, "", err
		}
		switch key {
		case "metadata":
			var m metav1.ListMeta
			if err := dec.Decode(&m); err != nil {
				return 0, "", err
			}
			next = m.Continue
		case "items":
			if _, err := dec.Token(); err != nil {
				return 0, "", err
			}
			for ; dec.More(); n++ {
				if err := dec.Decode(&servingv1.Service{}); err != nil {
					return 0, "", err
				}
			}
		}
	}
}
