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
//
// A flag with a list or dict may be repeated, and may use a delimiter of its
// own: --set-env-vars="^@^A=1,2@B=3". Flags that follow --container=NAME apply
// to that container. The flags of beta and alpha features are always available.
// They declare the launch stage that the feature requires, as the commands
// "gcloud beta" and "gcloud alpha" do.
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
	parsed *parsed
	table  []*flag
	least  stage // the launch stage to declare in any case
}

// Option configures [Register] and [RegisterTraffic].
type Option interface{ least() stage }

func (s stage) least() stage { return s }

// Beta declares the launch stage BETA in any case, as "gcloud beta" does.
func Beta() Option { return beta }

// Alpha declares the launch stage ALPHA in any case, as "gcloud alpha" does.
func Alpha() Option { return alpha }

// stageOf returns the launch stage to declare in any case.
func stageOf(opts []Option) stage {
	s := ga
	for _, o := range opts {
		if o != nil {
			s = max(s, o.least())
		}
	}
	return s
}

// checkOptions returns an error if an option is nil.
func checkOptions(opts []Option) error {
	if slices.Contains(opts, nil) {
		return errors.New("an option of the flags is nil")
	}
	return nil
}

// option returns the option that declares a stage other than ga.
func (s stage) option() cloudrun.LaunchStageOption {
	return cloudrun.WithLaunchStage([]string{beta: "BETA", alpha: "ALPHA"}[s])
}

// Register defines the flags on a flag set that has none of them yet. Values are
// checked by [Flags.Options], not while they are parsed.
func Register(fs *pflag.FlagSet, opts ...Option) *Flags {
	f := &Flags{parsed: newParsed(checkOptions(opts)), table: table(), least: stageOf(opts)}
	f.parsed.register(fs, f.table)
	if fs == nil {
		return f
	}
	fs.Var(sections{f.parsed}, "container", "`name` of a container: the container flags that follow apply to it")
	return f
}

// table returns all flags by subject, in the order of the options made from them.
func table() []*flag {
	return slices.Concat(containerFlags(), envFlags(), secretFlags(), probeFlags(), mountFlags(),
		volumeFlags(), revisionFlags(), scalingFlags(), networkFlags(), vpcFlags(), securityFlags(), metadataFlags(), deployFlags())
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

// sections implements the flag --container.
type sections struct{ parsed *parsed }

func (sections) String() string { return "" }
func (sections) Type() string   { return "string" }

func (s sections) Set(name string) error {
	if name == "" {
		return errors.New("the name is empty")
	}
	s.parsed.open(name)
	return nil
}

// SetsImage reports whether an image was given for any container. Without one,
// gcloud updates an existing Service with the command "services update".
func (f *Flags) SetsImage() bool {
	return f != nil && f.parsed != nil && slices.ContainsFunc(f.parsed.sections, func(s *section) bool { return len(s.values["image"]) > 0 })
}

// Options returns the options for the flags that were given. The project and
// the region complete the names of Cloud SQL instances and meshes that lack them.
//
// The error joins one for every problem, most of them an [*ArgumentError]. If
// the flags change nothing about the Service, the error is [ErrNoChange], and
// the options are those of the other flags.
func (f *Flags) Options(project, region string) ([]cloudrun.DeployOption, error) {
	if f == nil || f.parsed == nil {
		return nil, errNotRegistered
	}
	m := maker{flags: f, project: project, region: region, stage: f.least}
	m.problems = append(slices.Clone(f.parsed.problems), checkExclusive(groups(), f.parsed.sections), f.checkPlaces())
	m.make()
	if err := errors.Join(m.problems...); err != nil {
		return nil, err
	}
	if err := cloudrun.CheckOptions(m.opts...); err != nil {
		return nil, err
	}
	if !m.changes {
		return m.opts, ErrNoChange
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
			problems = append(problems, fmt.Errorf("when --container is specified --%s must be specified after --container", flag.name))
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
		if f.container == nil {
			continue
		}
		opts, err := f.container(m.seenBy(f, s))
		m.note(f, s, err, asDeployOptions(opts))
		all = append(all, opts...)
	}
	return all
}

func (m *maker) serviceOptions(f *flag, s *section) {
	if f.workload != nil {
		opts, err := f.workload(m.seenBy(f, s))
		m.note(f, s, err, asDeployOptions(opts))
		m.opts = append(m.opts, asDeployOptions(opts)...)
	}
	if f.service != nil {
		opts, err := f.service(m.seenBy(f, s))
		m.note(f, s, err, asDeployOptions(opts))
		m.opts = append(m.opts, asDeployOptions(opts)...)
	}
	if f.deploy != nil {
		opts, err := f.deploy(m.seenBy(f, s))
		m.note(f, s, err, opts)
		m.opts = append(m.opts, opts...)
	}
}

// note records the options made from a flag, and the problems.
func (m *maker) note(f *flag, s *section, err error, opts []cloudrun.DeployOption) {
	m.stage = max(m.stage, f.stage)
	m.changes = m.changes || len(opts) > 0 && !f.aside
	if err == nil {
		err = cloudrun.CheckOptions(opts...)
	}
	m.problems = append(m.problems, argumentErrors(f.name, s.container, err))
}

func asDeployOptions[O cloudrun.DeployOption](opts []O) []cloudrun.DeployOption {
	all := make([]cloudrun.DeployOption, len(opts))
	for i, o := range opts {
		all[i] = o
	}
	return all
}
