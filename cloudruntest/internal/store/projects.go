package store

import (
	"hash/fnv"
	"strconv"
	"strings"
)

// firstNumber is the number of the first project.
const firstNumber = "123456789012"

// Project is a project, or a namespace of a cluster.
type Project struct {
	ID     string // empty until a request uses it
	Number string
}

// Name returns the ID, or the number while the ID is unknown.
func (p *Project) Name() string {
	if p.ID == "" {
		return p.Number
	}
	return p.ID
}

// Projects are the projects by ID and by number.
type Projects struct {
	byRef   map[string]*Project
	cluster bool
	fixed   bool // other projects do not exist
}

func newProjects(cluster bool, known []Project) Projects {
	ps := Projects{byRef: map[string]*Project{}, cluster: cluster, fixed: len(known) > 0}
	for _, p := range known {
		ps.byRef[p.ID], ps.byRef[p.Number] = &p, &p
	}
	return ps
}

// Get returns the project with an ID or a number. Unless the projects are fixed,
// it adds a missing one. It reports whether the project exists.
func (ps *Projects) Get(ref string) (*Project, bool) {
	if p, ok := ps.byRef[ref]; ok {
		return p, true
	}
	if ps.cluster {
		p := &Project{ID: ref, Number: ref}
		ps.byRef[ref] = p
		return p, true
	}
	if ps.fixed {
		return nil, false
	}
	p := ps.add(ref)
	ps.byRef[p.Number] = p
	if p.ID != "" {
		ps.byRef[p.ID] = p
	}
	return p, true
}

func (ps *Projects) add(ref string) *Project {
	if strings.Trim(ref, "0123456789") == "" {
		return &Project{Number: ref}
	}
	first, taken := ps.byRef[firstNumber]
	switch {
	case !taken:
		return &Project{ID: ref, Number: firstNumber}
	case first.ID == "":
		first.ID = ref // only its number was known so far
		return first
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(ref))
	return &Project{ID: ref, Number: strconv.FormatUint(200_000_000_000+h.Sum64()%700_000_000_000, 10)}
}
