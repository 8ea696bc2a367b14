// Package runflags adds the flags of "gcloud run deploy" to a program, with
// gcloud's names and syntax, and turns them into options.
//
//	flags := runflags.Register(fs)
//	if err := fs.Parse(args); err != nil {
//		return runflags.Explain(fs, err)
//	}
//	opts, err := flags.Options(project, region)
//	if err != nil {
//		return err
//	}
//	result, err := deployer.Deploy(ctx, name, opts...)
//	if err != nil {
//		return flags.Explain(err)
//	}
//
// Errors name the flag at fault, and all mistakes are reported together.
//
// A flag with a list or dict may be repeated, and may use a delimiter of its
// own: --set-env-vars="^@^A=1,2@B=3". Flags that follow --container=NAME apply
// to that container. The flags of beta and alpha features are always available.
// They declare the launch stage that the feature requires, as the commands
// "gcloud beta" and "gcloud alpha" do.
//
// # In other programs
//
// The flag set may have flags of the program too. [Only] defines some of the
// flags, and [Prefix] gives them other names. [Usages] prints the help of all
// flags by subject, also for cobra, whose flag sets are those of pflag. A program
// that uses package flag adds its flags with fs.AddGoFlagSet(flag.CommandLine)
// and parses with fs. One that uses kingpin collects the arguments behind "--"
// and parses these with fs.
//
// [RegisterTraffic] and [RegisterMember] do the same for
// "gcloud run services update-traffic" and "add-iam-policy-binding".
package runflags

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/cloudrun-go/cloudrun"
)

// Flags are the flags of "gcloud run deploy" and "gcloud run services update"
// on a flag set. After parsing, they hold what was given.
type Flags struct {
	parsed  *parsed
	table   []*flag
	least   stage   // the launch stage to declare in any case
	origins origins // of the options that were made last
}

// Register defines the flags on a flag set, each in its group, see [Usages].
// Values are checked by [Flags.Options], not while they are parsed. Options
// returns an error if the flag set has a flag of one of the names already:
// register the program's own flags first, and use [Prefix] or [Only].
func Register(fs *pflag.FlagSet, opts ...Option) *Flags {
	c := configOf(opts)
	chosen, problems := c.choose(table())
	f := &Flags{parsed: newParsed(c.prefix, append(c.problems, problems...)...), table: chosen, least: c.stage}
	f.parsed.register(fs, chosen)
	return f
}

// table returns all flags by subject, in the order of the options made from them.
func table() []*flag {
	return slices.Concat(
		group("Container flags", []*flag{{name: "container", opens: true, usage: "name of a container: the container flags that follow apply to it"}}, containerFlags()),
		group("Environment variable flags", envFlags()), group("Secret flags", secretFlags()), group("Probe flags", probeFlags()),
		group("Volume flags", mountFlags(), volumeFlags()), group("Serving flags", revisionFlags()), group("Scaling flags", scalingFlags()),
		group("Network flags", networkFlags(), vpcFlags()), group("Security flags", securityFlags()), group("Metadata flags", metadataFlags()),
		group("Deployment flags", deployFlags()))
}

// groups returns the flags that exclude each other.
func groups() []exclusive {
	return []exclusive{
		{"--clear-env-vars", "--env-vars-file", "--set-env-vars", "--remove-env-vars --update-env-vars"},
		{"--clear-secrets", "--set-secrets", "--remove-secrets --update-secrets"},
		{"--labels", "--update-labels"},
		{"--clear-labels", "--remove-labels"},
		{"--binary-authorization", "--clear-binary-authorization"},
		{"--clear-key", "--key"},
		{"--clear-post-key-revocation-action-type", "--post-key-revocation-action-type"},
		{"--clear-encryption-key-shutdown-hours", "--encryption-key-shutdown-hours"},
		{"--add-cloudsql-instances", "--clear-cloudsql-instances", "--remove-cloudsql-instances", "--set-cloudsql-instances"},
		{"--add-custom-audiences", "--clear-custom-audiences", "--remove-custom-audiences", "--set-custom-audiences"},
		{"--clear-network", "--network --subnet --clear-network-tags | --network-tags"},
		{"--clear-network-tags", "--network-tags"},
	}
}

// SetsImage reports whether an image was given for any container. Without one,
// gcloud updates an existing Service with the command "services update".
func (f *Flags) SetsImage() bool {
	return f != nil && f.parsed != nil && slices.ContainsFunc(f.parsed.sections, func(s *section) bool { return len(s.values["image"]) > 0 })
}

// Options returns the options for the flags that were given. The project and
// the region complete the names of Cloud SQL instances and meshes that lack them.
//
// The error joins one for every problem, most of them an [*ArgumentError]. A
// missing image is none, because only a new Service needs one: see [Flags.SetsImage]. If
// the flags change nothing about the Service, the error is [ErrNoChange], and
// the options are those of the other flags.
func (f *Flags) Options(project, region string) ([]cloudrun.DeployOption, error) {
	if f == nil || f.parsed == nil {
		return nil, errNotRegistered
	}
	m := maker{flags: f, project: project, region: region, stage: f.least,
		origins: originsOf(f.parsed.sections[0], map[string]string{"WithImage": "image", "WithPort": "port"})}
	m.problems = append(slices.Clone(f.parsed.problems), checkExclusive(groups(), f.parsed.sections), f.checkPlaces())
	m.make()
	f.origins = m.origins
	if err := errors.Join(append(m.problems, m.origins.named(cloudrun.CheckOptions(m.opts...)))...); err != nil {
		return nil, err
	}
	if !m.changes {
		return m.opts, f.parsed.suggest(ErrNoChange, f.table, "image", "update-env-vars", "memory", "concurrency", "timeout")
	}
	return m.opts, nil
}

// checkPlaces rejects flags of containers that precede the first --container.
func (f *Flags) checkPlaces() error {
	if len(f.parsed.sections) == 1 {
		return nil
	}
	var problems []error
	for _, flag := range f.table {
		if flag.perContainer && len(f.parsed.sections[0].values[flag.name]) > 0 {
			problems = append(problems, fmt.Errorf("when %s is specified %s must be specified after %[1]s", f.parsed.current.flag("container"), f.parsed.current.flag(flag.name)))
		}
	}
	return errors.Join(problems...)
}

// maker makes options from flags.
type maker struct {
	flags           *Flags
	project, region string
	stage           stage
	opts            []cloudrun.DeployOption
	origins         origins
	changes         bool // whether any flag changes the Service
	problems        []error
}

func (m *maker) make() {
	first := m.flags.parsed.sections[0]
	for _, o := range m.containerOptions(first) {
		m.opts = append(m.opts, o)
	}
	for _, f := range m.given(first) {
		m.serviceOptions(f, first)
	}
	removed := removedContainers(first)
	for _, s := range m.flags.parsed.sections[1:] {
		m.changes = true
		if slices.Contains(removed, s.container) {
			m.opts = append(m.opts, cloudrun.SetContainer(s.container, m.containerOptions(s)...))
			continue
		}
		m.opts = append(m.opts, cloudrun.WithContainer(s.container, m.containerOptions(s)...))
	}
	if m.stage > ga {
		m.opts = append(m.opts, m.stage.option())
	}
}

// given returns the flags that a section has.
func (m *maker) given(s *section) []*flag {
	return slices.DeleteFunc(slices.Clone(m.flags.table), func(f *flag) bool { return len(s.values[f.name]) == 0 })
}

func (m *maker) seenBy(f *flag, s *section) given {
	return given{section: s, name: f.name, containers: m.flags.parsed.sections[1:], project: m.project, region: m.region, stage: &m.stage}
}

func (m *maker) containerOptions(s *section) []cloudrun.ContainerOption {
	var all []cloudrun.ContainerOption
	for _, f := range m.given(s) {
		all = append(all, made(m, f, s, f.container)...)
	}
	return all
}

func (m *maker) serviceOptions(f *flag, s *section) {
	m.opts = append(m.opts, asDeployOptions(made(m, f, s, f.workload))...)
	m.opts = append(m.opts, asDeployOptions(made(m, f, s, f.service))...)
	m.opts = append(m.opts, made(m, f, s, f.deploy)...)
}

// made returns the options that a function makes from a flag. It notes what is
// wrong with the flag, for which it returns none.
func made[O cloudrun.DeployOption](m *maker, f *flag, s *section, option func(given) ([]O, error)) []O {
	if option == nil {
		return nil
	}
	m.stage = max(m.stage, f.stage)
	opts, err := option(m.seenBy(f, s))
	if err != nil {
		m.problems = append(m.problems, s.problems(f.name, err))
		return nil
	}
	m.changes = m.changes || len(opts) > 0 && !f.aside
	for _, o := range opts {
		m.origins.add(o, origin{s, f.name})
	}
	return opts
}

func asDeployOptions[O cloudrun.DeployOption](opts []O) []cloudrun.DeployOption {
	all := make([]cloudrun.DeployOption, len(opts))
	for i, o := range opts {
		all[i] = o
	}
	return all
}
