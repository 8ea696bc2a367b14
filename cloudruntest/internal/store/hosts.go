package store

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// ServiceHost returns the host name of a new Service's URL.
func ServiceHost(p *Project, region, name string) string {
	if region == "" {
		return name + "." + p.Name() + ".example.com"
	}
	return name + "-" + ShortHash(p.Number, region) + "-" + regionCode(region) + ".a.run.app"
}

// NumberHost returns the other host name of a Service. It contains the project number.
func NumberHost(k Key) string { return k.Name + "-" + k.Project + "." + k.Region + ".run.app" }

// TagHost returns the host name of a tag.
func TagHost(sv *Service, tag string) string {
	return tag + tagSeparator(sv.Key.Region == "") + sv.Host
}

// tagSeparator returns what stands between a tag and the Service's host name.
func tagSeparator(cluster bool) string {
	if cluster {
		return "-"
	}
	return "---"
}

// ShortHash returns ten letters and digits that depend on the parts.
func ShortHash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "/")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:10])
}
