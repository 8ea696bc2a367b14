package cloudrun

import (
	"errors"
	"strconv"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// WithServiceAccount sets the service account that the Service runs as, by its
// e-mail address. The default is the project's compute account. Flag: --service-account.
// Field: serviceAccountName of the template.
func WithServiceAccount(account string) ServiceOption {
	s := editTemplate(edits.Spell("WithServiceAccount", account), "the service account", account, func(spec *servingv1.RevisionSpec) {
		spec.ServiceAccountName = account
	})
	s.err = notEmpty("service account", account)
	return onService(s)
}

// WithInvokerIAMCheck says whether callers need the permission
// run.routes.invoke, which is the default; without the check the Service is
// open to all whom its ingress lets in. It makes no new Revision.
// Flag: --[no-]invoker-iam-check. Field: the annotation
// run.googleapis.com/invoker-iam-disabled, which says the opposite.
func WithInvokerIAMCheck(on bool) ServiceOption {
	return onService(annotateService(edits.Spell("WithInvokerIAMCheck", on), annotationInvokerDisabled, boolean(!on), nil))
}

// WithIAP says whether Identity-Aware Proxy stands before the Service. It makes
// no new Revision. When it is switched on, [Deployer.Deploy] also lets the proxy's
// own account invoke the Service. Flag: --[no-]iap (beta). Field: the annotation
// run.googleapis.com/iap-enabled, which is "true" or absent, and a member of
// roles/run.invoker of the IAM policy.
func WithIAP(on bool) ServiceOption {
	value := ""
	if on {
		value = "true"
	}
	option := edits.Spell("WithIAP", on)
	return serviceOption{append(asEdits([]setting{annotateService(option, annotationIAP, value, nil)}),
		edits.Configures(option, "the access of Identity-Aware Proxy", value, nil, func(c *deployConfig) { c.iap = on }))}
}

// WithBinaryAuthorization has images checked by a policy of Binary
// Authorization: "default" or the name of one. It makes no new Revision.
// Flag: --binary-authorization. Field: the annotation
// run.googleapis.com/binary-authorization.
func WithBinaryAuthorization(policy string) ServiceOption {
	return onService(annotateService(edits.Spell("WithBinaryAuthorization", policy), annotationBinaryAuthorization, policy, notEmpty("policy", policy)))
}

// WithoutBinaryAuthorization has images no longer checked. It makes no new
// Revision. Flag: --clear-binary-authorization. Field: the annotation
// run.googleapis.com/binary-authorization.
func WithoutBinaryAuthorization() ServiceOption {
	return onService(annotateService("WithoutBinaryAuthorization()", annotationBinaryAuthorization, "", nil))
}

// WithBreakglass has an image deployed that Binary Authorization would refuse,
// and tells why. It is for one deployment: the next write removes it.
// Flag: --breakglass. Field: the annotation
// run.googleapis.com/binary-authorization-breakglass.
func WithBreakglass(justification string) ServiceOption {
	return onService(annotateService(edits.Spell("WithBreakglass", justification), annotationBreakglass, justification, notEmpty("justification", justification)))
}

// WithEncryptionKey has the image encrypted with a key of yours (CMEK):
// "projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY". Flag: --key.
// Field: the template annotation run.googleapis.com/encryption-key.
func WithEncryptionKey(key string) ServiceOption {
	var err error
	if !fullName(key, "projects", "locations", "keyRings", "cryptoKeys") {
		err = errors.New("give its full name, projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY")
	}
	return onService(annotateTemplate(edits.Spell("WithEncryptionKey", key), annotationEncryptionKey, key, err))
}

// WithoutEncryptionKey has the image encrypted with Google's own key, and
// forgets what should happen when the key is revoked. Flag: --clear-key.
// Fields: those of [WithEncryptionKey], [WithPostKeyRevocationAction] and
// [WithEncryptionKeyShutdownHours].
func WithoutEncryptionKey() ServiceOption {
	return clearTemplate("WithoutEncryptionKey()", annotationEncryptionKey, annotationRevocationAction, annotationShutdownHours)
}

// WithPostKeyRevocationAction sets what happens when the encryption key is
// revoked: "prevent-new" (no new instances) or "shut-down".
// Flag: --post-key-revocation-action-type. Field: the template annotation
// run.googleapis.com/post-key-revocation-action-type.
func WithPostKeyRevocationAction(action string) ServiceOption {
	err := oneOf(action, "prevent-new", "shut-down")
	return onService(annotateTemplate(edits.Spell("WithPostKeyRevocationAction", action), annotationRevocationAction, action, err))
}

// WithoutPostKeyRevocationAction forgets what should happen when the
// encryption key is revoked, and when. Flag:
// --clear-post-key-revocation-action-type. Fields: those of
// [WithPostKeyRevocationAction] and [WithEncryptionKeyShutdownHours].
func WithoutPostKeyRevocationAction() ServiceOption {
	return clearTemplate("WithoutPostKeyRevocationAction()", annotationRevocationAction, annotationShutdownHours)
}

// WithEncryptionKeyShutdownHours sets how many hours after the encryption key
// was revoked instances are shut down, at least 1.
// Flag: --encryption-key-shutdown-hours. Field: the template annotation
// run.googleapis.com/encryption-key-shutdown-hours.
func WithEncryptionKeyShutdownHours(hours int) ServiceOption {
	var err error
	if hours < 1 {
		err = errors.New("it must be at least 1")
	}
	return onService(annotateTemplate(edits.Spell("WithEncryptionKeyShutdownHours", hours), annotationShutdownHours, strconv.Itoa(hours), err))
}

// WithoutEncryptionKeyShutdownHours has Cloud Run decide when instances are
// shut down after the encryption key was revoked.
// Flag: --clear-encryption-key-shutdown-hours. Field: the template annotation
// run.googleapis.com/encryption-key-shutdown-hours.
func WithoutEncryptionKeyShutdownHours() ServiceOption {
	return clearTemplate("WithoutEncryptionKeyShutdownHours()", annotationShutdownHours)
}

// clearTemplate removes annotations of the template.
func clearTemplate(option string, keys ...string) ServiceOption {
	return onService(perItem(keys, func(key string) setting { return annotateTemplate(option, key, "", nil) })...)
}

// fullName tells whether a name consists of these collections, each followed by an ID.
func fullName(name string, collections ...string) bool {
	parts := strings.Split(name, "/")
	if len(parts) != 2*len(collections) {
		return false
	}
	for i, collection := range collections {
		if parts[2*i] != collection || parts[2*i+1] == "" {
			return false
		}
	}
	return true
}
