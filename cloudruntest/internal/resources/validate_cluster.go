package resources

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// clusterProblems checks a Service by those rules of Knative that matter to
// clients of Cloud Run.
func clusterProblems(name string, doc tree.Object) []string {
	k := &checker{name: name, cluster: true}
	spec := tree.At(doc, "spec", "template", "spec")
	const path = "spec.template.spec."
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if len(name) > 63 || !isDNSLabel(name) {
		add("not a DNS 1035 label: [must be no more than 63 characters]: metadata.name")
	}
	forbidden := forbiddenPodFields()
	for _, f := range tree.SortedKeys(spec) {
		if slices.Contains(forbidden, f) && !tree.Blank(spec[f]) {
			add("must not set the field(s): %s%s", path, f)
		}
	}
	rev := tree.Text(tree.At(doc, "spec", "template", "metadata"), "name")
	if len(rev) > 63 {
		add("not a DNS 1035 label: [must be no more than 63 characters]: spec.template.metadata.name")
	}
	if rev != "" && !strings.HasPrefix(rev, name+"-") {
		add(`invalid value: "%s" must have prefix "%s-": spec.template.metadata.name`, rev, name)
	}
	for field, most := range map[string]int64{"containerConcurrency": 1000, "timeoutSeconds": 600} {
		if n, _ := tree.Number(spec[field]); n < 0 || n > most {
			add("expected 0 <= %d <= %d: %s%s", n, most, path, field)
		}
	}
	problems = append(problems, containerProblems(path, tree.Objects(spec, "containers"))...)
	k.traffic(tree.Objects(tree.At(doc, "spec"), "traffic"))
	for _, w := range k.wrong {
		add("%s: %s", w.Description, w.Field)
	}
	return problems
}

func containerProblems(path string, containers []tree.Object) []string {
	var problems []string
	if len(containers) == 0 {
		problems = append(problems, "missing field(s): "+path+"containers")
	}
	ports := 0
	for i, c := range containers {
		ports += len(tree.Items(c, "ports"))
		at := fmt.Sprintf("%scontainers[%d].", path, i)
		if tree.Text(c, "image") == "" {
			problems = append(problems, "missing field(s): "+at+"image")
		}
		problems = append(problems, envProblems(at, tree.Objects(c, "env"), isIngress(containers, c))...)
		problems = append(problems, portProblems(at, tree.Objects(c, "ports"))...)
		problems = append(problems, probeProblems(at, c)...)
	}
	switch {
	case ports > 1:
		problems = append(problems, "more than one container port is set: "+path+"containers[*].ports\nOnly a single port is allowed across all containers")
	case ports == 0 && len(containers) > 1:
		problems = append(problems, "missing field(s): "+path+"containers[*].ports")
	}
	return problems
}

func envProblems(path string, list []tree.Object, ingress bool) []string {
	var problems []string
	for i, e := range list {
		switch name := tree.Text(e, "name"); {
		case name == "":
			problems = append(problems, fmt.Sprintf("missing field(s): %senv[%d].name", path, i))
		case reservedEnv(name, ingress):
			problems = append(problems, fmt.Sprintf("%q is a reserved environment variable: %senv[%d].name", name, path, i))
		}
	}
	return problems
}

// probeProblems checks that probes check something. Only a readiness probe has a default.
func probeProblems(path string, container tree.Object) []string {
	var problems []string
	for _, kind := range []string{"startupProbe", "livenessProbe"} {
		probe, ok := container[kind].(tree.Object)
		if ok && probe["exec"] == nil && probe["grpc"] == nil && probe["httpGet"] == nil && probe["tcpSocket"] == nil {
			at := path + kind + "."
			problems = append(problems, "expected exactly one, got neither: "+at+"exec, "+at+"grpc, "+at+"httpGet, "+at+"tcpSocket")
		}
	}
	return problems
}

// PortlessProbe reports whether a template has a probe without a port, of a kind in
// which Knative does not fill it in. Its webhook takes it, but no Deployment can
// be made of it.
func PortlessProbe(template tree.Object) bool {
	for _, c := range tree.Objects(tree.At(template, "spec"), "containers") {
		if portless(c, "startupProbe", "httpGet", "tcpSocket", "grpc") || portless(c, "livenessProbe", "grpc") {
			return true
		}
	}
	return false
}

func portless(container tree.Object, probe string, checks ...string) bool {
	for _, check := range checks {
		action, ok := tree.At(container, probe)[check].(tree.Object)
		if n, _ := tree.Number(action["port"]); ok && n == 0 && tree.Text(action, "port") == "" {
			return true
		}
	}
	return false
}

func portProblems(path string, list []tree.Object) []string {
	var problems []string
	for _, p := range list {
		if name := tree.Text(p, "name"); !slices.Contains([]string{"", "http1", "h2c"}, name) {
			problems = append(problems, "Port name "+name+" is not allowed: "+path+"ports\nName must be empty, or one of: 'h2c', 'http1'")
		}
	}
	return problems
}
