package resources

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// workload checks the containers and volumes of a pod spec. Every kind that runs
// containers has one, at its own path, such as spec.template.spec.
func (k *checker) workload(path string, spec tree.Object) {
	containers := tree.Objects(spec, "containers")
	if len(containers) == 0 {
		k.fail(path+".containers", "Revision template should contain at least one container.")
	}
	if len(containers) > 10 {
		k.fail(path+".containers", "At most 10 containers are allowed, got %d.", len(containers))
	}
	volumes := k.volumes(path, tree.Objects(spec, "volumes"))
	names, ports := map[string]bool{}, 0
	for i, c := range containers {
		at := fmt.Sprintf("%s.containers[%d]", path, i)
		name := tree.Text(c, "name")
		if name != "" && names[name] {
			k.fail(at+".name", "The container name '%s' is used more than once.", name)
		}
		names[name] = true
		ports += len(tree.Items(c, "ports"))
		k.container(at, c, volumes, isIngress(containers, c))
	}
	if len(containers) > 1 && ports != 1 {
		k.fail(path+".containers", "Revision template must contain exactly one container with an exposed port, got %d.", ports)
	}
}

// volumes checks the volumes of a pod spec and returns their names.
func (k *checker) volumes(path string, list []tree.Object) map[string]bool {
	names := map[string]bool{}
	for i, v := range list {
		at := fmt.Sprintf("%s.volumes[%d].name", path, i)
		name := tree.Text(v, "name")
		switch {
		case name == "":
			k.fail(at, "A volume must have a name.")
		case names[name]:
			k.fail(at, "The volume name '%s' is used more than once.", name)
		}
		names[name] = true
	}
	return names
}

// isIngress reports whether a container receives the requests: it is the only one, or has a port.
func isIngress(containers []tree.Object, c tree.Object) bool {
	return len(containers) == 1 || len(tree.Items(c, "ports")) > 0
}

// reservedEnv reports whether the platform sets a variable in a container. PORT
// is set in the ingress container only.
func reservedEnv(name string, ingress bool) bool {
	return slices.Contains([]string{"K_SERVICE", "K_REVISION", "K_CONFIGURATION"}, name) || name == "PORT" && ingress
}

func (k *checker) container(path string, c tree.Object, volumes map[string]bool, ingress bool) {
	before := len(k.wrong)
	k.shape(path+".", c, "env[]", "ports[]", "volumeMounts[]", "resources", "startupProbe", "livenessProbe", "readinessProbe")
	if len(k.wrong) > before {
		return
	}
	if tree.Text(c, "image") == "" {
		k.fail(path+".image", "A container image must be specified.")
	}
	if name := tree.Text(c, "name"); len(name) > 63 || name != "" && !isDNSLabel(name) {
		k.fail(path+".name", "Invalid container name '%s'.", name)
	}
	k.env(path+".env", tree.Objects(c, "env"), ingress)
	k.ports(path+".ports", tree.Objects(c, "ports"))
	k.limits(path+".resources.limits", tree.At(c, "resources", "limits"))
	k.mounts(path+".volumeMounts", tree.Objects(c, "volumeMounts"), volumes)
	k.probes(path, c)
}

// probes checks that the ports of probes are numbers: Cloud Run knows no names of ports there.
func (k *checker) probes(path string, c tree.Object) {
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		for _, check := range []string{"httpGet", "tcpSocket", "grpc"} {
			k.number(path+"."+probe+"."+check+".port", tree.At(c, probe, check)["port"], 65535)
		}
	}
}

func (k *checker) mounts(path string, list []tree.Object, volumes map[string]bool) {
	for i, m := range list {
		mount := fmt.Sprintf("%s[%d]", path, i)
		if !volumes[tree.Text(m, "name")] {
			k.fail(mount+".name", "The volume '%s' is not defined.", tree.Text(m, "name"))
		}
		if !strings.HasPrefix(tree.Text(m, "mountPath"), "/") {
			k.fail(mount+".mountPath", "Invalid mount path '%s': it must be absolute.", tree.Text(m, "mountPath"))
		}
	}
}

func (k *checker) env(path string, list []tree.Object, ingress bool) {
	var reserved []string
	for i, e := range list {
		name := tree.Text(e, "name")
		if name == "" || strings.Contains(name, "=") {
			k.fail(fmt.Sprintf("%s[%d].name", path, i), "Invalid environment variable name '%s'.", name)
		}
		if reservedEnv(name, ingress) || strings.HasPrefix(name, "X_GOOGLE_") {
			reserved = append(reserved, name)
		}
	}
	if len(reserved) > 0 {
		k.fail(path, "The following reserved env names were provided: %s. These values are automatically set by the system.", strings.Join(reserved, ", "))
	}
}

func (k *checker) ports(path string, list []tree.Object) {
	if len(list) > 1 {
		k.fail(path, "At most one port is allowed, got %d.", len(list))
	}
	for i, p := range list {
		if name := tree.Text(p, "name"); !slices.Contains([]string{"", "http1", "h2c"}, name) {
			k.fail(fmt.Sprintf("%s[%d].name", path, i), "Unsupported port name '%s': it must be empty, http1 or h2c.", name)
		}
		k.number(fmt.Sprintf("%s[%d].containerPort", path, i), p["containerPort"], 65535)
	}
}

func (k *checker) limits(path string, limits tree.Object) {
	for _, key := range tree.SortedKeys(limits) {
		q, isText := limits[key].(string)
		if !isText {
			q = fmt.Sprint(limits[key])
		}
		if q == "" {
			continue
		}
		v, ok := quantity(q)
		switch {
		case !ok:
			k.fail(path+"."+key, "Invalid value '%s' specified for %s: it is not a quantity.", q, key)
		case key == "memory" && v.Cmp(whole(128<<20)) < 0:
			k.fail(path+"."+key, "Invalid value specified for container memory. Minimum memory is 128Mi.")
		case key == "memory" && v.Cmp(whole(32<<30)) > 0:
			k.fail(path+"."+key, "Invalid value specified for container memory. Maximum memory is 32Gi.")
		case key == "cpu":
			k.cpu(path+"."+key, q, v)
		}
	}
}

// cpu checks for 0.08 to 1, 2, 4, 6 or 8 CPUs.
func (k *checker) cpu(path, q string, v *big.Rat) {
	fraction := v.Cmp(big.NewRat(8, 100)) >= 0 && v.Cmp(whole(1)) <= 0
	some := slices.ContainsFunc([]int64{2, 4, 6, 8}, func(n int64) bool { return v.Cmp(whole(n)) == 0 })
	if !fraction && !some {
		k.fail(path, "Invalid value '%s' specified for cpu: 0.08 to 1, or one of 2, 4, 6 and 8, is expected.", q)
	}
}
