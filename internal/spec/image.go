package spec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// ThingImage is what [Image] decides.
const ThingImage = "the image"

// Image sets the image of a container.
func Image(option, image string) edits.Setting {
	var err error
	if image == "" || strings.ContainsFunc(image, isBlank) {
		err = errors.New("the image must not be empty or have blanks in it")
	}
	return in(edits.PhaseAddElements, editContainer(option, ThingImage, image, err, func(c *corev1.Container) { c.Image = image }))
}

// Command replaces the command of a container. The list must not change afterwards.
func Command(option string, argv []string) edits.Setting {
	return setCommand(option, argv, notNone(argv, "the command is empty: use WithoutCommand for that of the image"))
}

// WithoutCommand removes the command of a container.
func WithoutCommand(option string) edits.Setting { return setCommand(option, nil, nil) }

// Args replaces the arguments of a container. The list must not change afterwards.
func Args(option string, args []string) edits.Setting {
	return setArgs(option, args, notNone(args, "there are no arguments: use WithoutArgs for those of the image"))
}

// WithoutArgs removes the arguments of a container.
func WithoutArgs(option string) edits.Setting { return setArgs(option, nil, nil) }

func setCommand(option string, argv []string, err error) edits.Setting {
	return editContainer(option, "the command", edits.List(argv), err, func(c *corev1.Container) { c.Command = argv })
}

func setArgs(option string, args []string, err error) edits.Setting {
	return editContainer(option, "the arguments", edits.List(args), err, func(c *corev1.Container) { c.Args = args })
}

func notNone(list []string, problem string) error {
	if len(list) == 0 {
		return errors.New(problem)
	}
	return nil
}

// ImageFailed reports whether an option in error was to set the image of a container.
func ImageFailed(options *edits.Set, c corev1.Container) bool {
	return options.Failed(ThingImage, "") || options.Failed(ThingImage, containerScope(c.Name))
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// ImagesChanged reports whether a container got another image.
func ImagesChanged(was, is []corev1.Container) bool {
	if len(was) != len(is) {
		return false // an added container has its image from the options, a removed one needs none
	}
	for i := range is {
		if is[i].Name == was[i].Name && is[i].Image != was[i].Image {
			return true
		}
	}
	return false
}

// ImageError is returned when the digest of an image could not be found.
type ImageError struct {
	Image string
	Err   error
}

// Error names the image and the cause.
func (e *ImageError) Error() string { return fmt.Sprintf("image %.300q: %v", e.Image, e.Err) }

// Unwrap returns the cause.
func (e *ImageError) Unwrap() error { return e.Err }

// Pins are the digests that one call resolves.
type Pins struct {
	resolve func(ctx context.Context, image string) (digest string, err error)
	pinned  map[string]string // the images with their digests
}

// NewPins returns Pins without digests. A nil function resolves nothing.
func NewPins(resolve func(ctx context.Context, image string) (digest string, err error)) Pins {
	return Pins{resolve, map[string]string{}}
}

// Apply replaces the images that options set by those with a digest. It resolves
// each image once. The error is an [*ImageError].
func (p Pins) Apply(ctx context.Context, options *edits.Set, pod *corev1.PodSpec) error {
	if p.resolve == nil {
		return nil
	}
	for _, image := range givenImages(options, pod) {
		if strings.Contains(*image, "@") {
			continue
		}
		if p.pinned[*image] == "" {
			digest, err := p.resolve(ctx, *image)
			if err == nil && !isDigest(digest) {
				err = fmt.Errorf("%.100q is not a digest", digest)
			}
			if err != nil {
				return &ImageError{*image, err}
			}
			p.pinned[*image] = untagged(*image) + "@" + digest
		}
		*image = p.pinned[*image]
	}
	return nil
}

// givenImages returns the images of a pod that options set.
func givenImages(options *edits.Set, pod *corev1.PodSpec) (all []*string) {
	ingress, _ := IngressContainer(pod)
	for i := range pod.Containers {
		c := &pod.Containers[i]
		if options.DecidesIn(ThingImage, containerScope(c.Name)) || c == ingress && options.DecidesIn(ThingImage, "") {
			all = append(all, &c.Image)
		}
	}
	return all
}

// isDigest reports whether a text is "sha256:" and 64 hexadecimal digits.
func isDigest(text string) bool {
	hex, ok := strings.CutPrefix(text, "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}

// untagged returns an image without its tag. A registry may have a port.
func untagged(image string) string {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i]
	}
	return image
}

// What a deployment from source leaves on a Service. The last four are what
// earlier versions of gcloud wrote.
const (
	annotationBaseImages = "run.googleapis.com/base-images" // of the template: the base image by container
	annotationSources    = "run.googleapis.com/sources"     // of the template: the source by container
	annotationBuild      = "run.googleapis.com/build-"      // the beginning of those of the resource
	baseImageRuntime     = "run.googleapis.com/linux-base-image-update"

	oldSourceLocation   = "run.googleapis.com/source-location"
	oldFunctionTarget   = "run.googleapis.com/function-target"
	oldImageURI         = "run.googleapis.com/image-uri"
	oldAutomaticUpdates = "run.googleapis.com/enable-automatic-updates"
)

// WithoutSource removes what a deployment from source left of a container: its
// base image and its source, the runtime class if no container has a base image
// any more, and the annotations of the build.
func WithoutSource(option string) edits.Setting {
	return inContainer(option, edits.PhaseRemove, edits.Decides("the source", noValue), nil, func(w *Workload, c *corev1.Container) error {
		_, had := w.Template.Annotations[annotationBaseImages]
		if left := w.dropEntry(annotationBaseImages, c.Name); had && !left && w.Pod.RuntimeClassName != nil && *w.Pod.RuntimeClassName == baseImageRuntime {
			w.Pod.RuntimeClassName = nil
		}
		w.dropEntry(annotationSources, c.Name)
		for key := range w.Meta.Annotations {
			if strings.HasPrefix(key, annotationBuild) {
				delete(w.Meta.Annotations, key)
			}
		}
		for _, key := range []string{oldSourceLocation, oldFunctionTarget, oldImageURI, oldAutomaticUpdates} {
			delete(w.Meta.Annotations, key)
		}
		return nil
	})
}

// dropEntry removes the entry of a container from a template annotation that is an
// object, and the annotation with its last entry or if it cannot be read. It
// reports whether the annotation is left.
func (w *Workload) dropEntry(annotation, container string) bool {
	var entries map[string]json.RawMessage
	text, ok := w.Template.Annotations[annotation]
	if !ok {
		return false
	}
	if err := decode(text, &entries); err != nil {
		entries = nil
	}
	_, has := entries[container]
	delete(entries, container)
	delete(entries, "") // the name of a container that had none
	switch {
	case len(entries) == 0:
		delete(w.Template.Annotations, annotation)
		return false
	case has:
		rest, err := json.Marshal(entries)
		if err == nil {
			PutAnnotation(w.Template, annotation, string(rest))
		}
	}
	return true
}
