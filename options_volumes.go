package cloudrun

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

const (
	driverGCS      = "gcsfuse.run.googleapis.com"
	driverCloudSQL = "cloudsql.run.googleapis.com"
)

// VolumeSource is what a volume consists of; see [WithVolume].
type VolumeSource struct {
	text   string // as the program wrote it
	source corev1.VolumeSource
	err    error
}

// InMemoryVolume is a volume in the memory of an instance, gone with it. What
// is written counts against the memory limit of the container that wrote it.
// The size is a quantity such as "256Mi"; empty, it is half of the memory limits.
func InMemoryVolume(size string) VolumeSource {
	v := VolumeSource{text: edits.Spell("InMemoryVolume", size)}
	v.source.EmptyDir = &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}
	if size != "" {
		q, err := parseQuantity(size)
		v.source.EmptyDir.SizeLimit, v.err = &q, err
	}
	return v
}

// GCSVolume is a bucket of Cloud Storage as a file system. Mount options are
// those of Cloud Storage FUSE, such as "implicit-dirs" and "uid=1000" (beta).
func GCSVolume(bucket string, readOnly bool, mountOptions ...string) VolumeSource {
	v := VolumeSource{text: edits.Spell("GCSVolume", bucket, readOnly), err: notEmpty("bucket", bucket)}
	v.source.CSI = &corev1.CSIVolumeSource{Driver: driverGCS, ReadOnly: &readOnly, VolumeAttributes: map[string]string{"bucketName": bucket}}
	if len(mountOptions) > 0 {
		v.source.CSI.VolumeAttributes["mountOptions"] = strings.Join(mountOptions, ",")
	}
	return v
}

// NFSVolume is a directory that a server exports by NFS; the path is absolute.
func NFSVolume(server, dir string, readOnly bool) VolumeSource {
	v := VolumeSource{text: edits.Spell("NFSVolume", server, dir, readOnly), err: notEmpty("server", server)}
	if !path.IsAbs(dir) {
		v.err = errors.Join(v.err, errors.New("the exported path must be absolute"))
	}
	v.source.NFS = &corev1.NFSVolumeSource{Server: server, Path: dir, ReadOnly: readOnly}
	return v
}

// SecretVolume is a directory with one file, which holds a secret of the same
// project (alpha). [WithSecretFile] does the same, and mounts it as well.
func SecretVolume(secret, version, file string) VolumeSource {
	v := VolumeSource{text: edits.Spell("SecretVolume", secret, version, file)}
	v.err = errors.Join(SecretVersion{secret, version}.check(), notEmpty("file", file))
	v.source.Secret = &corev1.SecretVolumeSource{SecretName: secret, Items: []corev1.KeyToPath{{Key: version, Path: file}}}
	return v
}

// CloudSQLVolume is a directory with the sockets of Cloud SQL instances, given
// by their connection names (alpha); see also [WithCloudSQL].
func CloudSQLVolume(instances ...string) VolumeSource {
	v := VolumeSource{text: edits.SpellList("CloudSQLVolume", instances)}
	for _, instance := range instances {
		v.err = errors.Join(v.err, checkCloudSQL(instance))
	}
	v.source.CSI = &corev1.CSIVolumeSource{Driver: driverCloudSQL, VolumeAttributes: map[string]string{"instances": strings.Join(instances, ",")}}
	return v
}

// WithVolume adds a volume that containers can mount, see [WithVolumeMount], or
// replaces the one of that name. Flag: --add-volume. Field: volumes of the template.
func WithVolume(name string, source VolumeSource) ServiceOption {
	s := editTemplate("WithVolume("+fmt.Sprintf("%q", name)+", "+source.text+")", volumeThing(name), source.claim(), func(spec *servingv1.RevisionSpec) {
		setVolume(spec, corev1.Volume{Name: name, VolumeSource: *source.source.DeepCopy()})
	})
	s.err = errors.Join(notEmpty("name", name), source.err)
	if source.text == "" {
		s.err = errors.New("the source is empty: use InMemoryVolume, GCSVolume or another")
	}
	return onService(s)
}

// WithoutVolume removes volumes. What mounts them stays and must go by
// [WithoutVolumeMount]. Flag: --remove-volume. Field: volumes of the template.
func WithoutVolume(names ...string) ServiceOption {
	option := edits.SpellList("WithoutVolume", names)
	return onService(perItem(names, func(name string) setting {
		s := editTemplate(option, volumeThing(name), noValue, func(spec *servingv1.RevisionSpec) {
			spec.Volumes = slices.DeleteFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == name })
		})
		s.phase, s.err = edits.PhaseRemove, notEmpty("name", name)
		return s
	})...)
}

// ClearVolumes removes all volumes, those of secrets too. What mounts them
// stays and must go by [ClearVolumeMounts]. Flag: --clear-volumes. Field:
// volumes of the template.
func ClearVolumes() ServiceOption {
	s := editTemplate("ClearVolumes()", "all volumes", noValue, func(spec *servingv1.RevisionSpec) { spec.Volumes = nil })
	s.phase = edits.PhaseEmpty
	return onService(s)
}

// WithVolumeMount mounts a volume in the container at an absolute path, in
// place of one that is mounted there. The volume must exist, see [WithVolume].
// Flag: --add-volume-mount. Field: containers[].volumeMounts.
func WithVolumeMount(volume, dir string) ContainerOption {
	s := editContainer(edits.Spell("WithVolumeMount", volume, dir), mountThing(dir), "="+volume, func(c *corev1.Container) {
		setMount(c, volume, dir)
	})
	s.claims = s.claims.And(secretMountThing(dir), noValue)
	s.err = errors.Join(notEmpty("volume", volume), checkMountPath(dir))
	return onContainer(s)
}

// WithoutVolumeMount unmounts what is mounted in the container at these paths.
// Flag: --remove-volume-mount. Field: containers[].volumeMounts.
func WithoutVolumeMount(dirs ...string) ContainerOption {
	option := edits.SpellList("WithoutVolumeMount", dirs)
	return onContainer(perItem(dirs, func(dir string) setting {
		s := editContainer(option, mountThing(dir), noValue, func(c *corev1.Container) {
			c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == dir })
		})
		s.phase, s.err = edits.PhaseEmpty, checkMountPath(dir)
		return s
	})...)
}

// ClearVolumeMounts unmounts everything in the container, secrets too.
// Flag: --clear-volume-mounts. Field: containers[].volumeMounts.
func ClearVolumeMounts() ContainerOption {
	s := editContainer("ClearVolumeMounts()", "all volume mounts", noValue, func(c *corev1.Container) { c.VolumeMounts = nil })
	s.phase = edits.PhaseEmpty
	return onContainer(s)
}

func volumeThing(name string) string { return fmt.Sprintf("volume %q", name) }
func mountThing(dir string) string   { return fmt.Sprintf("the volume mounted at %q", dir) }

// setVolume replaces the volume of that name or adds one. A volume that is the same already stays as it is.
func setVolume(spec *servingv1.RevisionSpec, v corev1.Volume) {
	i := slices.IndexFunc(spec.Volumes, func(is corev1.Volume) bool { return is.Name == v.Name })
	switch {
	case i < 0:
		spec.Volumes = append(spec.Volumes, v)
	case !sameSource(spec.Volumes[i].VolumeSource, v.VolumeSource):
		spec.Volumes[i] = v
	}
}

// sameSource compares what volumes consist of, apart from what the server fills in.
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

// claim is a volume source as the value of a claim.
func (v VolumeSource) claim() string {
	text, _ := json.Marshal(v.source) // plain data
	return "=" + string(text)
}

func checkMountPath(dir string) error {
	if !path.IsAbs(dir) || path.Clean(dir) == "/" || strings.Contains(dir, ":") {
		return errors.New("the path must be absolute, other than the root, and without a colon")
	}
	return nil
}
