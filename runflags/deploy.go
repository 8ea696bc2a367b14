package runflags

import (
	"github.com/cloudrun-go/cloudrun"
)

// deployFlags returns the flags of the deployment itself: access, traffic, and the client.
func deployFlags() []*flag {
	return []*flag{
		{name: "allow-unauthenticated", takes: takesSwitch, aside: true, usage: "allow everyone to call the service", deploy: access},
		{name: "no-traffic", takes: takesNone, usage: "send no traffic to the new revision", deploy: always(cloudrun.WithNoTraffic)},
		{name: "no-traffic-if-exists", takes: takesNone, usage: "not a flag of gcloud: as --no-traffic, but the first revision of a new service serves", deploy: always(cloudrun.WithNoTrafficIfExists)},
		{name: "tag", usage: "tag of the new revision, with a URL of its own", deploy: unlessEmpty(cloudrun.WithTag)},
		{name: "async", takes: takesSwitch, aside: true, usage: "do not wait until the service is ready", deploy: async},
		{name: "client-name", hidden: true, aside: true, usage: "name of the program that deploys", deploy: client},
		{name: "client-version", hidden: true, aside: true, usage: "version of the program that deploys", deploy: client},
		{name: "platform", hidden: true, aside: true, usage: "managed, the only supported platform", deploy: platform},
	}
}

func access(g given) ([]cloudrun.DeployOption, error) {
	if g.on(g.name) {
		return []cloudrun.DeployOption{cloudrun.WithPublicAccess()}, nil
	}
	return []cloudrun.DeployOption{cloudrun.WithoutPublicAccess()}, nil
}

func async(g given) ([]cloudrun.DeployOption, error) {
	if g.on(g.name) {
		return []cloudrun.DeployOption{cloudrun.Async()}, nil
	}
	return nil, nil
}

func client(g given) ([]cloudrun.DeployOption, error) {
	if g.text("client-name") == "" && g.text("client-version") == "" {
		return nil, nil
	}
	return []cloudrun.DeployOption{cloudrun.WithClient(g.text("client-name"), g.text("client-version"))}, nil
}

func platform(g given) ([]cloudrun.DeployOption, error) {
	return nil, oneOf(g.text("platform"), "managed")
}
