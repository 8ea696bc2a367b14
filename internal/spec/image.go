package spec

import (
	"errors"
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
