package runflags

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/cloudrun-go/cloudrun"
)

// containerFlags returns the flags of one container, except those of its
// environment, secrets, probes and mounts.
func containerFlags() []*flag {
	all := inContainer(
		&flag{name: "image", usage: "image to deploy, such as europe-docker.pkg.dev/PROJECT/REPO/app:v1", container: one(cloudrun.WithImage)},
		&flag{name: "command", metavar: "[COMMAND,...]", usage: "command to run in place of the image's entrypoint; empty for the entrypoint", container: argv(cloudrun.WithCommand, cloudrun.WithoutCommand)},
		&flag{name: "args", metavar: "[ARG,...]", usage: "arguments of the command; empty for those of the image", container: argv(cloudrun.WithArgs, cloudrun.WithoutArgs)},
		&flag{name: "port", usage: "port on which the container receives requests, or default for 8080", container: port},
		&flag{name: "use-http2", takes: takesSwitch, usage: "send requests to the container as HTTP/2", container: onOff(cloudrun.WithHTTP2)},
		&flag{name: "cpu", usage: "CPU limit, such as 2 or 500m (default 1)", container: unlessEmpty(cloudrun.WithCPU)},
		&flag{name: "memory", usage: "memory limit, such as 512Mi or 2Gi (default 512Mi)", container: unlessEmpty(cloudrun.WithMemory)},
		&flag{name: "gpu", usage: "number of GPUs; 0 for none", container: gpu},
		&flag{name: "depends-on", metavar: "[CONTAINER,...]", usage: "containers that must start first", container: dependsOn},
	)
	return append(all, &flag{name: "remove-containers", metavar: "[CONTAINER,...]", usage: "containers to remove", service: removeContainers})
}

func argv(option func(...string) cloudrun.ContainerOption, empty func() cloudrun.ContainerOption) func(given) ([]cloudrun.ContainerOption, error) {
	return func(g given) ([]cloudrun.ContainerOption, error) {
		items, err := g.joinedList(g.name)
		if err == nil && len(items) == 0 {
			return []cloudrun.ContainerOption{empty()}, nil
		}
		return []cloudrun.ContainerOption{option(items...)}, err
	}
}

func port(g given) ([]cloudrun.ContainerOption, error) {
	raw := g.text("port")
	if raw == "default" {
		return []cloudrun.ContainerOption{cloudrun.WithoutPort()}, nil
	}
	n, err := parseInt(raw)
	if err != nil || n < 1 || n > 65535 {
		return nil, fmt.Errorf("bad value [%s]: must be an integer between 1 and 65535, inclusive, or \"default\"", raw)
	}
	return []cloudrun.ContainerOption{cloudrun.WithPort(n)}, nil
}

func gpu(g given) ([]cloudrun.ContainerOption, error) {
	switch raw := g.text("gpu"); raw {
	case "":
		return nil, nil
	case "0":
		return []cloudrun.ContainerOption{cloudrun.WithoutGPU()}, nil
	default:
		n, err := strconv.Atoi(raw)
		if err != nil {
			return nil, fmt.Errorf("bad value [%s]: must be an integer", raw)
		}
		return []cloudrun.ContainerOption{cloudrun.WithGPU(n)}, nil
	}
}

var containerName = pattern(`^[a-z0-9]([a-z0-9-.]{0,61}[a-z0-9])?$`)

// containerNames reads a list of containers.
func containerNames(g given) ([]string, error) {
	names, err := g.uniqueList(g.name)
	if err != nil {
		return nil, err
	}
	if len(names) > 9 {
		return nil, errors.New("too many args")
	}
	for _, name := range names {
		if !containerName().MatchString(name) {
			return nil, fmt.Errorf("bad value [%s]: must conform to RFC 1123: only lowercase, digits, hyphens, and periods are allowed, "+
				"must begin and end with letter or digit, and less than 64 characters", name)
		}
	}
	return names, nil
}

func dependsOn(g given) ([]cloudrun.ContainerOption, error) {
	names, err := containerNames(g)
	return []cloudrun.ContainerOption{cloudrun.SetDependsOn(names...)}, err
}

// removedContainers returns the containers that --remove-containers names.
func removedContainers(s *section) []string {
	names, _ := containerNames(given{section: s, name: "remove-containers"}) // removeContainers reports the error
	return names
}

// removeContainers removes containers, except those that a --container of the
// same command creates again.
func removeContainers(g given) ([]cloudrun.ServiceOption, error) {
	names, err := containerNames(g)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, g.hasContainer)
	if len(names) == 0 {
		return []cloudrun.ServiceOption{restart()}, nil
	}
	var opts []cloudrun.ServiceOption
	for _, name := range names {
		opts = append(opts, cloudrun.WithoutContainer(name))
	}
	return opts, nil
}
