package cloudruntest

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const revisionPath = "spec.template.spec."

// revision checks what a Revision consists of.
func (k *checker) revision(spec object) {
	k.number(revisionPath+"containerConcurrency", spec["containerConcurrency"], 0, 1000)
	k.number(revisionPath+"timeoutSeconds", spec["timeoutSeconds"], 0, 3600)
	containers := objects(spec, "containers")
	if len(containers) == 0 {
		k.fail(revisionPath+"containers", "Revision template should contain at least one container.")
	}
	if len(containers) > 10 {
		k.fail(revisionPath+"containers", "At most 10 containers are allowed, got %d.", len(containers))
	}
	volumes := k.volumes(objects(spec, "volumes"))
	names, ports := map[string]bool{}, 0
	for i, c := range containers {
		path := fmt.Sprintf("%scontainers[%d]", revisionPath, i)
		name := text(c, "name")
		if name != "" && names[name] {
			k.fail(path+".name", "The container name '%s' is used more than once.", name)
		}
		names[name] = true
		ports += len(items(c, "ports"))
		k.container(path, c, volumes)
	}
	if len(containers) > 1 && ports != 1 {
		k.fail(revisionPath+"containers", "Revision template must contain exactly one container with an exposed port, got %d.", ports)
	}
}

func (k *checker) volumes(list []object) map[string]bool {
	names := map[string]bool{}
	for i, v := range list {
		path := fmt.Sprintf("%svolumes[%d].name", revisionPath, i)
		name := text(v, "name")
		switch {
		case name == "":
			k.fail(path, "A volume must have a name.")
		case names[name]:
			k.fail(path, "The volume name '%s' is used more than once.", name)
		}
		names[name] = true
	}
	return names
}

func (k *checker) container(path string, c object, volumes map[string]bool) {
	before := len(k.wrong)
	k.shape(path+".", c, "env[]", "ports[]", "volumeMounts[]", "resources", "startupProbe", "livenessProbe", "readinessProbe")
	if len(k.wrong) > before {
		return
	}
	if text(c, "image") == "" {
		k.fail(path+".image", "A container image must be specified.")
	}
	if name := text(c, "name"); len(name) > 63 || name != "" && !dnsLabel.MatchString(name) {
		k.fail(path+".name", "Invalid container name '%s'.", name)
	}
	k.env(path+".env", objects(c, "env"))
	k.ports(path+".ports", objects(c, "ports"))
	k.limits(path+".resources.limits", at(c, "resources", "limits"))
	for i, m := range objects(c, "volumeMounts") {
		mount := fmt.Sprintf("%s.volumeMounts[%d]", path, i)
		if !volumes[text(m, "name")] {
			k.fail(mount+".name", "The volume '%s' is not defined.", text(m, "name"))
		}
		if !strings.HasPrefix(text(m, "mountPath"), "/") {
			k.fail(mount+".mountPath", "Invalid mount path '%s': it must be absolute.", text(m, "mountPath"))
		}
	}
}

func (k *checker) env(path string, list []object) {
	var reserved []string
	for i, e := range list {
		name := text(e, "name")
		if name == "" || strings.Contains(name, "=") {
			k.fail(fmt.Sprintf("%s[%d].name", path, i), "Invalid environment variable name '%s'.", name)
		}
		if slices.Contains([]string{"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"}, name) || strings.HasPrefix(name, "X_GOOGLE_") {
			reserved = append(reserved, name)
		}
	}
	if len(reserved) > 0 {
		k.fail(path, "The following reserved env names were provided: %s. These values are automatically set by the system.", strings.Join(reserved, ", "))
	}
}

func (k *checker) ports(path string, list []object) {
	if len(list) > 1 {
		k.fail(path, "At most one port is allowed, got %d.", len(list))
	}
	for i, p := range list {
		if name := text(p, "name"); !slices.Contains([]string{"", "http1", "h2c"}, name) {
			k.fail(fmt.Sprintf("%s[%d].name", path, i), "Unsupported port name '%s': it must be empty, http1 or h2c.", name)
		}
		k.number(fmt.Sprintf("%s[%d].containerPort", path, i), p["containerPort"], 0, 65535)
	}
}

func (k *checker) limits(path string, limits object) {
	for _, key := range sortedKeys(limits) {
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

func whole(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

var quantityForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$`)

// quantity reads a Kubernetes quantity such as 512Mi, 0.5 or 1e3.
func quantity(s string) (*big.Rat, bool) {
	m := quantityForm.FindStringSubmatch(s)
	if m == nil || len(s) > 40 {
		return nil, false
	}
	number, suffix := strings.TrimSuffix(m[1], "."), m[2]
	if len(suffix) > 1 && (suffix[0] == 'e' || suffix[0] == 'E') && suffix[1] != 'i' {
		return new(big.Rat).SetString(number + suffix)
	}
	v, ok := new(big.Rat).SetString(number)
	if !ok {
		return nil, false
	}
	scale := map[string]*big.Rat{
		"": whole(1), "n": big.NewRat(1, 1e9), "u": big.NewRat(1, 1e6), "m": big.NewRat(1, 1e3),
		"k": whole(1e3), "M": whole(1e6), "G": whole(1e9), "T": whole(1e12), "P": whole(1e15), "E": whole(1e18),
		"Ki": whole(1 << 10), "Mi": whole(1 << 20), "Gi": whole(1 << 30), "Ti": whole(1 << 40), "Pi": whole(1 << 50), "Ei": whole(1 << 60),
	}
	return v.Mul(v, scale[suffix]), true
}

func integer(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil
}
