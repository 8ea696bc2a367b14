package resources

import (
	"fmt"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// invalidField returns the API server's error for one field of a Service.
func invalidField(name, field, problem string) *apierror.Error {
	e := apierror.Unprocessable(`services.serving.knative.dev "%s" is invalid: %s: %s`, name, field, problem)
	e.Kind, e.Name = "services", name
	e.Causes = []tree.Object{{"reason": "FieldValueInvalid", "field": field, "message": problem}}
	return e
}

// denied returns the error of Knative's validating webhook.
func denied(problems []string) *apierror.Error {
	return apierror.Invalid("admission webhook \"validation.webhook.serving.knative.dev\" denied the request: validation failed: %s", strings.Join(problems, "\n"))
}

// admitCluster checks a Service as an API server with Knative's webhooks does,
// and adds Knative's defaults. It returns the warnings of the response.
func admitCluster(r Request, doc tree.Object) ([]string, *apierror.Error) {
	meta := tree.At(doc, "metadata")
	if err := checkMeta(r, meta); err != nil {
		return nil, err
	}
	unknown := dropUnknown(doc)
	if len(unknown) > 0 && r.Strict {
		return nil, apierror.Invalid(`Service in version "v1" cannot be handled as a Service: strict decoding error: %s`, strings.Join(unknown, ", "))
	}
	if problems := clusterProblems(r.Name, doc); len(problems) > 0 {
		return nil, denied(problems)
	}
	if problems := changedCreator(r.Current, tree.At(meta, "annotations")); len(problems) > 0 {
		return nil, denied(problems)
	}
	ClusterDefaults(doc, r.Current)
	return append(unknown, securityWarning(doc)), nil
}

func securityWarning(doc tree.Object) string {
	var fields []string
	for i := range tree.Objects(tree.At(doc, "spec", "template", "spec"), "containers") {
		path := fmt.Sprintf("spec.template.spec.containers[%d].securityContext.", i)
		for _, f := range []string{"allowPrivilegeEscalation", "capabilities", "runAsNonRoot", "seccompProfile"} {
			fields = append(fields, path+f)
		}
	}
	return "Kubernetes default value is insecure, Knative may default this to secure in a future release: " + strings.Join(fields, ", ")
}

// checkMeta checks the names and versions of an object against the request.
func checkMeta(r Request, meta tree.Object) *apierror.Error {
	if ns := tree.Text(meta, "namespace"); ns != "" && ns != r.Project.ID {
		return apierror.Invalid("the namespace of the provided object does not match the namespace sent on the request")
	}
	name, version := tree.Text(meta, "name"), tree.Text(meta, "resourceVersion")
	if r.Current == nil {
		return checkNew(name, version)
	}
	return checkUpdate(r, name, version, tree.Text(meta, "uid"))
}

func checkNew(name, version string) *apierror.Error {
	switch {
	case name == "":
		e := invalidField("", "metadata.name", "Required value: name or generateName is required")
		e.Message = strings.Replace(e.Message, "services.serving", "Service.serving", 1)
		return e
	case version != "":
		return &apierror.Error{Code: 500, Message: "resourceVersion should not be set on objects to be created"}
	case len(name) > 253 || strings.ToLower(name) != name || strings.ContainsAny(name, "_/ "):
		return invalidField(name, "metadata.name", `Invalid value: "`+name+`": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`)
	}
	return nil
}

func checkUpdate(r Request, name, version, uid string) *apierror.Error {
	switch {
	case name != r.Name:
		return apierror.Invalid("the name of the object (%s) does not match the name on the URL (%s)", name, r.Name)
	case version == "":
		return invalidField(r.Name, "metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
	case version != r.Version:
		return modified(r.Name, "the object has been modified; please apply your changes to the latest version and try again")
	case uid != "" && uid != r.Current.UID:
		return modified(r.Name, "Precondition failed: UID in precondition: "+uid+", UID in object meta: "+r.Current.UID)
	}
	return nil
}

func modified(name, why string) *apierror.Error {
	e := apierror.Conflict(`Operation cannot be fulfilled on services.serving.knative.dev "%s": %s`, name, why)
	e.Kind, e.Name = "services", name
	return e
}

// changedCreator returns the problems of a write that does not keep the
// annotations of the previous writers.
func changedCreator(old *store.Service, annotations tree.Object) []string {
	if old == nil {
		return nil
	}
	var problems []string
	if tree.Text(annotations, CreatorAnnotation) != old.Annotation(CreatorAnnotation) {
		problems = append(problems, "annotation value is immutable: metadata.annotations."+CreatorAnnotation)
	}
	if was := old.Annotation(ModifierAnnotation); tree.Text(annotations, ModifierAnnotation) != was {
		problems = append(problems, "invalid value: "+tree.Text(annotations, ModifierAnnotation)+": metadata.annotations."+ModifierAnnotation)
	}
	return problems
}
