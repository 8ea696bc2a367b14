package runflags

import (
	"fmt"

	"github.com/cloudrun-go/cloudrun"
)

func securityFlags() []*flag {
	return []*flag{
		{name: "invoker-iam-check", takes: takesSwitch, usage: "callers need the permission to invoke the service", service: onOff(cloudrun.WithInvokerIAMCheck)},
		{name: "iap", takes: takesSwitch, stage: beta, usage: "Identity-Aware Proxy stands before the service", service: onOff(cloudrun.WithIAP)},
		{name: "binary-authorization", usage: "`policy` that images must pass", service: orEmpty(cloudrun.WithBinaryAuthorization, cloudrun.WithoutBinaryAuthorization)},
		{name: "clear-binary-authorization", takes: takesNone, usage: "images need not pass a policy any more", service: always(cloudrun.WithoutBinaryAuthorization)},
		{name: "breakglass", usage: "`justification` for an image that does not pass the policy", service: orEmpty(cloudrun.WithBreakglass, withoutBreakglass)},
		{name: "key", usage: "`name` of the key that the image is encrypted with", service: orEmpty(cloudrun.WithEncryptionKey, withoutKey)},
		{name: "clear-key", takes: takesNone, usage: "encrypt with Google's own key again", service: always(cloudrun.WithoutEncryptionKey)},
		{name: "post-key-revocation-action-type", usage: "what happens when the key is revoked: `prevent-new` or shut-down",
			service: oneChoice(cloudrun.WithPostKeyRevocationAction, "prevent-new", "shut-down")},
		{name: "clear-post-key-revocation-action-type", takes: takesNone, usage: "forget what happens when the key is revoked", service: always(cloudrun.WithoutPostKeyRevocationAction)},
		{name: "encryption-key-shutdown-hours", usage: "`hours` from the revocation of the key to the shutdown", service: shutdownHours},
		{name: "clear-encryption-key-shutdown-hours", takes: takesNone, usage: "forget when to shut down", service: always(cloudrun.WithoutEncryptionKeyShutdownHours)},
	}
}

// The justification is dropped by every write; its flag asks for one.
func withoutBreakglass() cloudrun.ServiceOption {
	return cloudrun.WithoutAnnotation("run.googleapis.com/binary-authorization-breakglass")
}

// withoutKey drops the key alone, unlike --clear-key.
func withoutKey() cloudrun.ServiceOption {
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
