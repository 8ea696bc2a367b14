package resources

import (
	"bytes"
	"math/rand/v2"
	"mime"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// Read reads the body of a write of one kind as Cloud Run does.
func Read(body []byte, kind string) (tree.Object, *apierror.Error) {
	doc, err := tree.Decode(body)
	switch {
	case err != nil:
		return nil, apierror.Invalid("Invalid JSON payload received. %s", err)
	case doc == nil:
		return nil, apierror.Invalid("Invalid JSON payload received. An object is expected.")
	}
	if v := tree.Text(doc, "apiVersion"); v != "" && v != APIVersion {
		return nil, violation("apiVersion", "Unsupported api version '%s'; expected '%s'.", v, APIVersion)
	}
	if k := tree.Text(doc, "kind"); k != "" && k != kind {
		return nil, violation("kind", "Unexpected kind '%s'; expected '%s'.", k, kind)
	}
	return doc, nil
}

// ReadCluster reads the body of a write of one kind as a Kubernetes API server does.
func ReadCluster(body []byte, contentType, kind string) (tree.Object, *apierror.Error) {
	const unrecognized = "the object provided is unrecognized (must be of type %s): "
	doc, err := tree.Decode(body)
	media, _, _ := mime.ParseMediaType(contentType)
	switch {
	case media != "" && media != "application/json":
		e := apierror.Invalid("the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf")
		e.Code, e.Reason = 415, "UnsupportedMediaType"
		return nil, e
	case err != nil:
		return nil, apierror.Invalid(unrecognized+"couldn't get version/kind; json parse error: %s (%s)", kind, jsonProblem(err), excerpt(body))
	case tree.Text(doc, "kind") == "":
		return nil, apierror.Invalid(unrecognized+"Object 'Kind' is missing in '%s'", kind, excerpt(body))
	case tree.Text(doc, "apiVersion") != APIVersion:
		return nil, apierror.Invalid("the API version in the data (%s) does not match the expected API version (%s)", tree.Text(doc, "apiVersion"), APIVersion)
	}
	return doc, nil
}

// ReadPatch reads a JSON merge patch as a Kubernetes API server does.
func ReadPatch(body []byte, contentType string) (tree.Object, *apierror.Error) {
	if media, _, _ := mime.ParseMediaType(contentType); media != "application/merge-patch+json" {
		e := apierror.Invalid("the body of the request was in an unknown format - accepted media types include: application/merge-patch+json")
		e.Code, e.Reason = 415, "UnsupportedMediaType"
		return nil, e
	}
	patch, err := tree.Decode(body)
	if err != nil {
		return nil, apierror.Invalid("error decoding patch: %s", jsonProblem(err))
	}
	return patch, nil
}

func jsonProblem(err error) string {
	if err.Error() == "EOF" || strings.Contains(err.Error(), "unexpected EOF") {
		return "unexpected end of JSON input"
	}
	return err.Error()
}

func excerpt(body []byte) string {
	if len(bytes.TrimSpace(body)) == 0 {
		return "<empty>"
	}
	if len(body) > 100 {
		return string(body[:100]) + " ..."
	}
	return string(body)
}

// GenerateName names an object that has a generateName and no name.
func GenerateName(doc tree.Object) {
	meta := tree.At(doc, "metadata")
	prefix := tree.Text(meta, "generateName")
	if tree.Text(meta, "name") != "" || prefix == "" {
		return
	}
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	for range 5 {
		prefix += string(letters[rand.IntN(len(letters))])
	}
	meta["name"] = prefix
}
