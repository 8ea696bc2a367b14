package lossless_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The types below have the faults of the Go types of Knative: they know few
// fields, change the spelling of quantities, omit zeros, and add empty values.
type (
	service struct {
		Kind     string   `json:"kind,omitempty"`
		Metadata metadata `json:"metadata,omitempty"`
		Spec     spec     `json:"spec,omitempty"`
		Status   status   `json:"status,omitempty"`
	}
	metadata struct {
		Name              string            `json:"name,omitempty"`
		CreationTimestamp *string           `json:"creationTimestamp"`
		Labels            map[string]string `json:"labels,omitempty"`
		Annotations       map[string]string `json:"annotations,omitempty"`
	}
	spec struct {
		Template template  `json:"template"`
		Traffic  []traffic `json:"traffic,omitempty"`
	}
	template struct {
		Metadata metadata     `json:"metadata,omitempty"`
		Spec     templateSpec `json:"spec,omitempty"`
	}
	templateSpec struct {
		Containers  []container `json:"containers"`
		Volumes     []volume    `json:"volumes,omitempty"`
		Concurrency *int64      `json:"containerConcurrency,omitempty"`
	}
	container struct {
		Name      string    `json:"name"`
		Image     string    `json:"image,omitempty"`
		Args      []string  `json:"args,omitempty"`
		Ports     []port    `json:"ports,omitempty"`
		Env       []env     `json:"env,omitempty"`
		EnvFrom   []envFrom `json:"envFrom,omitempty"`
		Resources resources `json:"resources,omitempty"`
		Mounts    []mount   `json:"volumeMounts,omitempty"`
		Startup   *probe    `json:"startupProbe,omitempty"`
	}
	port struct {
		Name          string `json:"name,omitempty"`
		ContainerPort int32  `json:"containerPort"`
	}
	env struct {
		Name      string  `json:"name"`
		Value     string  `json:"value,omitempty"`
		ValueFrom *source `json:"valueFrom,omitempty"`
	}
	envFrom struct {
		Prefix string `json:"prefix,omitempty"`
	}
	source struct {
		SecretKeyRef *selector `json:"secretKeyRef,omitempty"`
	}
	selector struct {
		Name string `json:"name,omitempty"`
		Key  string `json:"key"`
	}
	resources struct {
		Limits map[string]quantity `json:"limits,omitempty"`
	}
	mount struct {
		Name      string `json:"name"`
		MountPath string `json:"mountPath"`
	}
	probe struct {
		HTTPGet *action `json:"httpGet,omitempty"`
		Delay   int32   `json:"initialDelaySeconds,omitempty"`
	}
	action struct {
		Path string `json:"path,omitempty"`
		Port int    `json:"port"`
	}
	volume struct {
		Name     string    `json:"name"`
		EmptyDir *emptyDir `json:"emptyDir,omitempty"`
		Secret   *secret   `json:"secret,omitempty"`
	}
	emptyDir struct {
		Medium string `json:"medium,omitempty"`
	}
	secret struct {
		SecretName string `json:"secretName,omitempty"`
		Items      []item `json:"items,omitempty"`
	}
	item struct {
		Key  string `json:"key"`
		Path string `json:"path"`
	}
	traffic struct {
		Tag            string `json:"tag,omitempty"`
		RevisionName   string `json:"revisionName,omitempty"`
		LatestRevision *bool  `json:"latestRevision,omitempty"`
		Percent        *int64 `json:"percent,omitempty"`
	}
	status struct {
		Conditions []condition `json:"conditions,omitempty"`
	}
	condition struct {
		Type   string `json:"type"`
		Status string `json:"status"`
	}
)

// quantity may be written with another spelling than it was read.
type quantity string

func (q quantity) MarshalJSON() ([]byte, error) {
	return json.Marshal(strings.ReplaceAll(string(q), "000m", ""))
}

// view returns the typed view of a raw object.
func view(t testing.TB, raw string) *service {
	t.Helper()
	s := new(service)
	require.NoError(t, json.Unmarshal([]byte(raw), s))
	return s
}

func encode(t testing.TB, s *service) []byte {
	t.Helper()
	encoded, err := json.Marshal(s)
	require.NoError(t, err)
	return encoded
}

func (s *service) containers() []container { return s.Spec.Template.Spec.Containers }
func (s *service) container() *container   { return &s.Spec.Template.Spec.Containers[0] }

func ptr[T any](v T) *T { return &v }
