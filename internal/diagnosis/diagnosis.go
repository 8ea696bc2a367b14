// Package diagnosis finds the cause of a failed Service or Revision in the
// conditions that Cloud Run and Knative report, and what to do about it.
package diagnosis

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// Condition is a failed condition of a Service or Revision.
type Condition struct{ Type, Reason, Message string }

// Platform is where a Service runs.
type Platform int

// The platforms.
const (
	CloudRun Platform = iota
	Cluster           // any other with Knative Serving
)

// Of returns the diagnosis of failed conditions, the most specific first.
// Messages count before reasons, and reasons before the types of conditions.
func (p Platform) Of(failed []Condition) Diagnosis {
	d := of(failed)
	if p == Cluster {
		d.Advice = clusterAdvice(d.Advice)
	}
	return d
}

func of(failed []Condition) Diagnosis {
	for _, sign := range signs {
		if slices.ContainsFunc(failed, func(c Condition) bool { return containsAll(c.Message, sign.words) }) {
			return sign.Diagnosis
		}
	}
	for _, c := range failed {
		if d, ok := find(reasons, c.Reason); ok {
			return d
		}
		if strings.HasPrefix(c.Reason, "ExitCode") {
			return Diagnosis{ContainerStart, adviceLog}
		}
	}
	for _, c := range failed {
		if d, ok := find(conditions, c.Type); ok && !consequence(c, failed) {
			return d
		}
	}
	return Diagnosis{Cause: Unknown}
}

// consequence reports whether a condition failed only because another one did:
// there is nothing to route to while no Revision is ready.
func consequence(c Condition, failed []Condition) bool {
	return c.Type == routesReady && slices.ContainsFunc(failed, func(other Condition) bool { return other.Type == configurationsReady })
}

func find(all []named, name string) (Diagnosis, bool) {
	i := slices.IndexFunc(all, func(n named) bool { return n.name == name })
	if i < 0 {
		return Diagnosis{}, false
	}
	return all[i].Diagnosis, true
}

func containsAll(text string, words []string) bool {
	text = strings.ToLower(text)
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

// DeniedSecret is a secret that a service account is not allowed to read.
type DeniedSecret struct{ Secret, ServiceAccount string }

// DeniedSecrets returns the secrets that messages name as denied, each once.
func DeniedSecrets(failed []Condition) []DeniedSecret {
	var all []DeniedSecret
	for _, c := range failed {
		for _, match := range deniedSecret().FindAllStringSubmatch(safetext.Message(c.Message), -1) {
			s := DeniedSecret{Secret: match[1], ServiceAccount: strings.Trim(match[2], ".,;")}
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// SplitLinks returns a message without the links that Cloud Run adds to it, and
// the links: to the log, and to a page with help. Each is empty if absent.
func SplitLinks(message string) (text, log, help string) {
	log, help = firstGroup(logLink(), message), firstGroup(helpLink(), message)
	return helpLink().ReplaceAllString(logLink().ReplaceAllString(message, ""), ""), log, help
}

// Essence returns the cause in a message of Cloud Run: the message without its
// links and without the sentences that every failure has. A message that has
// nothing else is returned whole.
func Essence(message string) string {
	text, _, _ := SplitLinks(message)
	if short := strings.TrimSpace(boilerplate().ReplaceAllString(text, "")); short != "" {
		return short
	}
	return strings.TrimSpace(text)
}

func firstGroup(re *regexp.Regexp, text string) string {
	if match := re.FindStringSubmatch(text); match != nil {
		return strings.TrimRight(match[1], ".,;")
	}
	return ""
}

// The patterns are compiled on first use: few programs ever see a failure.
var (
	deniedSecret = pattern(`(?i)permission denied on secret:? (\S+) for Revision service account (\S+)`)
	logLink      = pattern(`\s*Logs? URL: (https?://\S+)`)
	boilerplate  = pattern(`^Revision '[^']*' is not ready and cannot serve traffic\.\s*|\s*Logs for this revision might contain more information\.`)
	helpLink     = pattern(`\s*For more troubleshooting guidance, see (https?://\S+)`)
)

func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
