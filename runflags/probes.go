package runflags

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun"
)

// The keys of probes that gcloud accepts.
var (
	commonProbeKeys    = []string{"timeoutSeconds", "periodSeconds", "failureThreshold", "httpGet.port", "httpGet.path", "grpc.port", "grpc.service"}
	startupProbeKeys   = append([]string{"initialDelaySeconds", "tcpSocket.port"}, commonProbeKeys...)
	livenessProbeKeys  = append([]string{"initialDelaySeconds"}, commonProbeKeys...)
	readinessProbeKeys = append([]string{"successThreshold"}, commonProbeKeys...)
)

func probeFlags() []*flag {
	usage := func(keys []string) string {
		return "the whole probe, with the keys " + strings.Join(keys, ", ") + "; empty for none"
	}
	return inContainer(
		&flag{name: "startup-probe", metavar: "[KEY=VALUE,...]", usage: usage(startupProbeKeys),
			container: probe("startup", startupProbeKeys, cloudrun.WithStartupProbe, cloudrun.WithoutStartupProbe)},
		&flag{name: "liveness-probe", metavar: "[KEY=VALUE,...]", usage: usage(livenessProbeKeys),
			container: probe("liveness", livenessProbeKeys, cloudrun.WithLivenessProbe, cloudrun.WithoutLivenessProbe)},
		&flag{name: "readiness-probe", metavar: "[KEY=VALUE,...]", stage: alpha, usage: usage(readinessProbeKeys),
			container: probe("readiness", readinessProbeKeys, cloudrun.WithReadinessProbe, cloudrun.WithoutReadinessProbe)},
	)
}

func probe(kind string, keys []string, with func(cloudrun.Probe) cloudrun.ContainerOption, without func() cloudrun.ContainerOption) func(given) ([]cloudrun.ContainerOption, error) {
	return func(g given) ([]cloudrun.ContainerOption, error) {
		dict, err := parseDict(g.text(g.name))
		if err != nil {
			return nil, err
		}
		if len(dict) == 0 {
			return []cloudrun.ContainerOption{without()}, nil
		}
		for _, key := range sortedKeys(dict) {
			if !slices.Contains(keys, key) {
				return nil, fmt.Errorf("key [%s] not recognized for %s probe: use %s", key, kind, strings.Join(keys, ", "))
			}
		}
		p, err := parseProbe(dict)
		return []cloudrun.ContainerOption{with(p)}, err
	}
}

// probeReader parses the values of a probe and keeps the first error.
type probeReader struct {
	dict map[string]string
	err  error
}

// number returns a value; an empty one counts as absent.
func (r *probeReader) number(key string) int {
	raw := r.dict[key]
	if raw == "" {
		return 0
	}
	n, err := parseInt(raw)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("value for key [%s] must be an integer", key)
	}
	return n
}

func (r *probeReader) seconds(key string) time.Duration {
	return time.Duration(r.number(key)) * time.Second
}

// has reports whether there is a key of a kind of check.
func (r *probeReader) has(check string) bool {
	return slices.ContainsFunc(sortedKeys(r.dict), func(key string) bool { return strings.HasPrefix(key, check+".") })
}

func parseProbe(dict map[string]string) (cloudrun.Probe, error) {
	r := &probeReader{dict: dict}
	p := cloudrun.Probe{
		InitialDelay:     r.seconds("initialDelaySeconds"),
		Period:           r.seconds("periodSeconds"),
		Timeout:          r.seconds("timeoutSeconds"),
		FailureThreshold: r.number("failureThreshold"),
		SuccessThreshold: r.number("successThreshold"),
	}
	var checks []cloudrun.ProbeCheck
	if r.has("httpGet") {
		checks = append(checks, cloudrun.HTTPCheck{Path: dict["httpGet.path"], Port: r.number("httpGet.port")})
	}
	if r.has("tcpSocket") {
		checks = append(checks, cloudrun.TCPCheck{Port: r.number("tcpSocket.port")})
	}
	if r.has("grpc") {
		checks = append(checks, cloudrun.GRPCCheck{Port: r.number("grpc.port"), Service: dict["grpc.service"]})
	}
	switch {
	case r.err != nil:
		return p, r.err
	case len(checks) > 1:
		return p, fmt.Errorf("a probe uses only one of httpGet, tcpSocket and grpc")
	case len(checks) == 1:
		p.Check = checks[0]
	}
	return p, nil
}
