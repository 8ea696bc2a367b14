package cloudruntest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"mime"
	"slices"
	"strings"
)

// unprocessable is what the API server's own checks answer.
func unprocessable(format string, args ...any) *apiError {
	e := invalid(format, args...)
	e.code, e.reason = 422, "Invalid"
	return e
}

// invalidField is unprocessable because of one field of a Service.
func invalidField(name, field, problem string) *apiError {
	e := unprocessable(`services.serving.knative.dev "%s" is invalid: %s: %s`, name, field, problem)
	e.kind, e.name = "services", name
	e.causes = []object{{"reason": "FieldValueInvalid", "field": field, "message": problem}}
	return e
}

// denied is a refusal of Knative's validating webhook.
func denied(problems []string) *apiError {
	return invalid("admission webhook \"validation.webhook.serving.knative.dev\" denied the request: validation failed: %s", strings.Join(problems, "\n"))
}

// readKubernetes checks a body as the API server does.
func (s *Server) readKubernetes(c *call, doc object, err error, kind string) (object, *apiError) {
	const unrecognized = "the object provided is unrecognized (must be of type %s): "
	media, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	switch {
	case media != "" && media != "application/json":
		e := invalid("the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf")
		e.code, e.reason = 415, "UnsupportedMediaType"
		return nil, e
	case err != nil:
		return nil, invalid(unrecognized+"couldn't get version/kind; json parse error: %s (%s)", kind, jsonProblem(err), excerpt(c.body))
	case text(doc, "kind") == "":
		return nil, invalid(unrecognized+"Object 'Kind' is missing in '%s'", kind, excerpt(c.body))
	case text(doc, "apiVersion") != apiVersion:
		return nil, invalid("the API version in the data (%s) does not match the expected API version (%s)", text(doc, "apiVersion"), apiVersion)
	}
	return doc, nil
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

// generateName names an object that asks for a name.
func (s *Server) generateName(doc object) {
	meta := at(doc, "metadata")
	prefix := text(meta, "generateName")
	if !s.conf.cluster || text(meta, "name") != "" || prefix == "" {
		return
	}
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	for range 5 {
		prefix += string(letters[rand.IntN(len(letters))])
	}
	meta["name"] = prefix
}

// admitCluster checks a Service as an API server with Knative's webhooks does, and gives it Knative's defaults.
func (s *Server) admitCluster(c *call, t target, doc object, old *service) ([]string, *apiError) {
	meta := at(doc, "metadata")
	if err := s.checkMeta(c, t, meta, old); err != nil {
		return nil, err
	}
	unknown := dropUnknown(doc)
	if len(unknown) > 0 && c.query.Get("fieldValidation") == "Strict" {
		return nil, invalid(`Service in version "v1" cannot be handled as a Service: strict decoding error: %s`, strings.Join(unknown, ", "))
	}
	if problems := clusterProblems(t.name, doc); len(problems) > 0 {
		return nil, denied(problems)
	}
	if problems := s.changedCreator(meta, old, doc); len(problems) > 0 {
		return nil, denied(problems)
	}
	clusterDefaults(doc, old)
	return append(unknown, securityWarning(doc)), nil
}

func securityWarning(doc object) string {
	var fields []string
	for i := range objects(at(doc, "spec", "template", "spec"), "containers") {
		path := fmt.Sprintf("spec.template.spec.containers[%d].securityContext.", i)
		for _, f := range []string{"allowPrivilegeEscalation", "capabilities", "runAsNonRoot", "seccompProfile"} {
			fields = append(fields, path+f)
		}
	}
	return "Kubernetes default value is insecure, Knative may default this to secure in a future release: " + strings.Join(fields, ", ")
}

// checkMeta checks the names and versions of an object against the request.
func (s *Server) checkMeta(c *call, t target, meta object, old *service) *apiError {
	version := text(meta, "resourceVersion")
	switch ns, name := text(meta, "namespace"), text(meta, "name"); {
	case ns != "" && ns != t.project.id:
		return invalid("the namespace of the provided object does not match the namespace sent on the request")
	case old == nil && name == "":
		e := invalidField("", "metadata.name", "Required value: name or generateName is required")
		e.message = strings.Replace(e.message, "services.serving", "Service.serving", 1)
		return e
	case old == nil && version != "":
		return &apiError{code: 500, message: "resourceVersion should not be set on objects to be created"}
	case old == nil && (len(name) > 253 || strings.ToLower(name) != name || strings.ContainsAny(name, "_/ ")):
		return invalidField(name, "metadata.name", `Invalid value: "`+name+`": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`)
	case old == nil:
		return nil
	case name != t.name:
		return invalid("the name of the object (%s) does not match the name on the URL (%s)", name, t.name)
	case version == "":
		return invalidField(t.name, "metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
	case version != s.versionOf(old, old.rollout.index(c.now)):
		return s.modified(t, "the object has been modified; please apply your changes to the latest version and try again")
	case text(meta, "uid") != "" && text(meta, "uid") != old.uid:
		return s.modified(t, "Precondition failed: UID in precondition: "+text(meta, "uid")+", UID in object meta: "+old.uid)
	}
	return nil
}

func (s *Server) modified(t target, why string) *apiError {
	e := conflict(`Operation cannot be fulfilled on services.serving.knative.dev "%s": %s`, t.name, why)
	e.kind, e.name = "services", t.name
	return e
}

// changedCreator finds fault with a write that does not keep the annotations of who wrote.
func (s *Server) changedCreator(meta object, old *service, doc object) []string {
	if old == nil {
		return nil
	}
	var problems []string
	annotations := at(meta, "annotations")
	if text(annotations, creatorAnnotation) != old.annotation(creatorAnnotation) {
		problems = append(problems, "annotation value is immutable: metadata.annotations."+creatorAnnotation)
	}
	if was := old.annotation(modifierAnnotation); text(annotations, modifierAnnotation) != was {
		problems = append(problems, "invalid value: "+text(annotations, modifierAnnotation)+": metadata.annotations."+modifierAnnotation)
	}
	return problems
}

// clusterProblems is Knative's validation, as far as it matters to clients of Cloud Run.
func clusterProblems(name string, doc object) []string {
	k := &checker{name: name}
	spec := at(doc, "spec", "template", "spec")
	const path = "spec.template.spec."
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if len(name) > 63 || !dnsLabel.MatchString(name) {
		add("not a DNS 1035 label: [must be no more than 63 characters]: metadata.name")
	}
	for _, f := range sortedKeys(spec) {
		if slices.Contains(forbiddenPodFields, f) && meaning(spec[f]) != nil {
			add("must not set the field(s): %s%s", path, f)
		}
	}
	if rev := text(at(doc, "spec", "template", "metadata"), "name"); rev != "" && !strings.HasPrefix(rev, name+"-") {
		add(`invalid value: "%s" must have prefix "%s-": spec.template.metadata.name`, rev, name)
	}
	for field, most := range map[string]int64{"containerConcurrency": 1000, "timeoutSeconds": 600} {
		if n, _ := number(spec[field]); n < 0 || n > most {
			add("expected 0 <= %d <= %d: %s%s", n, most, path, field)
		}
	}
	problems = append(problems, containerProblems(path, objects(spec, "containers"))...)
	k.traffic(objects(at(doc, "spec"), "traffic"))
	for _, w := range k.wrong {
		add("%s: %s", w.description, w.field)
	}
	return problems
}

func containerProblems(path string, containers []object) []string {
	var problems []string
	if len(containers) == 0 {
		problems = append(problems, "missing field(s): "+path+"containers")
	}
	ports := 0
	for i, c := range containers {
		ports += len(items(c, "ports"))
		at := fmt.Sprintf("%scontainers[%d].", path, i)
		if text(c, "image") == "" {
			problems = append(problems, "missing field(s): "+at+"image")
		}
		for j, e := range objects(c, "env") {
			switch name := text(e, "name"); {
			case name == "":
				problems = append(problems, fmt.Sprintf("missing field(s): %senv[%d].name", at, j))
			case slices.Contains([]string{"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"}, name):
				problems = append(problems, fmt.Sprintf("%q is a reserved environment variable: %senv[%d].name", name, at, j))
			}
		}
		for _, p := range objects(c, "ports") {
			if name := text(p, "name"); !slices.Contains([]string{"", "http1", "h2c"}, name) {
				problems = append(problems, "Port name "+name+" is not allowed: "+at+"ports\nName must be empty, or one of: 'h2c', 'http1'")
			}
		}
	}
	switch {
	case ports > 1:
		problems = append(problems, "more than one container port is set: "+path+"containers[*].ports\nOnly a single port is allowed across all containers")
	case ports == 0 && len(containers) > 1:
		problems = append(problems, "missing field(s): "+path+"containers[*].ports")
	}
	return problems
}

// clusterDefaults adds what Knative's defaulting webhook adds.
func clusterDefaults(doc object, old *service) {
	delete(doc, "status")
	annotations := child(child(doc, "metadata"), "annotations")
	annotations[creatorAnnotation], annotations[modifierAnnotation] = caller, caller
	if old != nil {
		annotations[creatorAnnotation] = old.annotation(creatorAnnotation)
	}
	spec := child(doc, "spec")
	if len(items(spec, "traffic")) == 0 {
		spec["traffic"] = []any{object{"latestRevision": true, "percent": 100}}
	}
	for _, t := range objects(spec, "traffic") {
		setIfAbsent(t, "latestRevision", text(t, "revisionName") == "")
		setIfAbsent(t, "percent", 0)
	}
	template := child(spec, "template")
	dropEmpty(child(template, "metadata"), "name")
	pod := child(template, "spec")
	dropEmpty(pod, forbiddenPodFields...)
	for k, v := range map[string]any{"containerConcurrency": 0, "timeoutSeconds": 300, "enableServiceLinks": false} {
		setIfAbsent(pod, k, v)
	}
	containers := objects(pod, "containers")
	for i, c := range containers {
		if text(c, "name") == "" {
			c["name"] = "user-container"
			if len(containers) > 1 {
				c["name"] = fmt.Sprintf("user-container-%d", i)
			}
		}
		setIfAbsent(c, "resources", object{})
		if len(containers) == 1 || len(items(c, "ports")) > 0 {
			setIfAbsent(c, "readinessProbe", object{"successThreshold": 1, "tcpSocket": object{"port": 0}})
		}
	}
}
