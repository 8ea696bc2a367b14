package lossless_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// randomObject returns an object with some of the members, and some that no view
// knows, in any order and spacing.
func randomObject(r *rand.Rand, members ...string) string {
	members = slices.DeleteFunc(members, func(string) bool { return r.IntN(4) == 0 })
	for i := range r.IntN(3) {
		members = append(members, fmt.Sprintf(`"x%d":%s`, i, pick(r, `1`, `1.50`, `null`, `""`, `{"a":[{}]}`, `"\u003c"`)))
	}
	r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, pick(r, ",", " , ")) + "}"
}

func randomList(r *rand.Rand, most int, element func(*rand.Rand) string) string {
	elements := make([]string, r.IntN(most+1))
	for i := range elements {
		if elements[i] = element(r); r.IntN(30) == 0 {
			elements[i] = "null"
		}
	}
	return "[" + strings.Join(elements, ",") + "]"
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func letter(r *rand.Rand) string { return pick(r, "a", "b", "c", "d", "") }

func quoted(r *rand.Rand) string { return `"` + letter(r) + `"` }

func randomService(r *rand.Rand) string {
	template := randomObject(r, `"metadata":`+randomMetadata(r), `"spec":`+randomTemplateSpec(r))
	spec := randomObject(r, `"template":`+template, `"traffic":`+randomList(r, 4, randomTarget))
	return randomObject(r, `"kind":"Service"`, `"metadata":`+randomMetadata(r), `"spec":`+spec,
		`"status":`+randomObject(r, `"conditions":`+randomList(r, 2, func(r *rand.Rand) string {
			return randomObject(r, `"type":`+quoted(r), `"status":`+quoted(r))
		})))
}

func randomMetadata(r *rand.Rand) string {
	return randomObject(r, `"name":`+quoted(r), `"creationTimestamp":null`, `"labels":`+pick(r, `{}`, `null`, `{"b":"","name":"1"}`, `{"a":null}`))
}

func randomTemplateSpec(r *rand.Rand) string {
	return randomObject(r, `"containers":`+randomList(r, 3, randomContainer), `"containerConcurrency":`+pick(r, "0", "80", "null"),
		`"volumes":`+randomList(r, 3, func(r *rand.Rand) string {
			item := func(r *rand.Rand) string { return randomObject(r, `"path":`+quoted(r), `"key":`+quoted(r)) }
			return randomObject(r, `"name":`+quoted(r), pick(r, `"emptyDir":{}`, `"emptyDir":null`, `"other":{}`,
				`"secret":`+randomObject(r, `"secretName":"s"`, `"items":`+randomList(r, 3, item))))
		}))
}

func randomContainer(r *rand.Rand) string {
	return randomObject(r, `"name":`+quoted(r), `"image":`+quoted(r), `"args":`+pick(r, `[]`, `["\u0061","b"]`), `"env":`+randomList(r, 5, randomEnv),
		`"envFrom":[{"prefix":"a","x":1},{"prefix":"b","x":2}]`,
		`"ports":`+pick(r, `[{"containerPort":1,"x":2}]`, `[{"name":"h2c"},{"containerPort":0}]`),
		`"resources":`+pick(r, `null`, `{}`, `{"limits":{"cpu":"1000m","x":"1"}}`, `{"x":1}`, `{"limits":null}`),
		`"volumeMounts":`+randomList(r, 3, func(r *rand.Rand) string { return randomObject(r, `"name":`+quoted(r), `"mountPath":`+quoted(r)) }),
		`"startupProbe":`+pick(r, `null`, `{}`, `{"initialDelaySeconds":0,"httpGet":{}}`, `{"httpGet":{"port":0,"x":1}}`))
}

func randomEnv(r *rand.Rand) string {
	return randomObject(r, `"name":`+quoted(r), pick(r, `"value":"1"`, `"value":""`, `"valueFrom":`+randomObject(r, `"secretKeyRef":{"key":"1","x":1}`)))
}

func randomTarget(r *rand.Rand) string {
	return randomObject(r, `"tag":`+quoted(r), pick(r, `"revisionName":`+quoted(r), `"latestRevision":true`, `"latestRevision":false`), `"percent":`+pick(r, `0`, `50`, `null`))
}

// edit makes a random change.
func edit(r *rand.Rand, s *service) {
	spec := &s.Spec.Template.Spec
	switch r.IntN(8) {
	case 0:
		m := pick(r, &s.Metadata, &s.Spec.Template.Metadata)
		m.Name = letter(r)
		m.Labels = map[string]string{letter(r): letter(r)}
	case 1:
		spec.Concurrency = pick(r, nil, ptr[int64](0), ptr[int64](9))
	case 2:
		spec.Containers = shuffled(r, spec.Containers, container{Name: letter(r), Image: letter(r)})
	case 3:
		spec.Volumes = shuffled(r, spec.Volumes, volume{Name: letter(r), Secret: &secret{Items: []item{{Path: letter(r)}}}})
	case 4:
		s.Spec.Traffic = shuffled(r, s.Spec.Traffic, traffic{RevisionName: letter(r), Tag: letter(r), Percent: ptr(r.Int64N(100))})
	case 5:
		s.Status.Conditions = shuffled(r, s.Status.Conditions, condition{Type: letter(r)})
	default:
		for i := range spec.Containers {
			editContainer(r, &spec.Containers[i])
		}
	}
}

func editContainer(r *rand.Rand, c *container) {
	switch r.IntN(9) {
	case 0:
		c.Name = letter(r)
	case 1:
		c.Image = letter(r)
	case 2:
		c.Env = shuffled(r, c.Env, env{Name: letter(r), Value: letter(r)})
	case 3:
		c.Mounts = shuffled(r, c.Mounts, mount{Name: letter(r), MountPath: letter(r)})
	case 4:
		c.Args = shuffled(r, c.Args, letter(r))
	case 5:
		c.Ports = shuffled(r, c.Ports, port{ContainerPort: r.Int32N(3)})
	case 6:
		c.Resources.Limits = pick(r, nil, map[string]quantity{"cpu": "2"})
	case 7:
		c.Startup = pick(r, nil, &probe{HTTPGet: &action{Port: r.IntN(2)}})
	case 8:
		c.EnvFrom = shuffled(r, c.EnvFrom, envFrom{Prefix: letter(r)})
	}
}

// shuffled drops, replaces, adds and moves elements.
func shuffled[T any](r *rand.Rand, list []T, fresh T) []T {
	list = slices.Clone(list)
	if len(list) > 0 && r.IntN(2) == 0 {
		list[r.IntN(len(list))] = fresh
	}
	if len(list) > 0 && r.IntN(3) == 0 {
		list = slices.Delete(list, 0, 1)
	}
	if r.IntN(3) == 0 {
		list = append(list, fresh)
	}
	if r.IntN(2) == 0 {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return list
}
