package names

import "fmt"

// Revisions makes the names of Revisions. They begin with the name of the
// Service. Cloud Run takes a Service's name that is cut to fit, Knative on a
// cluster does not.
type Revisions struct{ Cluster bool }

// WithSuffix returns the name of a Revision that ends with a suffix.
func (r Revisions) WithSuffix(service, suffix string) (string, error) {
	if name := service + "-" + suffix; len(name) <= maxName {
		return name, nil
	}
	room := maxName - 1 - len(suffix)
	if r.Cluster || room < 1 {
		return "", fmt.Errorf("the name %s-%s is too long for a revision: at most %d characters are allowed", service, suffix, maxName)
	}
	return service[:room] + "-" + suffix, nil
}

// Generated returns a name for a Revision that must have one: the Service's
// name, the generation and a random syllable, or what of that has room.
func (r Revisions) Generated(service string, generation int64, syllable string) (string, error) {
	long := fmt.Sprintf("%05d-%s", generation, syllable)
	if !r.Cluster {
		return r.WithSuffix(service, long)
	}
	for _, suffix := range []string{long, fmt.Sprintf("%d-%s", generation, syllable), fmt.Sprint(generation)} {
		if name, err := r.WithSuffix(service, suffix); err == nil {
			return name, nil
		}
	}
	return "", fmt.Errorf("the name of the service is too long: it has %d characters, and a tagged revision needs a name that begins with it and has at most %d", len(service), maxName)
}
