package peers_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	runv2 "cloud.google.com/go/run/apiv2"
	"cloud.google.com/go/run/apiv2/runpb"
	"google.golang.org/api/option"
	run "google.golang.org/api/run/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// These are what docs/comparison.md says of the client libraries.

func TestRunV1DropsUnknownFields(t *testing.T) {
	var s run.Service
	if err := json.Unmarshal([]byte(`{"spec": {"template": {"spec": {"containers": [{"image": "i", "newField": true}]}}}}`), &s); err != nil {
		t.Fatal(err)
	}
	sent, err := json.Marshal(&s)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(sent); !strings.Contains(text, `"image":"i"`) || strings.Contains(text, "newField") {
		t.Fatal(text)
	}
}

func TestRunV2DropsUnknownFields(t *testing.T) {
	url, _ := serve(t, http.StatusOK, `{"name": "n", "template": {"containers": [{"image": "i", "newField": true}]}}`)
	s, err := clientV2(t, url).GetService(t.Context(), &runpb.GetServiceRequest{Name: "projects/p/locations/r/services/n"})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := protojson.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(sent); !strings.Contains(text, `"i"`) || strings.Contains(text, "newField") || len(s.ProtoReflect().GetUnknown()) > 0 {
		t.Fatal(text)
	}
}

func TestPeersDoNotRepeatWrites(t *testing.T) {
	url, requests := serve(t, http.StatusServiceUnavailable, `{}`)
	v1, err := run.NewService(t.Context(), option.WithEndpoint(url), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	v2 := clientV2(t, url)
	for name, write := range map[string]func(context.Context) error{
		"run/v1": func(ctx context.Context) error {
			_, err := v1.Namespaces.Services.Create("namespaces/p", &run.Service{}).Context(ctx).Do()
			return err
		},
		"run/apiv2": func(ctx context.Context) error {
			_, err := v2.CreateService(ctx, &runpb.CreateServiceRequest{Parent: "projects/p/locations/r", ServiceId: "n", Service: &runpb.Service{}})
			return err
		},
	} {
		*requests = 0
		if err := write(t.Context()); err == nil || *requests != 1 {
			t.Errorf("%s: %v after %d requests", name, err, *requests)
		}
	}
}

// The fields in the table of the page exist in the v2 API.
func TestFieldsOfV2(t *testing.T) {
	text, err := os.ReadFile("../../docs/coming-from-run-v1-and-apiv2.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| v2 field |")
	fields := regexp.MustCompile("`([a-z][a-z0-9_.]*)`").FindAllStringSubmatch(table, -1)
	if len(fields) == 0 {
		t.Fatal("no fields")
	}
	for _, field := range fields {
		message := (&runpb.Service{}).ProtoReflect().Descriptor()
		for _, name := range strings.Split(field[1], ".") {
			if message == nil || message.Fields().ByName(protoreflect.Name(name)) == nil {
				t.Errorf("%s: no %s", field[1], name)
				break
			}
			message = message.Fields().ByName(protoreflect.Name(name)).Message()
		}
	}
}

// serve returns the address of a server with one response, and counts requests.
func serve(t *testing.T, status int, body string) (url string, requests *int) {
	requests = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*requests++
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func clientV2(t *testing.T, url string) *runv2.ServicesClient {
	c, err := runv2.NewServicesRESTClient(t.Context(), option.WithEndpoint(url), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
