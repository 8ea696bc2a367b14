package cloudrun

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// WithCloudSQL connects the Service to Cloud SQL instances, given by their
// connection names, "PROJECT:REGION:INSTANCE", beside those that it has.
// Flag: --add-cloudsql-instances. Field: the template annotation
// run.googleapis.com/cloudsql-instances.
func WithCloudSQL(instances ...string) ServiceOption {
	return cloudSQL.with(edits.SpellList("WithCloudSQL", instances), instances)
}

// WithoutCloudSQL disconnects the Service from Cloud SQL instances.
// Flag: --remove-cloudsql-instances. Field: the template annotation
// run.googleapis.com/cloudsql-instances, which is empty when none is left.
func WithoutCloudSQL(instances ...string) ServiceOption {
	return cloudSQL.without(edits.SpellList("WithoutCloudSQL", instances), instances)
}

// SetCloudSQL connects the Service to these Cloud SQL instances and to no
// others; see [WithCloudSQL]. Flag: --set-cloudsql-instances. Field: the
// template annotation run.googleapis.com/cloudsql-instances.
func SetCloudSQL(instances ...string) ServiceOption {
	return cloudSQL.set(edits.SpellList("SetCloudSQL", instances), instances)
}

// ClearCloudSQL disconnects the Service from all Cloud SQL instances.
// Flag: --clear-cloudsql-instances. Field: the template annotation
// run.googleapis.com/cloudsql-instances, which becomes empty.
func ClearCloudSQL() ServiceOption { return cloudSQL.set("ClearCloudSQL()", nil) }

// WithCustomAudiences adds audiences that ID tokens for the Service may have
// beside its own URLs. Flag: --add-custom-audiences. Field: the annotation
// run.googleapis.com/custom-audiences. A change makes a new Revision, as with gcloud.
func WithCustomAudiences(audiences ...string) ServiceOption {
	return customAudiences.with(edits.SpellList("WithCustomAudiences", audiences), audiences)
}

// WithoutCustomAudiences removes audiences; see [WithCustomAudiences].
// Flag: --remove-custom-audiences. Field: the annotation
// run.googleapis.com/custom-audiences, which goes when none is left.
func WithoutCustomAudiences(audiences ...string) ServiceOption {
	return customAudiences.without(edits.SpellList("WithoutCustomAudiences", audiences), audiences)
}

// SetCustomAudiences replaces all audiences; see [WithCustomAudiences].
// Flag: --set-custom-audiences. Field: the annotation
// run.googleapis.com/custom-audiences.
func SetCustomAudiences(audiences ...string) ServiceOption {
	return customAudiences.set(edits.SpellList("SetCustomAudiences", audiences), audiences)
}

// ClearCustomAudiences removes all audiences; see [WithCustomAudiences].
// Flag: --clear-custom-audiences. Field: the annotation
// run.googleapis.com/custom-audiences, which goes.
func ClearCustomAudiences() ServiceOption { return customAudiences.set("ClearCustomAudiences()", nil) }

// collection is a list that is kept in an annotation.
type collection struct {
	item       string // what an item is called
	annotation string // the thing that the annotation is for claims
	check      func(string) error
	read       func(*servingv1.Service) ([]string, error)
	write      func(*servingv1.Service, []string) error
}

var cloudSQL = collection{
	item:       "Cloud SQL instance",
	annotation: templateAnnotationThing(annotationCloudSQL),
	check:      checkCloudSQL,
	read: func(s *servingv1.Service) ([]string, error) {
		if text := s.Spec.Template.Annotations[annotationCloudSQL]; text != "" {
			return strings.Split(text, ","), nil
		}
		return nil, nil
	},
	write: func(s *servingv1.Service, list []string) error {
		putAnnotation(&s.Spec.Template.ObjectMeta, annotationCloudSQL, strings.Join(list, ","))
		return nil
	},
}

var customAudiences = collection{
	item:       "custom audience",
	annotation: serviceAnnotationThing(annotationCustomAudiences),
	check:      func(audience string) error { return notEmpty("audience", audience) },
	read: func(s *servingv1.Service) (list []string, err error) {
		return list, readAnnotation(&s.ObjectMeta, annotationCustomAudiences, &list)
	},
	write: func(s *servingv1.Service, list []string) error {
		text, err := json.Marshal(list)
		if len(list) == 0 {
			text = nil
		}
		setAnnotation(&s.ObjectMeta, annotationCustomAudiences, string(text))
		return err
	},
}

// checkCloudSQL wants a connection name; that of a project within an
// organization's domain has the domain in front.
func checkCloudSQL(instance string) error {
	parts := strings.Split(instance, ":")
	domain := len(parts) == 4 && strings.Contains(parts[0], ".")
	if len(parts) != 3 && !domain || slices.Contains(parts, "") || strings.Contains(instance, ",") {
		return errors.New("give connection names, PROJECT:REGION:INSTANCE")
	}
	return nil
}

// with adds items that are not there yet, in the order in which one option has them.
func (c collection) with(option string, items []string) ServiceOption {
	if len(items) == 0 {
		return onService(setting{option: option, err: fmt.Errorf("name at least one %s", c.item)})
	}
	return onService(c.additions(option, items)...)
}

func (c collection) additions(option string, items []string) []setting {
	place := 0 // within the option; others come before or after all of its items
	return perItem(items, func(item string) setting {
		s := c.edit(option, edits.PhaseSet, edits.Decides(c.thing(item), "yes"), func(is []string) []string {
			if slices.Contains(is, item) {
				return is
			}
			return append(is, item)
		})
		s.order = fmt.Sprintf("%s %s %06d", c.item, joined(items), place)
		s.err = c.check(item)
		place++
		return s
	})
}

func (c collection) without(option string, items []string) ServiceOption {
	return onService(perItem(items, func(item string) setting {
		return c.edit(option, edits.PhaseRemove, edits.Decides(c.thing(item), "no"), func(is []string) []string {
			return slices.DeleteFunc(is, func(s string) bool { return s == item })
		})
	})...)
}

// set makes the list consist of these items, in this order; one that does
// already stays as it is. The additions then find nothing to do, but claim each item.
func (c collection) set(option string, items []string) ServiceOption {
	items = slices.Clone(items)
	all := c.edit(option, edits.PhaseEmpty, edits.Decides(fmt.Sprintf("the set of %ss", c.item), joined(items)), func(is []string) []string {
		if slices.Equal(slices.Sorted(slices.Values(is)), slices.Sorted(slices.Values(items))) {
			return is
		}
		return items
	})
	return onService(append([]setting{all}, c.additions(option, items)...)...)
}

func (c collection) thing(item string) string { return fmt.Sprintf("%s %q", c.item, item) }

func (c collection) edit(option string, p edits.Phase, what edits.Claims, edit func([]string) []string) setting {
	return setting{option: option, phase: p, claims: what.And(c.annotation, inParts), service: func(s *servingv1.Service) error {
		was, err := c.read(s)
		if err != nil {
			return err
		}
		if is := edit(slices.Clone(was)); !slices.Equal(is, was) {
			return c.write(s, is)
		}
		return nil
	}}
}
