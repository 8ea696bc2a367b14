package spec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/spec"
)

// annotated is a workload with annotations of its template, as JSON.
func annotated(annotations string) string {
	return `{"template": {"annotations": {` + annotations + `}}}`
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	const (
		interfaces = `"run.googleapis.com/network-interfaces": "[{\"network\": \"n\", \"subnetwork\": \"s\", \"tags\": [\"a\"], \"x\": 1}]"`
		private    = `"run.googleapis.com/vpc-access-egress": "private-ranges-only"`
		everything = `"run.googleapis.com/vpc-access-egress": "all-traffic"`
		connector  = `"run.googleapis.com/vpc-access-connector": "c"`
	)
	egress := spec.AnnotateTemplate("Egress", spec.AnnotationVPCEgress, "all-traffic", nil)
	testEdits(t, map[string]edit{
		"network": {"", each(spec.Network("N", "n")), annotated(`"run.googleapis.com/network-interfaces": "[{\"network\":\"n\"}]"`), ""},
		"all of it": {"", each(spec.Network("N", "n"), spec.Subnet("S", "s"), spec.NetworkTags("T", []string{"b", "a"})),
			annotated(`"run.googleapis.com/network-interfaces": "[{\"network\":\"n\",\"subnetwork\":\"s\",\"tags\":[\"b\",\"a\"]}]"`), ""},
		"what is not set is kept":       {annotated(interfaces), each(spec.Subnet("S", "t")), annotated(`"run.googleapis.com/network-interfaces": "[{\"network\":\"n\",\"subnetwork\":\"t\",\"tags\":[\"a\"],\"x\":1}]"`), ""},
		"the same keeps its form":       {annotated(interfaces), each(spec.Network("N", "n")), annotated(interfaces), ""},
		"in YAML":                       {annotated(`"run.googleapis.com/network-interfaces": "[{network: net, subnetwork: sub}]"`), each(spec.Subnet("S", "t")), annotated(`"run.googleapis.com/network-interfaces": "[{\"network\":\"net\",\"subnetwork\":\"t\"}]"`), ""},
		"the same in YAML":              {annotated(`"run.googleapis.com/network-interfaces": "[{network: net}]"`), each(spec.Network("N", "net")), annotated(`"run.googleapis.com/network-interfaces": "[{network: net}]"`), ""},
		"one key less":                  {annotated(interfaces + "," + private), spec.WithoutSubnet("S"), annotated(`"run.googleapis.com/network-interfaces": "[{\"network\":\"n\",\"tags\":[\"a\"],\"x\":1}]",` + private), ""},
		"the last key":                  {annotated(`"run.googleapis.com/network-interfaces": "[{\"network\":\"n\"}]",` + private), spec.WithoutNetwork("N"), annotated(""), ""},
		"the last key, connected":       {annotated(`"run.googleapis.com/network-interfaces": "[{\"tags\":[\"n\"]}]",` + connector + "," + private), spec.ClearNetworkTags("N"), annotated(connector + "," + private), ""},
		"cleared":                       {annotated(interfaces + "," + everything), spec.ClearNetwork("N"), annotated(""), ""},
		"cleared, egress set":           {annotated(interfaces + "," + private), all(spec.ClearNetwork("N"), each(egress)), annotated(everything), ""},
		"without connector":             {annotated(connector + "," + private), spec.WithoutConnector("C"), annotated(""), ""},
		"without connector, silently":   {annotated(connector + "," + everything), spec.WithoutConnector("C"), "", "that traffic would go to the internet"},
		"without connector, egress set": {annotated(connector + "," + private), all(spec.WithoutConnector("C"), each(egress)), annotated(everything), ""},
		"cleared and set":               {"", all(spec.ClearNetwork("N"), each(spec.Subnet("S", "s"))), "", "contradicts"},
		"set as a whole as well":        {"", each(spec.Subnet("S", "s"), spec.AnnotateTemplateAsIs("A", spec.AnnotationNetworkInterfaces, "[]", nil)), "", "contradicts"},
		"no tags":                       {"", each(spec.NetworkTags("T", nil)), "", "name at least one tag"},
		"unreadable":                    {annotated(`"run.googleapis.com/network-interfaces": "x"`), each(spec.Network("N", "n")), "", "cannot be read"},
	})
	require.NoError(t, spec.CheckMesh("projects/p/locations/global/meshes/m"))
	require.NoError(t, spec.CheckKey("projects/p/locations/r/keyRings/k/cryptoKeys/c"))
	for _, name := range []string{"", "m", "projects/p/locations/global/meshes/", "projects/p/locations/global/mesh/m", "projects/p/locations/global/meshes/m/x"} {
		require.Error(t, spec.CheckMesh(name), name)
		require.Error(t, spec.CheckKey(name), name)
	}
}

func TestCollections(t *testing.T) {
	t.Parallel()
	sql := func(list string) string { return annotated(`"run.googleapis.com/cloudsql-instances": "` + list + `"`) }
	audiences := func(list string) string {
		return `{"meta": {"annotations": {"run.googleapis.com/custom-audiences": "` + list + `"}}}`
	}
	with := func(c spec.Collection, items ...string) []edits.Setting { return c.With("W", items) }
	testEdits(t, map[string]edit{
		"the first":             {"", with(spec.CloudSQL(), "p:r:b", "p:r:a"), sql("p:r:b,p:r:a"), ""},
		"one more":              {sql("p:r:a"), with(spec.CloudSQL(), "p:r:a", "p:r:b"), sql("p:r:a,p:r:b"), ""},
		"one less":              {sql("p:r:a,p:r:b"), spec.CloudSQL().Without("W", []string{"p:r:a", "x"}), sql("p:r:b"), ""},
		"the last":              {sql("p:r:a"), spec.CloudSQL().Without("W", []string{"p:r:a"}), sql(""), ""},
		"replaced":              {sql("p:r:a"), spec.CloudSQL().Set("S", []string{"p:r:c", "p:r:b"}), sql("p:r:c,p:r:b"), ""},
		"replaced by the same":  {sql("p:r:a,p:r:b"), spec.CloudSQL().Set("S", []string{"p:r:b", "p:r:a"}), sql("p:r:a,p:r:b"), ""},
		"cleared":               {sql("p:r:a"), spec.CloudSQL().Set("C", nil), sql(""), ""},
		"nothing to clear":      {"", spec.CloudSQL().Set("C", nil), "{}", ""},
		"of a domain":           {"", with(spec.CloudSQL(), "example.com:p:r:i"), sql("example.com:p:r:i"), ""},
		"none to add":           {"", with(spec.CloudSQL()), "", "name at least one Cloud SQL instance"},
		"not a connection name": {"", with(spec.CloudSQL(), "i"), "", "PROJECT:REGION:INSTANCE"},
		"added and removed":     {"", all(with(spec.CloudSQL(), "p:r:a"), spec.CloudSQL().Without("W", []string{"p:r:a"})), "", "contradicts"},
		"set as a whole as well": {"", all(with(spec.CloudSQL(), "p:r:a"), each(spec.AnnotateTemplateAsIs("A", spec.AnnotationCloudSQL, "x", nil))), "",
			`both decide the template annotation "run.googleapis.com/cloudsql-instances"`},
		"an audience":         {audiences(`[\"a\"]`), with(spec.CustomAudiences(), "b"), audiences(`[\"a\",\"b\"]`), ""},
		"the last audience":   {audiences(`[\"a\"]`), spec.CustomAudiences().Without("W", []string{"a"}), `{"meta": {"annotations": {}}}`, ""},
		"the same audiences":  {audiences(`[ \"a\" ]`), spec.CustomAudiences().Set("S", []string{"a"}), audiences(`[ \"a\" ]`), ""},
		"an empty audience":   {"", with(spec.CustomAudiences(), " "), "", "the audience is empty"},
		"unreadable audience": {audiences(`{`), with(spec.CustomAudiences(), "b"), "", "cannot be read"},
	})
}
