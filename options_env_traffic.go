package cloudrun

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
	"github.com/cloudrun-go/cloudrun/internal/split"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
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

// Latest stands for the latest ready Revision, whichever that is, where the
// name of a Revision is expected.
const Latest = split.Latest

// trafficConfig is what a call changes of the traffic.
type trafficConfig struct {
	traffic.Edit
	custom []func(*servingv1.Service) error // of EditTraffic
}

func (e trafficConfig) isEmpty() bool { return e.Empty() && len(e.custom) == 0 }

const (
	thingTraffic = "whether the new revision gets traffic"
	thingSplit   = "how the traffic is split"
	thingTags    = "all tags"
	inParts      = "in parts" // the claim of an option that changes some tags and keeps the others
)

// WithNoTraffic makes a new Revision that gets no traffic: traffic of LATEST
// stays with the Revision that is the latest ready one now. A new Service cannot
// be deployed so: see [WithNoTrafficIfExists]. On an existing Service without any other option it only moves
// the traffic. Flag: --no-traffic. Field: spec.traffic.
func WithNoTraffic() DeployOption {
	return onDeploy(edits.Configures("WithNoTraffic()", thingTraffic, "no", nil, func(c *deployConfig) { c.noTraffic = true }))
}

// WithNoTrafficIfExists is [WithNoTraffic] for an existing Service. The first
// Revision of a new Service serves all its traffic, as Cloud Run requires, and
// the result has a warning. A pipeline that releases step by step needs no first
// deploy of another kind. gcloud has no flag for it. Field: spec.traffic.
func WithNoTrafficIfExists() DeployOption {
	return onDeploy(edits.Configures("WithNoTrafficIfExists()", thingTraffic, "no if it exists", nil, func(c *deployConfig) { c.noTraffic, c.firstServes = true, true }))
}

// WithTag gives the new Revision a tag, and with it a URL of its own. If another
// Revision has the tag, it loses it. A Revision without a suffix is named
// SERVICE-NNNNN-xxx after the Service's generation. If the other options ask for
// no new Revision, or there are none, the latest Revision gets the tag.
// Flag: --tag. Field: spec.traffic.
func WithTag(tag string) DeployOption {
	return onDeploy(edits.Configures(edits.Spell("WithTag", tag), "the tag of the new revision", tag, split.CheckTag(tag, split.Host{}),
		func(c *deployConfig) { c.tag = tag }))
}

// ToLatest sends all traffic to the latest ready Revision, and to each later
// one when that is ready. With [Deployer.Deploy] the new Revision gets it, even
// if the traffic was pinned to another one. Flag: --to-latest. Field: spec.traffic.
func ToLatest() LatestOption {
	claims := edits.Decides(thingSplit, "to latest").And(thingTraffic, "yes")
	return latestOption{deployOption: onDeploy(onTraffic("ToLatest()", claims, nil, func(e *trafficConfig) { e.ToLatest = true }))}
}

// ToRevision sends a percentage of the traffic to a Revision, or to [Latest].
// The rest is divided among the Revisions that no option names, in proportion
// to their current shares; 0 removes a Revision from the split.
// Flag: --to-revisions. Field: spec.traffic.
func ToRevision(name string, percent int) TrafficOption {
	return share("ToRevision", "by revision", "revision", name, percent, func(e *trafficConfig) *map[string]int64 { return &e.Shares })
}

// ToTag sends a percentage of the traffic to the Revision that has a tag, like
// [ToRevision]. Flag: --to-tags. Field: spec.traffic.
func ToTag(tag string, percent int) TrafficOption {
	return share("ToTag", "by tag", "tag", tag, percent, func(e *trafficConfig) *map[string]int64 { return &e.TagShares })
}

func share(option, way, what, name string, percent int, of func(*trafficConfig) *map[string]int64) TrafficOption {
	err := edits.NotEmpty(what, name)
	if err == nil && (percent < 0 || percent > 100) {
		err = errors.New("the percentage must be from 0 to 100")
	}
	claims := edits.Decides(thingSplit, way).And("the traffic of "+what+" "+strconv.Quote(name), fmt.Sprint(percent))
	return trafficOption{settings: settings{onTraffic(edits.Spell(option, name, percent), claims, err, func(e *trafficConfig) {
		put(of(e), name, int64(percent))
	})}}
}

// SetTags replaces all tags of the Service by these, each with the name of a
// Revision or [Latest]. Flag: --set-tags. Field: spec.traffic.
func SetTags(tags map[string]string) TrafficOption {
	option := edits.Spell("SetTags", tags)
	var err error
	if len(tags) == 0 {
		err = errors.New("there are no tags in it: use ClearTags")
	}
	all := settings{onTraffic(option, edits.Decides(thingTags, option), err, func(e *trafficConfig) { e.ReplaceTags = true })}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, tagRevision(option, option, tag, tags[tag]))
	}
	return trafficOption{settings: all}
}

// WithTagOn gives a Revision, or [Latest], a tag and with it a URL of its own. If
// another Revision has the tag, it loses it. Flag: --update-tags. Field: spec.traffic.
func WithTagOn(tag, revision string) TrafficOption {
	return trafficOption{settings: settings{tagRevision(edits.Spell("WithTagOn", tag, revision), inParts, tag, revision)}}
}

func tagRevision(option, all, tag, revision string) edits.Setting {
	err := errors.Join(split.CheckTag(tag, split.Host{}), edits.NotEmpty("revision", revision))
	claims := edits.Decides(tagThing(tag), revision).And(thingTags, all)
	return onTraffic(option, claims, err, func(e *trafficConfig) { put(&e.Tags, tag, revision) })
}

// WithoutTag removes tags; those that do not exist are ignored. Flag:
// --remove-tags. Field: spec.traffic.
func WithoutTag(tags ...string) TrafficOption {
	option := edits.SpellList("WithoutTag", tags)
	return trafficOption{settings: edits.Each(tags, func(tag string) edits.Setting {
		claims := edits.Decides(tagThing(tag), "").And(thingTags, inParts)
		return onTraffic(option, claims, edits.NotEmpty("tag", tag), func(e *trafficConfig) { e.RemoveTags = append(e.RemoveTags, tag) })
	})}
}

// ClearTags removes all tags. Flag: --clear-tags. Field: spec.traffic.
func ClearTags() TrafficOption {
	return trafficOption{settings: settings{
		onTraffic("ClearTags()", edits.Decides(thingTags, "cleared"), nil, func(e *trafficConfig) { e.ReplaceTags = true }),
	}}
}

// EditTraffic changes spec.traffic and the metadata of a Service in a way that no
// option does, in the same conditional write as the other options of the call.
// The edit runs after them. It may be called several times, each time on a fresh
// copy, and should be quick. If it returns an error, nothing is written and the
// error of the call unwraps to it. The call waits until the traffic is in
// effect; [Async] does not change that.
func EditTraffic(edit func(*servingv1.Service) error) TrafficOption {
	return trafficOption{settings: settings{{
		Option: "EditTraffic", Phase: edits.PhaseCustom, Err: notNil(edit == nil),
		Do: func(c *trafficConfig) { c.custom = append(c.custom, edit) },
	}}}
}

func tagThing(tag string) string { return "the tag " + strconv.Quote(tag) }

func onTraffic(option string, claims edits.Claims, err error, set func(*trafficConfig)) edits.Setting {
	return edits.Setting{Option: option, Phase: edits.PhaseSet, Claims: claims, Err: err, Do: set}
}

// put adds an entry to a map that may not exist yet.
func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}
