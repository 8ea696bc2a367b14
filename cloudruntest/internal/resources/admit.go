package resources

import (
	"fmt"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// AdmitService checks a Service that a caller wants to write, and adds the
// defaults. It returns the warnings of the response.
func AdmitService(r Request, doc tree.Object) ([]string, *apierror.Error) {
	if r.Cluster {
		return admitCluster(r, doc)
	}
	return nil, admitCloudRun(r, doc)
}

func admitCloudRun(r Request, doc tree.Object) *apierror.Error {
	meta := tree.At(doc, "metadata")
	if ns := tree.Text(meta, "namespace"); ns != "" && ns != r.Project.ID && ns != r.Project.Number {
		return violation("metadata.namespace", "The namespace '%s' does not match the project '%s' of the request.", ns, r.Project.Name())
	}
	if name := tree.Text(meta, "name"); name != "" && name != r.Name {
		return violation("metadata.name", "The name '%s' does not match the name '%s' of the request.", name, r.Name)
	}
	if err := checkVersion(r, tree.Text(meta, "resourceVersion")); err != nil {
		return err
	}
	var stored tree.Object
	if r.Current != nil {
		stored = r.Current.Doc
	}
	if unknown := unknownFields("Service", stored, doc); len(unknown) > 0 && !r.AnyField {
		return apierror.Violations(unknown...)
	}
	if problems := violations(r.Name, doc); len(problems) > 0 {
		return apierror.Violations(problems...)
	}
	ServiceDefaults(r.Name, r.Project.Number, r.Region, doc)
	return nil
}

// checkVersion refuses a write based on an older state. A write without a
// version is based on any.
func checkVersion(r Request, sent string) *apierror.Error {
	if r.Current == nil || sent == "" || sent == r.Version {
		return nil
	}
	return apierror.Conflict("Conflict for resource '%s': version '%s' was specified but current version is '%s'.", r.Name, sent, r.Version)
}

func violation(field, format string, args ...any) *apierror.Error {
	return apierror.Violations(apierror.Violation{Field: field, Description: fmt.Sprintf(format, args...)})
}
