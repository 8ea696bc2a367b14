package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// The labels of a Service that decide its course.
const (
	outcomeLabel     = "cloudruntest-outcome"
	timeToReadyLabel = "cloudruntest-time-to-ready"
)

// ForWrite returns the script for a write of a Service, whose labels may decide it.
func (s *Scripts) ForWrite(p *store.Project, name string, doc tree.Object) (Script, *apierror.Error) {
	script := s.For(p, name)
	if s.Outcome == nil {
		return script, nil
	}
	labels := tree.At(doc, "metadata", "labels")
	if outcome := tree.Text(labels, outcomeLabel); outcome != "" {
		named, err := s.Outcome(outcome)
		if err != nil {
			return Script{}, apierror.Invalid("metadata.labels[%s]: %v", outcomeLabel, err)
		}
		named.TimeToReady = script.TimeToReady
		script = named
	}
	if text := tree.Text(labels, timeToReadyLabel); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return Script{}, apierror.Invalid("metadata.labels[%s]: %.40q is not a duration such as 30s", timeToReadyLabel, text)
		}
		script.TimeToReady = d
	}
	return script, nil
}

// Refusal returns the error with which a script has writes refused; nil if it does not.
func (s Script) Refusal(creates bool, resource string) *apierror.Error {
	permission := "run.services.update"
	if creates {
		permission = "run.services.create"
	}
	switch s.Refuse {
	case 0:
		return nil
	case 403:
		return apierror.Forbidden(permission, resource)
	}
	return apierror.ForStatus(s.Refuse)
}

// Filled returns a failure whose message names what the template has.
func Filled(f *store.Failure, p *store.Project, template tree.Object) *store.Failure {
	if f == nil || !strings.Contains(f.Message+strings.Join(f.SystemLog, ""), "{") {
		return f
	}
	filled := *f
	spec := tree.At(template, "spec")
	ingress := resources.IngressContainer(spec)
	port := int64(8080)
	for _, each := range tree.Objects(ingress, "ports") {
		if n, ok := tree.Number(each["containerPort"]); ok {
			port = n
		}
	}
	account := tree.Text(spec, "serviceAccountName")
	if account == "" {
		account = p.Number + "-compute@developer.gserviceaccount.com"
	}
	field, secret := secretOf(p, spec)
	fill := strings.NewReplacer("{image}", tree.Text(ingress, "image"), "{port}", fmt.Sprint(port), "{account}", account,
		"{secretField}", field, "{secret}", secret).Replace
	filled.Message, filled.SystemLog = fill(f.Message), make([]string, len(f.SystemLog))
	for i, line := range f.SystemLog {
		filled.SystemLog[i] = fill(line)
	}
	return &filled
}

// SecretDenied is the failure of a Revision whose account may not read a secret.
func SecretDenied() *store.Failure {
	return &store.Failure{Reason: "SecretsAccessCheckFailed", Condition: "SecretsAccessCheck",
		Message: "{secretField}: Permission denied on secret: {secret} for Revision service account {account}. The service account used must be granted " +
			"the 'Secret Manager Secret Accessor' role (roles/secretmanager.secretAccessor) at the secret, project or higher level."}
}

// HasSecrets reports whether a template uses a secret.
func HasSecrets(template tree.Object) bool {
	return slices.ContainsFunc(tree.Objects(tree.At(template, "spec"), "volumes"), func(v tree.Object) bool { return len(tree.At(v, "secret")) > 0 }) ||
		slices.ContainsFunc(tree.Objects(tree.At(template, "spec"), "containers"), func(c tree.Object) bool {
			return slices.ContainsFunc(tree.Objects(c, "env"), func(e tree.Object) bool { return len(tree.At(e, "valueFrom", "secretKeyRef")) > 0 })
		})
}

// secretOf returns the first secret that a template has, and the field that names it.
func secretOf(p *store.Project, spec tree.Object) (field, secret string) {
	full := func(name, version string) string {
		return "projects/" + p.Number + "/secrets/" + name + "/versions/" + version
	}
	for i, c := range tree.Objects(spec, "containers") {
		for j, env := range tree.Objects(c, "env") {
			if ref := tree.At(env, "valueFrom", "secretKeyRef"); tree.Text(ref, "name") != "" {
				return fmt.Sprintf("spec.template.spec.containers[%d].env[%d].value_from.secret_key_ref.name", i, j),
					full(tree.Text(ref, "name"), tree.Text(ref, "key"))
			}
		}
	}
	for i, v := range tree.Objects(spec, "volumes") {
		if ref := tree.At(v, "secret"); tree.Text(ref, "secretName") != "" {
			version := "latest"
			for _, item := range tree.Objects(ref, "items") {
				version = tree.Text(item, "key")
			}
			return fmt.Sprintf("spec.template.spec.volumes[%d].secret.secret_name", i), full(tree.Text(ref, "secretName"), version)
		}
	}
	return "spec.template.spec.containers[0].env[0].value_from.secret_key_ref.name", full("my-secret", "latest")
}
