package cloudruntest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

const defaultNumber = "123456789012"

type project struct {
	id     string // empty until somebody uses it
	number string
}

// name is what the project is called in messages and names.
func (p *project) name() string {
	if p.id == "" {
		return p.number
	}
	return p.id
}

type serviceKey struct{ project, region, name string } // project: its number

// clock numbers the changes, so that resource versions never repeat.
type clock int64

// versions is how many resource versions one write may pass through.
const versions = 64

func (c *clock) next() int64 {
	*c += versions
	return int64(*c)
}

// project finds or makes the project of an ID or a number. The caller holds the lock.
func (s *Server) project(ref string) (*project, *apiError) {
	if p, ok := s.projects[ref]; ok {
		return p, nil
	}
	if s.conf.cluster {
		p := &project{id: ref, number: ref}
		s.projects[ref] = p
		return p, nil
	}
	if len(s.conf.projects) > 0 {
		return nil, forbidden("run.services.get", "projects/"+ref)
	}
	p := s.newProject(ref)
	s.projects[p.number] = p
	if p.id != "" {
		s.projects[p.id] = p
	}
	return p, nil
}

func (s *Server) newProject(ref string) *project {
	if strings.Trim(ref, "0123456789") == "" {
		return &project{number: ref}
	}
	first, taken := s.projects[defaultNumber]
	switch {
	case !taken:
		return &project{id: ref, number: defaultNumber}
	case first.id == "":
		first.id = ref // until now it was only known by its number
		return first
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(ref))
	return &project{id: ref, number: strconv.FormatUint(200_000_000_000+h.Sum64()%700_000_000_000, 10)}
}

// find looks a Service up; an empty region means any.
func (s *Server) find(t target, c *call) *service {
	if sv := s.services[serviceKey{t.project.number, t.region, t.name}]; sv != nil {
		if !sv.gone(c.now) {
			return sv
		}
		delete(s.services, sv.key)
	}
	if t.region != "" && (c.region != "" || c.global || s.conf.cluster) {
		return nil
	}
	for _, region := range s.conf.regions {
		if sv := s.services[serviceKey{t.project.number, region, t.name}]; sv != nil && !sv.gone(c.now) {
			return sv
		}
	}
	return nil
}

// version spells a resource version as Cloud Run or as etcd does.
func (s *Server) version(n int64) string {
	if s.conf.cluster {
		return strconv.FormatInt(n, 10)
	}
	b := []byte("AAZ")
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var low [8]byte
	for i := len(low) - 1; i >= 0; i-- {
		low[i] = digits[n%62]
		n /= 62
	}
	return string(append(b, low[:]...))
}

func newUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// revisionWord is the random end of a generated revision name.
func revisionWord() string {
	const consonants, vowels = "bcdfghjklmnpqrstvwxz", "aeiou"
	var b [3]byte
	_, _ = rand.Read(b[:])
	return string([]byte{consonants[int(b[0])%len(consonants)], vowels[int(b[1])%len(vowels)], consonants[int(b[2])%len(consonants)]})
}

// hostHash is the part of a host name that keeps projects apart.
func hostHash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "/")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:10])
}

func digest(image string) string {
	sum := sha256.Sum256([]byte(image))
	return hex.EncodeToString(sum[:])
}

// timestamp spells a time as the API it plays does: Kubernetes knows whole seconds only.
func (s *Server) timestamp(t time.Time) string {
	if s.conf.cluster {
		return t.UTC().Format("2006-01-02T15:04:05Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

func itoa(n int) string { return strconv.Itoa(n) }

func upper(s string) string { return strings.ToUpper(s) }

func escapeHTML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

// atoi reads a number; 0 if it is none.
func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
