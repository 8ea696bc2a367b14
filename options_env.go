package cloudrun

import (
	"fmt"
	"maps"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// WithEnv sets an environment variable. A variable that exists keeps its place.
// A variable that holds a secret is not overwritten: add WithoutSecret(name) to
// replace it.
//
// Cloud Run itself sets K_SERVICE, K_REVISION and K_CONFIGURATION, and PORT in
// the ingress container; names must not begin with X_GOOGLE_.
// Flag: --update-env-vars. Field: containers[].env.
func WithEnv(name, value string) ContainerOption {
	return onContainer(spec.Env(edits.Spell("WithEnv", edits.Variable(name), edits.Hidden{}), name, value))
}

// SetEnv replaces all environment variables except those that hold secrets; see
// [WithEnv]. Flags: --set-env-vars, --env-vars-file. Field: containers[].env.
func SetEnv(variables map[string]string) ContainerOption {
	return onContainer(spec.SetEnv(edits.Spell("SetEnv", edits.Hidden{}), maps.Clone(variables))...)
}

// WithoutEnv removes environment variables, except those that hold secrets: see
// [WithoutSecret]. Flag: --remove-env-vars. Field: containers[].env.
func WithoutEnv(names ...string) ContainerOption {
	return onContainer(spec.WithoutEnv(edits.SpellList("WithoutEnv", edits.Variables(names)), names)...)
}

// ClearEnv removes all environment variables except those that hold secrets.
// Flag: --clear-env-vars. Field: containers[].env.
func ClearEnv() ContainerOption { return onContainer(spec.ClearEnv("ClearEnv()", nil)) }

// SecretVersion names a version of a secret of Secret Manager.
type SecretVersion struct {
	// Secret is the name of a secret of the same project, such as "db-password",
	// or the full name of one of another project by its number, such as
	// "projects/123456789012/secrets/db-password".
	Secret string
	// Version is a number such as "3", an alias, or "latest".
	Version string
}

// WithSecretEnv sets an environment variable to a secret, which is read when an
// instance starts; see [SecretVersion] for the arguments. A variable with a
// literal value is not overwritten: add WithoutEnv(name) to replace it.
// Flag: --update-secrets=NAME=SECRET:VERSION. Fields:
// containers[].env[].valueFrom.secretKeyRef and, for a secret of another
// project, the template annotation run.googleapis.com/secrets.
func WithSecretEnv(name, secret, version string) ContainerOption {
	option := edits.Spell("WithSecretEnv", edits.Variable(name), secret, version)
	return onContainer(spec.SecretEnv(option, name, spec.SecretVersion{Secret: secret, Version: version})...)
}

// WithSecretFile puts a secret into a file. It is read whenever the file is
// read; see [SecretVersion] for the arguments. The path is absolute. The
// directory can hold only files of that one secret; files of its other versions
// are kept. Flag: --update-secrets=/PATH=SECRET:VERSION. Fields:
// containers[].volumeMounts, volumes[].secret of the template and, for a secret
// of another project, the template annotation run.googleapis.com/secrets.
func WithSecretFile(path, secret, version string) ContainerOption {
	option := edits.Spell("WithSecretFile", path, secret, version)
	return onContainer(spec.SecretFile(option, path, spec.SecretVersion{Secret: secret, Version: version})...)
}

// SetSecrets replaces all secrets of the container, in environment variables
// and in files. A key that begins with a slash is the path of a file, any other
// the name of a variable; see [WithSecretEnv] and [WithSecretFile].
// Flag: --set-secrets.
func SetSecrets(secrets map[string]SecretVersion) ContainerOption {
	all := make(map[string]spec.SecretVersion, len(secrets))
	for key, v := range secrets {
		all[key] = spec.SecretVersion(v)
	}
	return onContainer(spec.SetSecrets(edits.Spell("SetSecrets", edits.Hidden{}), all)...)
}

// WithoutSecret removes secrets from the container, by the names of the
// environment variables or the paths of the files that hold them.
// Flag: --remove-secrets.
func WithoutSecret(namesOrPaths ...string) ContainerOption {
	return onContainer(spec.WithoutSecret(edits.SpellList("WithoutSecret", edits.Variables(namesOrPaths)), namesOrPaths)...)
}

// ClearSecrets removes all secrets from the container, in environment variables
// and in files. Flag: --clear-secrets.
func ClearSecrets() ContainerOption { return onContainer(spec.ClearSecrets("ClearSecrets()")...) }

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
