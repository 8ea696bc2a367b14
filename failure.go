package cloudrun

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"knative.dev/pkg/apis"
)

// Cause is what part of becoming ready went wrong.
type Cause string

// The causes of a [NotReadyError].
const (
	// CauseUnknown: the server does not say, or not in words that are known here.
	CauseUnknown Cause = "unknown"
	// CauseImage: the image does not exist, must not be read, or is not one for this platform.
	CauseImage Cause = "image pull"
	// CauseContainerStart: the container exited, or does not listen on its port.
	CauseContainerStart Cause = "container start"
	// CauseHealthCheck: the container runs, but fails a probe that the Service has.
	CauseHealthCheck Cause = "health check"
	// CauseQuota: the project or the cluster has not got the resources.
	CauseQuota Cause = "quota"
	// CausePermission: an account lacks a permission for something other than images and secrets.
	CausePermission Cause = "permission"
	// CauseSecret: a secret does not exist, or the Revision's service account must not read it.
	CauseSecret Cause = "secret access"
	// CauseRouting: the Revision is fine, but the traffic cannot be sent where it should go.
	CauseRouting Cause = "routing"
)

// Cause tells what went wrong, as far as the texts of the server are known.
func (e *NotReadyError) Cause() Cause { return e.diagnose().cause }

func (e *NotReadyError) diagnose() diagnosis {
	failed := e.failedConditions()
	for _, sign := range failureSigns {
		if slices.ContainsFunc(failed, func(c Condition) bool { return holdsAll(c.Message, sign.words) }) {
			return sign.diagnosis
		}
	}
	for _, c := range failed {
		if d, ok := failedReasons[c.Reason]; ok {
			return d
		}
		if strings.HasPrefix(c.Reason, "ExitCode") {
			return diagnosis{CauseContainerStart, adviceLog}
		}
	}
	for _, c := range failed {
		if d, ok := failedPlaces[string(c.Type)]; ok {
			return d
		}
	}
	return diagnosis{CauseUnknown, ""}
}

// failedConditions are all that tell of the failure, the most telling first.
func (e *NotReadyError) failedConditions() []Condition {
	all := []Condition{{Type: apis.ConditionType(e.Condition), Reason: e.Reason, Message: e.Message}}
	for _, conditions := range [][]Condition{e.RevisionConditions, e.Conditions} {
		for _, c := range conditions {
			if conditionFailed(&c) {
				all = append(all, c)
			}
		}
	}
	return all
}

func holdsAll(text string, words []string) bool {
	text = strings.ToLower(text)
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// DeniedSecret is a secret that the Revision's service account must not read.
type DeniedSecret struct {
	// Secret is such as "projects/123/secrets/db-password/versions/latest".
	Secret string
	// ServiceAccount is the email address of the account that needs access.
	ServiceAccount string
}

var deniedSecret = regexp.MustCompile(`(?i)permission denied on secret:? (\S+) for Revision service account (\S+)`)

// DeniedSecrets are the secrets that could not be read, each once; nil unless
// that is the cause and the server names them.
func (e *NotReadyError) DeniedSecrets() []DeniedSecret {
	var all []DeniedSecret
	for _, c := range e.failedConditions() {
		for _, match := range deniedSecret.FindAllStringSubmatch(printable(c.Message, maxMessage), -1) {
			s := DeniedSecret{Secret: match[1], ServiceAccount: strings.Trim(match[2], ".,;")}
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

var (
	logInMessage  = regexp.MustCompile(`\s*Logs? URL: (https?://\S+)`)
	helpInMessage = regexp.MustCompile(`\s*For more troubleshooting guidance, see (https?://\S+)`)
)

// logIn finds the page of the log that Cloud Run mentions in messages.
func logIn(message string) string { return firstGroup(logInMessage, message) }

func firstGroup(re *regexp.Regexp, text string) string {
	if match := re.FindStringSubmatch(text); match != nil {
		return strings.TrimRight(match[1], ".,;")
	}
	return ""
}

// Explain tells people what happened: a block of a few short lines with what
// failed, why in the server's words, what to do, and where the log is. It ends
// with a line feed. [NotReadyError.Error] says the same on one line.
func (e *NotReadyError) Explain() string {
	d := e.diagnose()
	var b strings.Builder
	b.WriteString(e.headline(d.cause) + "\n")
	message := printable(e.Message, maxMessage)
	help := firstGroup(helpInMessage, message)
	log := e.LogURL
	if log == "" {
		log = logIn(message)
	}
	message = helpInMessage.ReplaceAllString(logInMessage.ReplaceAllString(message, ""), "")
	explainLine(&b, "Why", cmp.Or(message, printable(e.Reason, maxMessage)))
	explainLine(&b, "What to do", d.advice)
	for _, s := range e.DeniedSecrets() {
		explainLine(&b, "Grant", s.Secret+" to "+s.ServiceAccount)
	}
	explainLine(&b, "Log", printable(log, maxMessage))
	explainLine(&b, "More", help)
	return b.String()
}

func (e *NotReadyError) headline(cause Cause) string {
	at := ""
	if cause != CauseUnknown {
		at = ": " + string(cause)
	}
	if e.Revision != "" {
		return fmt.Sprintf("Revision %s of service %s failed%s", printable(e.Revision, maxMessage), printable(e.Service, maxMessage), at)
	}
	return fmt.Sprintf("Service %s failed%s", printable(e.Service, maxMessage), at)
}

const (
	explainWidth  = 100
	explainIndent = 14
)

// explainLine adds a labelled line, which goes on below its beginning if it is long.
func explainLine(b *strings.Builder, label, text string) {
	if text == "" {
		return
	}
	fmt.Fprintf(b, "%*s:", explainIndent-2, label)
	column := explainIndent - 1
	for _, word := range strings.Fields(text) {
		if column > explainIndent && column+1+len(word) > explainWidth {
			b.WriteString("\n" + strings.Repeat(" ", explainIndent-1))
			column = explainIndent - 1
		}
		b.WriteString(" " + word)
		column += 1 + len(word)
	}
	b.WriteString("\n")
}
