package runflags

import (
	"fmt"

	"github.com/cloudrun-go/cloudrun"
)

func securityFlags() []*flag {
	return []*flag{
		{name: "invoker-iam-check", takes: takesSwitch, usage: "require callers to have the permission to invoke the service", service: onOff(cloudrun.WithInvokerIAMCheck)},
		{name: "iap", takes: takesSwitch, stage: beta, usage: "put Identity-Aware Proxy in front of the service", service: onOff(cloudrun.WithIAP)},
		{name: "binary-authorization", metavar: "POLICY", usage: "policy that images must pass, such as default", workload: orEmpty(cloudrun.WithBinaryAuthorization, cloudrun.WithoutBinaryAuthorization)},
		{name: "clear-binary-authorization", takes: takesNone, usage: "stop requiring images to pass a policy", workload: always(cloudrun.WithoutBinaryAuthorization)},
		{name: "breakglass", metavar: "JUSTIFICATION", usage: "justification for an image that does not pass the policy", workload: orEmpty(cloudrun.WithBreakglass, withoutBreakglass)},
		{name: "key", usage: "name of the key that encrypts the image, projects/P/locations/L/keyRings/R/cryptoKeys/K", workload: orEmpty(cloudrun.WithEncryptionKey, withoutKey)},
		{name: "clear-key", takes: takesNone, usage: "encrypt with Google's own key", workload: always(cloudrun.WithoutEncryptionKey)},
		{name: "post-key-revocation-action-type", usage: "action when the key is revoked: prevent-new or shut-down",
			workload: oneChoice(cloudrun.WithPostKeyRevocationAction, "prevent-new", "shut-down")},
		{name: "clear-post-key-revocation-action-type", takes: takesNone, usage: "remove the action when the key is revoked", workload: always(cloudrun.WithoutPostKeyRevocationAction)},
		{name: "encryption-key-shutdown-hours", usage: "hours from the revocation of the key until the shutdown", service: shutdownHours},
		{name: "clear-encryption-key-shutdown-hours", takes: takesNone, usage: "remove the time until the shutdown", workload: always(cloudrun.WithoutEncryptionKeyShutdownHours)},
	}
}

// withoutBreakglass drops the justification. Every write does, and its flag causes one.
func withoutBreakglass() cloudrun.WorkloadOption {
	return cloudrun.WithoutAnnotation("run.googleapis.com/binary-authorization-breakglass")
}

// withoutKey drops only the key, unlike --clear-key.
func withoutKey() cloudrun.WorkloadOption {
	return cloudrun.WithoutTemplateAnnotation("run.googleapis.com/encryption-key")
}

func shutdownHours(g given) ([]cloudrun.ServiceOption, error) {
	raw := g.text(g.name)
	if raw == "" {
		return []cloudrun.ServiceOption{cloudrun.WithoutEncryptionKeyShutdownHours()}, nil
	}
	n, err := parseInt(raw)
	if err != nil {
		return nil, fmt.Errorf("bad value [%s]: must be an integer", raw)
	}
	return []cloudrun.ServiceOption{cloudrun.WithEncryptionKeyShutdownHours(n)}, nil
}
