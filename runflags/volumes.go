package runflags

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudrun-go/cloudrun"
)

func mountFlags() []*flag {
	return inContainer(
		&flag{name: "add-volume-mount", metavar: "[volume=NAME,mount-path=MOUNT_PATH,...]", usage: "volume to mount; may be repeated", container: addMount},
		&flag{name: "remove-volume-mount", metavar: "[MOUNT_PATH,...]", usage: "paths to unmount", container: removeMount},
		&flag{name: "clear-volume-mounts", takes: takesNone, usage: "unmount all volumes from the container", container: always(cloudrun.ClearVolumeMounts)},
	)
}

func volumeFlags() []*flag {
	return []*flag{
		{name: "add-volume", metavar: "[KEY=VALUE,...]", usage: "volume to add, such as name=cache,type=in-memory,size-limit=64Mi; types are in-memory, cloud-storage (bucket, readonly, mount-options) and nfs (location, readonly); may be repeated", service: addVolume},
		{name: "remove-volume", metavar: "[VOLUME,...]", usage: "volumes to remove", service: removeVolume},
		{name: "clear-volumes", takes: takesNone, usage: "remove all volumes, including those of secrets", workload: always(cloudrun.ClearVolumes)},
	}
}

// dictOf parses a dict with required keys.
func dictOf(raw string, required ...string) (map[string]string, error) {
	dict, err := parseDict(raw)
	if err != nil {
		return nil, err
	}
	for _, key := range required {
		if _, ok := dict[key]; !ok {
			return nil, fmt.Errorf("key [%s] required in dict arg but not provided", key)
		}
	}
	return dict, nil
}

// addedMounts returns the volumes to mount by path; the last one for a path counts.
func addedMounts(g given) (map[string]string, error) {
	mounts := map[string]string{}
	for _, raw := range g.values["add-volume-mount"] {
		dict, err := dictOf(raw, "volume", "mount-path")
		if err != nil {
			return nil, err
		}
		for _, key := range sortedKeys(dict) {
			if key != "volume" && key != "mount-path" {
				return nil, fmt.Errorf(`key [%s] not recognized for volume mount: only keys "volume" and "mount-path" are supported`, key)
			}
		}
		mounts[dict["mount-path"]] = dict["volume"]
	}
	return mounts, nil
}

func addMount(g given) ([]cloudrun.ContainerOption, error) {
	mounts, err := addedMounts(g)
	var opts []cloudrun.ContainerOption
	for _, path := range sortedKeys(mounts) {
		opts = append(opts, cloudrun.WithVolumeMount(mounts[path], path))
	}
	return opts, err
}

// removeMount unmounts, except where the same command mounts: gcloud unmounts first.
func removeMount(g given) ([]cloudrun.ContainerOption, error) {
	paths, err := g.uniqueList(g.name)
	if err != nil || len(paths) == 0 {
		return nil, err
	}
	added, _ := addedMounts(g) // addMount reports the error
	paths = slices.DeleteFunc(paths, func(path string) bool { _, ok := added[path]; return ok })
	return []cloudrun.ContainerOption{cloudrun.WithoutVolumeMount(paths...)}, nil
}

// volumeType is the parameters and the constructor of a type of volume.
type volumeType struct {
	stage    stage
	required []string
	optional map[string]stage
	source   func(map[string]string) (cloudrun.VolumeSource, error)
}

func volumeTypes() map[string]volumeType {
	return map[string]volumeType{
		"in-memory": {optional: map[string]stage{"size-limit": ga}, source: func(v map[string]string) (cloudrun.VolumeSource, error) {
			return cloudrun.InMemoryVolume(v["size-limit"]), nil
		}},
		"nfs": {required: []string{"location"}, optional: map[string]stage{"readonly": ga}, source: nfsVolume},
		"cloud-storage": {optional: map[string]stage{"bucket": ga, "readonly": ga, "mount-options": beta, "dynamic-mounting": alpha},
			source: bucketVolume},
		"secret": {stage: alpha, required: []string{"secret", "version", "path"}, source: func(v map[string]string) (cloudrun.VolumeSource, error) {
			return cloudrun.SecretVolume(v["secret"], v["version"], v["path"]), nil
		}},
		"cloudsql": {stage: alpha, required: []string{"instances"}, source: func(v map[string]string) (cloudrun.VolumeSource, error) {
			return cloudrun.CloudSQLVolume(semicolons(v["instances"])...), nil
		}},
	}
}

func readOnly(v map[string]string) bool { return strings.EqualFold(v["readonly"], "true") }

// semicolons splits a list inside a dict.
func semicolons(raw string) []string {
	if raw == "" {
		return nil
	}
	return strings.Split(raw, ";")
}

func nfsVolume(v map[string]string) (cloudrun.VolumeSource, error) {
	server, path, ok := strings.Cut(v["location"], ":/")
	if !ok {
		return cloudrun.VolumeSource{}, fmt.Errorf("volume %s: field 'location' must be of the form IP_ADDRESS:/DIRECTORY", v["name"])
	}
	return cloudrun.NFSVolume(server, "/"+path, readOnly(v)), nil
}

// bucketVolume returns a bucket, or with dynamic mounting all that the Service may read.
func bucketVolume(v map[string]string) (cloudrun.VolumeSource, error) {
	bucket, named := v["bucket"]
	if raw, ok := v["dynamic-mounting"]; ok {
		dynamic, err := strconv.ParseBool(raw)
		if err != nil || dynamic == named {
			return cloudrun.VolumeSource{}, fmt.Errorf("volume %s: either set bucket or enable dynamic-mounting, not both", v["name"])
		}
		if dynamic {
			bucket, named = "_", true
		}
	}
	if !named {
		return cloudrun.VolumeSource{}, fmt.Errorf("volume %s of type %s requires the following parameters: bucket", v["name"], v["type"])
	}
	return cloudrun.GCSVolume(bucket, readOnly(v), semicolons(v["mount-options"])...), nil
}

func addVolume(g given) ([]cloudrun.ServiceOption, error) {
	volumes, err := addedVolumes(g)
	if err != nil {
		return nil, err
	}
	var opts []cloudrun.ServiceOption
	for _, name := range sortedKeys(volumes) {
		source, err := makeVolume(g, volumes[name])
		if err != nil {
			return nil, err
		}
		opts = append(opts, cloudrun.WithVolume(name, source))
	}
	return opts, nil
}

// addedVolumes returns the volumes to add by name; the last one of a name counts.
func addedVolumes(g given) (map[string]map[string]string, error) {
	volumes := map[string]map[string]string{}
	for _, raw := range g.values["add-volume"] {
		dict, err := dictOf(raw, "name", "type")
		if err != nil {
			return nil, err
		}
		volumes[dict["name"]] = dict
	}
	return volumes, nil
}

func makeVolume(g given, v map[string]string) (cloudrun.VolumeSource, error) {
	t, ok := volumeTypes()[v["type"]]
	if !ok {
		return cloudrun.VolumeSource{}, fmt.Errorf("volume type %s not supported: use one of %s", v["type"], strings.Join(sortedKeys(volumeTypes()), ", "))
	}
	g.needs(t.stage)
	for _, key := range sortedKeys(v) {
		needed, optional := t.optional[key]
		if !optional && key != "name" && key != "type" && !slices.Contains(t.required, key) {
			return cloudrun.VolumeSource{}, fmt.Errorf("volume %s of type %s had unexpected parameter %s", v["name"], v["type"], key)
		}
		g.needs(needed)
	}
	for _, key := range t.required {
		if _, ok := v[key]; !ok {
			return cloudrun.VolumeSource{}, fmt.Errorf("volume %s of type %s requires the following parameters: %s", v["name"], v["type"], key)
		}
	}
	return t.source(v)
}

// removeVolume removes volumes, except those that the same command adds: gcloud removes first.
func removeVolume(g given) ([]cloudrun.ServiceOption, error) {
	names, err := g.uniqueList(g.name)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	added, _ := addedVolumes(g) // addVolume reports the error
	names = slices.DeleteFunc(names, func(name string) bool { _, ok := added[name]; return ok })
	return []cloudrun.ServiceOption{cloudrun.WithoutVolume(names...)}, nil
}
