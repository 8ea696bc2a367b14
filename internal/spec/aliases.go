package spec

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// aliasFor returns the name that a workload has for a secret: the secret's own,
// or for one of another project an alias, which the template maps to its full name.
func aliasFor(w *Workload, secret string) string {
	if !isRemoteSecret(secret) {
		return secret
	}
	aliases := readAliases(w)
	for _, alias := range slices.Sorted(maps.Keys(aliases)) {
		if aliases[alias] == secret {
			return alias
		}
	}
	_, name, _ := strings.Cut(secret, "/secrets/")
	sum := sha256.Sum256([]byte(secret)) // gcloud has a random number; here the same input must give the same output
	alias := fmt.Sprintf("%.5s-%x-%x-%x-%x-%x", name, sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	aliases[alias] = secret
	writeAliases(w, aliases)
	return alias
}

// pruneAliases removes the aliases that nothing uses.
func pruneAliases(w *Workload) error {
	aliases := readAliases(w)
	for alias := range aliases {
		if !usesSecret(w.Pod, alias) {
			delete(aliases, alias)
		}
	}
	writeAliases(w, aliases)
	return nil
}

func usesSecret(pod *corev1.PodSpec, name string) bool {
	for _, c := range pod.Containers {
		if slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return isSecret(v) && v.ValueFrom.SecretKeyRef.Name == name }) {
			return true
		}
	}
	return slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Secret != nil && v.Secret.SecretName == name })
}

// Secrets returns the secrets that a workload uses, each once: the name of one in
// its own project, or "projects/P/secrets/NAME".
func Secrets(w *Workload) (all []string) {
	aliases := readAliases(w)
	add := func(name string) {
		if full, ok := aliases[name]; ok {
			name = full
		}
		if parts := strings.Split(name, "/"); name != "" && (len(parts) == 1 || len(parts) == 4 && parts[0] == "projects" && parts[2] == "secrets") &&
			!slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	for _, c := range w.Pod.Containers {
		for _, v := range c.Env {
			if isSecret(v) {
				add(v.ValueFrom.SecretKeyRef.Name)
			}
		}
	}
	for _, v := range w.Pod.Volumes {
		if v.Secret != nil {
			add(v.Secret.SecretName)
		}
	}
	return all
}

// readAliases reads the annotation "alias:projects/N/secrets/NAME,…".
func readAliases(w *Workload) map[string]string {
	aliases := map[string]string{}
	for _, pair := range strings.Split(w.Template.Annotations[AnnotationSecrets], ",") {
		if alias, secret, ok := strings.Cut(pair, ":"); ok {
			aliases[alias] = secret
		}
	}
	return aliases
}

// writeAliases writes the annotation, unless only its order would change.
func writeAliases(w *Workload, aliases map[string]string) {
	pairs := make([]string, 0, len(aliases))
	for _, alias := range slices.Sorted(maps.Keys(aliases)) {
		pairs = append(pairs, alias+":"+aliases[alias])
	}
	if is := strings.Split(w.Template.Annotations[AnnotationSecrets], ","); slices.Equal(slices.Sorted(slices.Values(is)), pairs) {
		return
	}
	SetAnnotation(w.Template, AnnotationSecrets, strings.Join(pairs, ","))
}
