package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// Collection is a list that is kept in an annotation.
type Collection struct {
	item       string // what an item is called
	annotation string // the thing that the annotation is for claims
	check      func(string) error
	read       func(*Workload) ([]string, error)
	write      func(*Workload, []string) error
}

// CloudSQL returns the Cloud SQL instances that a workload is connected to.
func CloudSQL() Collection {
	return Collection{
		item:       "Cloud SQL instance",
		annotation: templateAnnotation(AnnotationCloudSQL),
		check:      checkCloudSQL,
		read: func(w *Workload) ([]string, error) {
			if text := w.Template.Annotations[AnnotationCloudSQL]; text != "" {
				return strings.Split(text, ","), nil
			}
			return nil, nil
		},
		write: func(w *Workload, list []string) error {
			PutAnnotation(w.Template, AnnotationCloudSQL, strings.Join(list, ","))
			return nil
		},
	}
}

// CustomAudiences returns the audiences that ID tokens for a Service may have.
// They are in the Service's own metadata, but a change of them makes a new
// Revision, as with gcloud.
func CustomAudiences() Collection {
	return Collection{
		item:       "custom audience",
		annotation: resourceAnnotation(AnnotationCustomAudiences),
		check:      func(audience string) error { return edits.NotEmpty("audience", audience) },
		read: func(w *Workload) (list []string, err error) {
			return list, ReadJSON(w.Meta, AnnotationCustomAudiences, &list)
		},
		write: func(w *Workload, list []string) error {
			text, err := json.Marshal(list)
			if len(list) == 0 {
				text = nil
			}
			SetAnnotation(w.Meta, AnnotationCustomAudiences, string(text))
			return err
		},
	}
}

// checkCloudSQL checks a connection name. That of a project within an
// organization's domain has the domain in front.
func checkCloudSQL(instance string) error {
	parts := strings.Split(instance, ":")
	domain := len(parts) == 4 && strings.Contains(parts[0], ".")
	if len(parts) != 3 && !domain || slices.Contains(parts, "") || strings.Contains(instance, ",") {
		return errors.New("give connection names, PROJECT:REGION:INSTANCE")
	}
	return nil
}

// With adds the items that are not in the collection yet, in the order given.
func (c Collection) With(option string, items []string) []edits.Setting {
	if len(items) == 0 {
		return []edits.Setting{{Option: option, Err: fmt.Errorf("name at least one %s", c.item)}}
	}
	return c.additions(option, items)
}

func (c Collection) additions(option string, items []string) []edits.Setting {
	place := 0 // within the option; others come before or after all of its items
	return edits.Each(items, func(item string) edits.Setting {
		s := c.edit(option, edits.PhaseSet, edits.Decides(c.thing(item), "yes"), func(is []string) []string {
			if slices.Contains(is, item) {
				return is
			}
			return append(is, item)
		})
		s.Order = fmt.Sprintf("%s %s %06d", c.item, edits.List(items), place)
		s.Err = c.check(item)
		place++
		return s
	})
}

// Without removes items.
func (c Collection) Without(option string, items []string) []edits.Setting {
	return edits.Each(items, func(item string) edits.Setting {
		return c.edit(option, edits.PhaseRemove, edits.Decides(c.thing(item), "no"), func(is []string) []string {
			return slices.DeleteFunc(is, func(s string) bool { return s == item })
		})
	})
}

// Set replaces the collection by these items, in this order. A collection of
// the same items stays as it is. The additions then have nothing to do, but
// claim each item. The list must not change afterwards.
func (c Collection) Set(option string, items []string) []edits.Setting {
	all := c.edit(option, edits.PhaseEmpty, edits.Decides("the set of "+c.item+"s", edits.List(items)), func(is []string) []string {
		if slices.Equal(slices.Sorted(slices.Values(is)), slices.Sorted(slices.Values(items))) {
			return is
		}
		return slices.Clone(items)
	})
	return append([]edits.Setting{all}, c.additions(option, items)...)
}

func (c Collection) thing(item string) string { return fmt.Sprintf("%s %q", c.item, item) }

func (c Collection) edit(option string, phase edits.Phase, claims edits.Claims, edit func([]string) []string) edits.Setting {
	return edits.Setting{Option: option, Phase: phase, Claims: claims.And(c.annotation, inParts), Do: WorkloadEdit(func(w *Workload) error {
		was, err := c.read(w)
		if err != nil {
			return err
		}
		if is := edit(slices.Clone(was)); !slices.Equal(is, was) {
			return c.write(w, is)
		}
		return nil
	})}
}
