package main

import (
	"bytes"
	"fmt"
	"sync"
	"time"
)

// state is what the server knows.
type state struct {
	mu       sync.Mutex
	services map[string]*service
	order    []string // the names that lists show
	ready    time.Duration
	readyAt  time.Time // of the newest write
	requests int
	refused  int
	quota    int // writes per second; 0 for no limit
	second   int64
	used     int
}

// service is a Service as it is sent: a text for each state and API.
type service struct {
	generation    int
	readyAt       time.Time
	pending, done []byte // v1
	v2            []byte
	policy        []byte
}

func newState() *state { return &state{services: map[string]*service{}} }

func (s *state) allow(now time.Time) bool {
	if now.Unix() != s.second {
		s.second, s.used = now.Unix(), 0
	}
	s.used++
	return s.used <= s.quota
}

func (s *state) at(project, name string) *service { return s.services[project+"/"+name] }

// put stores a new generation of a Service, of which it makes each text once.
func (s *state) put(project, name string, spec []byte, image string) *service {
	v := s.at(project, name)
	if v == nil {
		v = &service{}
		s.services[project+"/"+name] = v
	}
	v.generation++
	v.readyAt = time.Now().Add(s.ready)
	s.readyAt = v.readyAt
	v.pending = v1Text(name, v.generation, spec, "Unknown")
	v.done = v1Text(name, v.generation, spec, "True")
	v.v2 = v2Text(project, name, v.generation, image)
	return v
}

func (v *service) isReady() bool { return !time.Now().Before(v.readyAt) }

// fill makes the list of n Services.
func (s *state) fill(n int) {
	s.services, s.order = map[string]*service{}, nil
	spec := fmt.Appendf(nil, `{"template":{"metadata":{"annotations":{"autoscaling.knative.dev/maxScale":"100"}},"spec":{"containerConcurrency":80,"timeoutSeconds":300,`+
		`"serviceAccountName":"1@developer.gserviceaccount.com","containers":[{"image":"gcr.io/demo/app:1","ports":[{"name":"http1","containerPort":8080}],`+
		`"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"resources":{"limits":{"cpu":"1000m","memory":"512Mi"}},`+
		`"startupProbe":{"timeoutSeconds":240,"periodSeconds":240,"failureThreshold":1,"tcpSocket":{"port":8080}}}]}},"traffic":[{"percent":100,"latestRevision":true}]}`)
	for i := range n {
		name := fmt.Sprintf("service-%05d", i)
		s.put("demo", name, spec, "gcr.io/demo/app:1")
		s.order = append(s.order, name)
	}
}

// v1Text is a Service as Cloud Run sends it.
func v1Text(name string, generation int, spec []byte, ready string) []byte {
	var b bytes.Buffer
	revision := fmt.Sprintf("%s-%05d-abc", name, generation)
	fmt.Fprintf(&b, `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":%q,"namespace":"123456789012",`+
		`"selfLink":"/apis/serving.knative.dev/v1/namespaces/123456789012/services/%s","uid":"8f4d1c6e-0b7a-4c11-9d53-%012d","resourceVersion":"AAYR%08d",`+
		`"generation":%d,"creationTimestamp":"2026-01-01T00:00:00.123456Z","labels":{"cloud.googleapis.com/location":"us-central1"},`+
		`"annotations":{"serving.knative.dev/creator":"ci@demo.iam.gserviceaccount.com","serving.knative.dev/lastModifier":"ci@demo.iam.gserviceaccount.com",`+
		`"run.googleapis.com/operation-id":"%s-%d","run.googleapis.com/ingress":"all","run.googleapis.com/ingress-status":"all",`+
		`"run.googleapis.com/urls":"[\"https://%s-123456789012.us-central1.run.app\"]"}},"spec":`,
		name, name, len(name), generation, generation, name, generation, name)
	b.Write(spec)
	const condition = `{"type":%q,"status":%q,"lastTransitionTime":"2026-01-01T00:00:00.123456Z"}`
	fmt.Fprintf(&b, `,"status":{"observedGeneration":%d,"conditions":[`+condition+`,`+condition+`,`+condition+`],"latestCreatedRevisionName":%q,`,
		generation, "Ready", ready, "ConfigurationsReady", ready, "RoutesReady", ready, revision)
	if ready == "True" {
		fmt.Fprintf(&b, `"latestReadyRevisionName":%q,"traffic":[{"revisionName":%q,"percent":100,"latestRevision":true}],`, revision, revision)
	}
	fmt.Fprintf(&b, `"url":"https://%s-abc-uc.a.run.app","address":{"url":"https://%s-abc-uc.a.run.app"}}}`, name, name)
	return b.Bytes()
}

// v2Text is the same Service in the v2 API.
func v2Text(project, name string, generation int, image string) []byte {
	return fmt.Appendf(nil, `{"name":"projects/%s/locations/us-central1/services/%s","uid":"8f4d1c6e-0b7a-4c11-9d53-000000000000","generation":"%d",`+
		`"createTime":"2026-01-01T00:00:00.123456Z","creator":"ci@demo.iam.gserviceaccount.com","ingress":"INGRESS_TRAFFIC_ALL","launchStage":"GA",`+
		`"template":{"timeout":"300s","serviceAccount":"1@developer.gserviceaccount.com","maxInstanceRequestConcurrency":80,"scaling":{"maxInstanceCount":100},`+
		`"containers":[{"image":%q,"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"resources":{"limits":{"cpu":"1000m","memory":"512Mi"}},`+
		`"ports":[{"name":"http1","containerPort":8080}],"startupProbe":{"timeoutSeconds":240,"periodSeconds":240,"failureThreshold":1,"tcpSocket":{"port":8080}}}]},`+
		`"traffic":[{"type":"TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST","percent":100}],"observedGeneration":"%d",`+
		`"terminalCondition":{"type":"Ready","state":"CONDITION_SUCCEEDED","lastTransitionTime":"2026-01-01T00:00:00.123456Z"},`+
		`"latestReadyRevision":"projects/%s/locations/us-central1/services/%s/revisions/%s-%05d-abc","uri":"https://%s-abc-uc.a.run.app","etag":"\"etag-%d\""}`,
		project, name, generation, image, generation, project, name, name, generation, name, generation)
}
