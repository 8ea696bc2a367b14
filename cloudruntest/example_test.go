package cloudruntest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest"
)

// A container is an http.Handler registered for an image.
func Example() {
	s := cloudruntest.NewServer(cloudruntest.InProcess())
	defer s.Close()
	s.Handle("example.com/greeter", func(c cloudruntest.Container) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "%s from %s", c.Env["GREETING"], c.Service)
		})
	})

	post := func(path, body string) []byte {
		resp, err := s.Client().Post(s.URL+path, "application/json", strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		answer, _ := io.ReadAll(resp.Body)
		return answer
	}
	answer := post("/apis/serving.knative.dev/v1/namespaces/demo/services", `{
		"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "hello"},
		"spec": {"template": {"spec": {"containers": [
			{"image": "example.com/greeter", "env": [{"name": "GREETING", "value": "Hi"}]}
		]}}}}`)
	var service struct{ Status struct{ URL string } }
	if err := json.Unmarshal(answer, &service); err != nil {
		panic(err)
	}
	fetch := func() {
		resp, err := s.Client().Get(service.Status.URL)
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		page, _ := io.ReadAll(resp.Body)
		fmt.Println(resp.StatusCode, resp.StatusCode == 200 && string(page) == "Hi from hello")
	}
	fetch()
	post("/v1/projects/demo/locations/us-central1/services/hello:setIamPolicy",
		`{"policy": {"bindings": [{"role": "roles/run.invoker", "members": ["allUsers"]}]}}`)
	fetch()
	for _, w := range s.History() {
		fmt.Println(w.Kind, w.Name)
	}
	// Output:
	// 403 false
	// 200 true
	// create hello
	// setIamPolicy hello
}

// Script decides how the next writes of a Service end. Here its new Revision fails.
func ExampleServer_Script() {
	s := cloudruntest.NewServer(cloudruntest.InProcess())
	defer s.Close()
	s.Script("hello", cloudruntest.Script{
		FailRevision: &cloudruntest.Failure{Reason: "ContainerMissing", Message: "Image not found."},
	})
	resp, err := s.Client().Post(s.URL+"/apis/serving.knative.dev/v1/namespaces/demo/services", "application/json",
		strings.NewReader(`{"metadata": {"name": "hello"}, "spec": {"template": {"spec": {"containers": [{"image": "nothing"}]}}}}`))
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
	raw, _ := s.Service("demo", "hello")
	var service struct {
		Status struct {
			Conditions []struct{ Type, Status, Reason string }
		}
	}
	_ = json.Unmarshal(raw, &service)
	fmt.Println(service.Status.Conditions[0])
	// Output: {Ready False ContainerMissing}
}

// A fault that strikes after the write took effect loses the response.
func ExampleServer_Fault() {
	s := cloudruntest.NewServer(cloudruntest.InProcess())
	defer s.Close()
	s.Fault(cloudruntest.Fault{Method: http.MethodPost, Reset: true, After: true})
	resp, err := s.Client().Post(s.URL+"/apis/serving.knative.dev/v1/namespaces/demo/services", "application/json",
		strings.NewReader(`{"metadata": {"name": "hello"}, "spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}`))
	if err == nil {
		resp.Body.Close()
	}
	_, written := s.Service("demo", "hello")
	fmt.Println(err != nil, written)
	// Output: true true
}
