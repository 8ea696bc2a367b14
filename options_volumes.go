package cloudrun

import (
	"fmt"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// VolumeSource is what a volume consists of; see [WithVolume].
type VolumeSource struct {
	source func() spec.Source // a function, so that package fmt prints an address; nil if empty
}

func volumeSource(s spec.Source) VolumeSource { return VolumeSource{func() spec.Source { return s }} }

// String returns the source as the program wrote it, without mount options.
func (v VolumeSource) String() string { return v.get().Text }

func (v VolumeSource) get() spec.Source {
	if v.source == nil {
		return spec.Source{}
	}
	return v.source()
}

// InMemoryVolume is a volume in the memory of an instance, and is gone with it.
// What is written counts against the memory limit of the container that wrote
// it. The size is a quantity such as "256Mi"; if it is empty, the volume can use
// half of the memory limits.
func InMemoryVolume(size string) VolumeSource {
	return volumeSource(spec.InMemory(edits.Spell("InMemoryVolume", size), size))
}

// GCSVolume is a bucket of Cloud Storage as a file system. Mount options are
// those of Cloud Storage FUSE, such as "implicit-dirs" and "uid=1000" (beta).
func GCSVolume(bucket string, readOnly bool, mountOptions ...string) VolumeSource {
	return volumeSource(spec.GCS(edits.Spell("GCSVolume", bucket, readOnly), bucket, readOnly, mountOptions))
}

// NFSVolume is a directory that a server exports by NFS. The path is absolute.
func NFSVolume(server, dir string, readOnly bool) VolumeSource {
	return volumeSource(spec.NFS(edits.Spell("NFSVolume", server, dir, readOnly), server, dir, readOnly))
}

// SecretVolume is a directory with one file, which holds a secret of the same
// project (alpha). [WithSecretFile] does the same, and mounts it as well.
func SecretVolume(secret, version, file string) VolumeSource {
	v := spec.SecretVersion{Secret: secret, Version: version}
	return volumeSource(spec.Secret(edits.Spell("SecretVolume", secret, version, file), v, file))
}

// CloudSQLVolume is a directory with the sockets of Cloud SQL instances, given
// by their connection names (alpha); see also [WithCloudSQL].
func CloudSQLVolume(instances ...string) VolumeSource {
	return volumeSource(spec.CloudSQLSockets(edits.SpellList("CloudSQLVolume", instances), instances))
}

// WithVolume adds a volume that containers can mount, see [WithVolumeMount], or
// replaces the one of that name. Flag: --add-volume. Field: volumes of the template.
func WithVolume(name string, source VolumeSource) WorkloadOption {
	return onWorkload(spec.Volume(fmt.Sprintf("WithVolume(%q, %s)", name, source), name, source.get()))
}

// WithoutVolume removes volumes. Mounts of them stay: remove those with
// [WithoutVolumeMount]. Flag: --remove-volume. Field: volumes of the template.
func WithoutVolume(names ...string) WorkloadOption {
	return onWorkload(spec.WithoutVolume(edits.SpellList("WithoutVolume", names), names)...)
}

// ClearVolumes removes all volumes, including those of secrets. Mounts of them
// stay: remove those with [ClearVolumeMounts]. Flag: --clear-volumes. Field:
// volumes of the template.
func ClearVolumes() WorkloadOption { return onWorkload(spec.ClearVolumes("ClearVolumes()")) }

// WithVolumeMount mounts a volume in the container at an absolute path, in
// place of one that is mounted there. The volume must exist, see [WithVolume].
// Flag: --add-volume-mount. Field: containers[].volumeMounts.
func WithVolumeMount(volume, dir string) ContainerOption {
	return onContainer(spec.Mount(edits.Spell("WithVolumeMount", volume, dir), volume, dir))
}

// WithoutVolumeMount unmounts what is mounted in the container at these paths.
// Flag: --remove-volume-mount. Field: containers[].volumeMounts.
func WithoutVolumeMount(dirs ...string) ContainerOption {
	return onContainer(spec.Unmount(edits.SpellList("WithoutVolumeMount", dirs), dirs)...)
}

// ClearVolumeMounts unmounts everything in the container, including secrets.
// Flag: --clear-volume-mounts. Field: containers[].volumeMounts.
func ClearVolumeMounts() ContainerOption { return onContainer(spec.ClearMounts("ClearVolumeMounts()")) }
