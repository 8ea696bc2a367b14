package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

const (
	driverGCS      = "gcsfuse.run.googleapis.com"
	driverCloudSQL = "cloudsql.run.googleapis.com"
)

// Source is what a volume consists of.
type Source struct {
	Text   string // as the program wrote it
	source corev1.VolumeSource
	err    error
}

// InMemory is a volume in memory. The size may be empty.
func InMemory(text, size string) Source {
	s := Source{Text: text}
	s.source.EmptyDir = &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}
	if size != "" {
		q, err := ParseQuantity(size)
		s.source.EmptyDir.SizeLimit, s.err = &q, err
	}
	return s
}

// GCS is a bucket of Cloud Storage.
func GCS(text, bucket string, readOnly bool, mountOptions []string) Source {
	s := Source{Text: text, err: edits.NotEmpty("bucket", bucket)}
	s.source.CSI = &corev1.CSIVolumeSource{Driver: driverGCS, ReadOnly: &readOnly, VolumeAttributes: map[string]string{"bucketName": bucket}}
	if len(mountOptions) > 0 {
		s.source.CSI.VolumeAttributes["mountOptions"] = strings.Join(mountOptions, ",")
	}
	return s
}

// NFS is a directory that a server exports.
func NFS(text, server, dir string, readOnly bool) Source {
	s := Source{Text: text, err: edits.NotEmpty("server", server)}
	if !path.IsAbs(dir) {
		s.err = errors.Join(s.err, errors.New("the exported path must be absolute"))
	}
	s.source.NFS = &corev1.NFSVolumeSource{Server: server, Path: dir, ReadOnly: readOnly}
	return s
}

// Secret is a directory with one file, which holds a secret.
func Secret(text string, v SecretVersion, file string) Source {
	s := Source{Text: text, err: errors.Join(v.check(), edits.NotEmpty("file", file))}
	s.source.Secret = &corev1.SecretVolumeSource{SecretName: v.Secret, Items: []corev1.KeyToPath{{Key: v.Version, Path: file}}}
	return s
}

// CloudSQLSockets is a directory with the sockets of Cloud SQL instances.
func CloudSQLSockets(text string, instances []string) Source {
	s := Source{Text: text}
	for _, instance := range instances {
		s.err = errors.Join(s.err, checkCloudSQL(instance))
	}
	s.source.CSI = &corev1.CSIVolumeSource{Driver: driverCloudSQL, VolumeAttributes: map[string]string{"instances": strings.Join(instances, ",")}}
	return s
}

// Volume adds a volume, or replaces the one of that name.
func Volume(option, name string, source Source) edits.Setting {
	err := errors.Join(edits.NotEmpty("name", name), source.err)
	if source.Text == "" {
		err = errors.New("the source is empty: use InMemoryVolume, GCSVolume or another")
	}
	return editPod(option, volumeThing(name), source.claim(), err, func(pod *corev1.PodSpec) {
		setVolume(pod, corev1.Volume{Name: name, VolumeSource: *source.source.DeepCopy()})
	})
}

// WithoutVolume removes volumes.
func WithoutVolume(option string, names []string) []edits.Setting {
	return edits.Each(names, func(name string) edits.Setting {
		return in(edits.PhaseRemove, editPod(option, volumeThing(name), noValue, edits.NotEmpty("name", name), func(pod *corev1.PodSpec) {
			pod.Volumes = slices.DeleteFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == name })
		}))
	})
}

// ClearVolumes removes all volumes.
func ClearVolumes(option string) edits.Setting {
	return in(edits.PhaseEmpty, editPod(option, "all volumes", noValue, nil, func(pod *corev1.PodSpec) { pod.Volumes = nil }))
}

func volumeThing(name string) string { return fmt.Sprintf("volume %q", name) }

// setVolume replaces the volume of that name or adds one. It keeps a volume of the same source.
func setVolume(pod *corev1.PodSpec, v corev1.Volume) {
	i := slices.IndexFunc(pod.Volumes, func(is corev1.Volume) bool { return is.Name == v.Name })
	switch {
	case i < 0:
		pod.Volumes = append(pod.Volumes, v)
	case !sameSource(pod.Volumes[i].VolumeSource, v.VolumeSource):
		pod.Volumes[i] = v
	}
}

// sameSource compares sources, apart from the server's defaults.
func sameSource(is, want corev1.VolumeSource) bool {
	is = *is.DeepCopy()
	if is.CSI != nil && is.CSI.ReadOnly == nil {
		is.CSI.ReadOnly = new(bool)
	}
	if want.CSI != nil && want.CSI.ReadOnly == nil {
		want = *want.DeepCopy()
		want.CSI.ReadOnly = new(bool)
	}
	if is.Secret != nil && want.Secret != nil && want.Secret.DefaultMode == nil {
		is.Secret.DefaultMode = nil
	}
	return equality.Semantic.DeepEqual(is, want)
}

// claim is a source as the value of a claim.
func (s Source) claim() string {
	text, _ := json.Marshal(s.source) // plain data
	return "=" + string(text)
}
