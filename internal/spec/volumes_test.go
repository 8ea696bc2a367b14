package spec_test

import (
	"testing"

	"github.com/cloudrun-go/cloudrun/internal/spec"
)

func TestVolumes(t *testing.T) {
	t.Parallel()
	testEdits(t, map[string]edit{
		"in memory": {settings: each(spec.Volume("V", "v", spec.InMemory("M", "1Gi"))),
			after: `{"pod": {"containers": null, "volumes": [{"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}]}}`},
		"a bucket": {settings: each(spec.Volume("V", "v", spec.GCS("G", "b", true, []string{"uid=1", "implicit-dirs"}))),
			after: `{"pod": {"containers": null, "volumes": [{"name": "v", "csi": {"driver": "gcsfuse.run.googleapis.com", "readOnly": true, "volumeAttributes": {"bucketName": "b", "mountOptions": "uid=1,implicit-dirs"}}}]}}`},
		"NFS": {settings: each(spec.Volume("V", "v", spec.NFS("N", "s", "/d", true))),
			after: `{"pod": {"containers": null, "volumes": [{"name": "v", "nfs": {"server": "s", "path": "/d", "readOnly": true}}]}}`},
		"a secret": {settings: each(spec.Volume("V", "v", spec.Secret("S", version("k", "1"), "f"))),
			after: `{"pod": {"containers": null, "volumes": [{"name": "v", "secret": {"secretName": "k", "items": [{"key": "1", "path": "f"}]}}]}}`},
		"Cloud SQL": {settings: each(spec.Volume("V", "v", spec.CloudSQLSockets("C", []string{"p:r:a", "p:r:b"}))),
			after: `{"pod": {"containers": null, "volumes": [{"name": "v", "csi": {"driver": "cloudsql.run.googleapis.com", "volumeAttributes": {"instances": "p:r:a,p:r:b"}}}]}}`},
		"the same but for the server's defaults": {
			before:   `{"pod": {"containers": null, "volumes": [{"name": "v", "csi": {"driver": "gcsfuse.run.googleapis.com", "volumeAttributes": {"bucketName": "b"}}}]}}`,
			settings: each(spec.Volume("V", "v", spec.GCS("G", "b", false, nil))),
			after:    `{"pod": {"containers": null, "volumes": [{"name": "v", "csi": {"driver": "gcsfuse.run.googleapis.com", "volumeAttributes": {"bucketName": "b"}}}]}}`,
		},
		"replaced in its place": {
			before:   `{"pod": {"containers": null, "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}]}}`,
			settings: each(spec.Volume("V", "v", spec.NFS("N", "s", "/d", false))),
			after:    `{"pod": {"containers": null, "volumes": [{"name": "v", "nfs": {"server": "s", "path": "/d"}}, {"name": "w", "emptyDir": {}}]}}`,
		},
		"removed": {
			before:   `{"pod": {"containers": null, "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}]}}`,
			settings: spec.WithoutVolume("W", []string{"v", "x"}),
			after:    `{"pod": {"containers": null, "volumes": [{"name": "w", "emptyDir": {}}]}}`,
		},
		"cleared and added again": {
			before:   `{"pod": {"containers": null, "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "nfs": {"server": "s", "path": "/d"}}]}}`,
			settings: each(spec.ClearVolumes("C"), spec.Volume("V", "w", spec.NFS("N", "s", "/d", false))),
			after:    `{"pod": {"containers": null, "volumes": [{"name": "w", "nfs": {"server": "s", "path": "/d"}}]}}`,
		},
		"no source":       {settings: each(spec.Volume("V", "v", spec.Source{})), err: "the source is empty"},
		"no name":         {settings: each(spec.Volume("V", "", spec.InMemory("M", ""))), err: "the name is empty"},
		"no bucket":       {settings: each(spec.Volume("V", "v", spec.GCS("G", "", true, nil))), err: "the bucket is empty"},
		"no server":       {settings: each(spec.Volume("V", "v", spec.NFS("N", "", "/d", true))), err: "the server is empty"},
		"a relative path": {settings: each(spec.Volume("V", "v", spec.NFS("N", "s", "d", true))), err: "the exported path must be absolute"},
		"no file":         {settings: each(spec.Volume("V", "v", spec.Secret("S", version("k", "1"), ""))), err: "the file is empty"},
		"no instance":     {settings: each(spec.Volume("V", "v", spec.CloudSQLSockets("C", []string{"x"}))), err: "PROJECT:REGION:INSTANCE"},
		"a wrong size":    {settings: each(spec.Volume("V", "v", spec.InMemory("M", "1GB"))), err: `write "1Gi"`},
	})
}

func TestMounts(t *testing.T) {
	t.Parallel()
	mounted := func(list string) string {
		return `{"pod": {"containers": [{"name": "app", "volumeMounts": [` + list + `]}]}}`
	}
	const a, b = `{"name": "v", "mountPath": "/a", "subPath": "s"}`, `{"name": "w", "mountPath": "/b"}`
	testEdits(t, map[string]edit{
		"added":           {mounted(a), each(spec.Mount("M", "w", "/b")), mounted(a + "," + b), ""},
		"replaced":        {mounted(a + "," + b), each(spec.Mount("M", "x", "/a")), mounted(`{"name": "x", "mountPath": "/a", "subPath": "s"},` + b), ""},
		"removed":         {mounted(a + "," + b), spec.Unmount("U", []string{"/a", "/c"}), mounted(b), ""},
		"cleared":         {mounted(a + "," + b), each(spec.ClearMounts("C")), `{"pod": {"containers": [{"name": "app"}]}}`, ""},
		"in their places": {mounted(a + "," + b), each(spec.ClearMounts("C"), spec.Mount("M", "w", "/b"), spec.Mount("N", "v", "/a"), spec.Mount("O", "x", "/0")), mounted(`{"name": "v", "mountPath": "/a"},` + b + `,{"name": "x", "mountPath": "/0"}`), ""},
		"no volume":       {"", each(spec.Mount("M", "", "/a")), "", "the volume is empty"},
		"relative":        {"", each(spec.Mount("M", "v", "a")), "", "the path must be absolute"},
		"the root":        {"", each(spec.Mount("M", "v", "/.")), "", "other than the root"},
		"with a colon":    {"", each(spec.Mount("M", "v", "/a:b")), "", "without a colon"},
		"with a secret":   {"", all(each(spec.Mount("M", "v", "/a")), spec.SecretFile("F", "/a/x", version("k", "1"))), "", "contradicts"},
	})
}
