package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"knative.dev/serving/pkg/apis/serving"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun"
	"github.com/cloudrun-go/cloudrun/internal/nonce"
	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/runmark"
	"github.com/cloudrun-go/cloudrun/internal/traffic"
)

// Release deploys a candidate without traffic and rolls it out, as
// [cloudrun.Deployer.Deploy] with [cloudrun.WithNoTrafficIfExists] and [Run] do.
// The first Revision of a Service serves all traffic at once.
//
// A release can be repeated. The same call after a crash, also from another
// process, deploys no second candidate: it takes the one that the release has,
// and goes on with the step that its rollout had reached. What the same release is
// decides [Config.RunID], which is recorded on the Service in one request with the
// deployment. Without a RunID, a call is the same if its options do not change the
// latest template, as with [cloudrun.IfChanged], so the image needs a tag of its
// own or a digest. Each RunID is for one release: the candidate of an ID that was
// used before is rolled out again instead of a new one, for as long as the Service
// remembers it, which is for the last ten IDs. A Revision of the release that failed
// to become ready is deployed once more.
//
// A release ends when the candidate has all traffic or was rejected. The same call
// then does nothing, or returns [ErrRejected]; see [Config.RetryRejected]. After
// an end for another reason, such as that of the context, it rolls out the
// candidate from the first step. While the rollout of another Revision is under
// way, Release deploys nothing and returns [ErrUnderWay].
//
// Options that are also a [cloudrun.CallOption] configure the rollout as well.
// [cloudrun.Async] has no effect. The error is that of [Run], or a
// [*cloudrun.DeployError] of the deployment.
func Release(ctx context.Context, d *cloudrun.Deployer, service string, cfg Config, opts ...cloudrun.DeployOption) (_ *Result, err error) {
	ctx, t := begin(ctx, d, "release service", service)
	defer func() { t.End(err) }()
	v, err := open(t, d, cfg, callOptions(opts))
	if err != nil {
		return nil, err
	}
	r := release{service: v, cfg: cfg, opts: opts}
	if err := r.check(); err != nil {
		return nil, v.fail(cloudrun.StageOptions, cloudrun.NotWritten, err)
	}
	created, failed := r.choose(ctx)
	switch {
	case failed != nil:
		return nil, failed
	case created != nil:
		return firstRelease(v.name, created), nil
	}
	return v.rollOut(ctx, r.cfg, true)
}

// callOptions returns the options that any call of a Deployer accepts.
func callOptions(opts []cloudrun.DeployOption) []cloudrun.CallOption {
	var all []cloudrun.CallOption
	for _, o := range opts {
		if call, ok := o.(cloudrun.CallOption); ok {
			all = append(all, call)
		}
	}
	return all
}

// firstRelease returns the result of a release that created the Service.
func firstRelease(service string, created *cloudrun.Result) *Result {
	return &Result{
		Service: created.Service, Split: splitOf(created.Service), Warnings: created.Warnings,
		Candidate: Candidate{Service: service, Revision: created.Revision, Percent: 100, URL: created.URL},
	}
}

// release chooses the candidate of one call of Release.
type release struct {
	service *service
	cfg     Config
	opts    []cloudrun.DeployOption
}

func (r *release) check() error {
	err := cloudrun.CheckOptions(r.opts...)
	if r.cfg.Revision != "" {
		err = errors.Join(err, &cloudrun.OptionError{Option: "Config.Revision " + r.cfg.Revision, Reason: "Release deploys the candidate itself: use Run for a revision that exists"})
	}
	return err
}

// errLookAgain is the error of a deployment that found what the read before it did not show.
var errLookAgain = errors.New("the service has changed since it was read")

// maxLooks bounds how often a release looks again.
const maxLooks = 5

// choose sets the candidate: the one that the release has, or a new one. If that
// is the first Revision of the Service, it returns what created it.
func (r *release) choose(ctx context.Context) (created *cloudrun.Result, failed error) {
	for range maxLooks {
		revision, err := r.existing(ctx)
		if err != nil {
			return nil, r.service.fail(cloudrun.StageRead, cloudrun.NotWritten, err)
		}
		if revision != "" {
			r.cfg.Revision = revision
			return nil, nil
		}
		deployed, err := r.deploy(ctx)
		switch {
		case errors.Is(err, errLookAgain):
			continue
		case err != nil:
			return nil, r.service.failure(err)
		case deployed.Action == cloudrun.Created:
			return deployed, nil
		}
		r.cfg.Revision, err = r.made(ctx, deployed)
		if err != nil {
			return nil, r.service.fail(cloudrun.StageRead, cloudrun.Written, err)
		}
		return nil, nil
	}
	return nil, r.service.fail(cloudrun.StageRead, cloudrun.NotWritten, errLookAgain)
}

// existing returns the candidate that need not be deployed: that of the rollout
// under way, or of a release before the last deployment. It is empty if Deploy
// finds out.
func (r *release) existing(ctx context.Context) (string, error) {
	s, err := r.service.read(ctx)
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	recorded, err := traffic.ReadRollout(s)
	if err != nil {
		return "", err
	}
	if recorded != nil && recorded.InForce(s) {
		own, err := r.owns(ctx, s, recorded)
		if err == nil && !own {
			err = errUnderWay(recorded)
		}
		return recorded.Revision, err
	}
	if mark, ok := runmark.Find(s.Annotations, r.cfg.RunID); ok && runmark.Read(s.Annotations).ID != r.cfg.RunID {
		return r.find(ctx, mark.Nonce)
	}
	return "", nil
}

// owns reports whether the rollout under way is that of this release.
func (r *release) owns(ctx context.Context, s *servingv1.Service, recorded *traffic.Rollout) (bool, error) {
	if r.cfg.RunID != "" || recorded.Release != "" || recorded.Revision != s.Status.LatestCreatedRevisionName {
		return recorded.Release != "" && recorded.Release == r.cfg.RunID, nil
	}
	plan, err := r.service.deployer.Plan(ctx, r.service.name, append(cloudrun.PlanOptions(r.deployOptions()...), cloudrun.WithoutDryRun())...)
	return err == nil && !plan.NewRevision, err
}

// deployOptions returns the options of the deployment.
func (r *release) deployOptions() []cloudrun.DeployOption {
	opts := append(slices.Clone(r.opts), cloudrun.WithNoTrafficIfExists())
	if r.cfg.RunID == "" {
		return append(opts, cloudrun.IfChanged())
	}
	return append(opts, cloudrun.WithRunID(r.cfg.RunID))
}

// deploy deploys the candidate and waits for it, unless the Service as it is
// written shows that there is one already, or a rollout under way.
func (r *release) deploy(ctx context.Context) (*cloudrun.Result, error) {
	look := cloudrun.EditService(func(s *servingv1.Service) error {
		recorded, err := traffic.ReadRollout(s)
		_, known := runmark.Find(s.Annotations, r.cfg.RunID)
		if err == nil && (recorded != nil && recorded.InForce(s) || known && runmark.Read(s.Annotations).ID != r.cfg.RunID) {
			err = errLookAgain
		}
		return err
	})
	deployed, err := r.service.deployer.Deploy(ctx, r.service.name, append(r.deployOptions(), look)...)
	if err != nil || deployed.Ready {
		return deployed, err
	}
	s, err := cloudrun.WaitReady(ctx, r.service.deployer.Client(), r.service.name, cloudrun.WithGeneration(deployed.Generation)) // with Async
	if err == nil {
		deployed.Service, deployed.Revision = s, cmp.Or(deployed.Revision, s.Status.LatestCreatedRevisionName)
	}
	return deployed, err
}

// made returns the Revision that the release has deployed, now or before.
func (r *release) made(ctx context.Context, deployed *cloudrun.Result) (string, error) {
	mark, ok := runmark.Find(deployed.Service.Annotations, r.cfg.RunID)
	if !ok || mark.Nonce == "" || mark.Nonce.On(deployed.Service.Spec.Template.Labels) && deployed.Action == cloudrun.Updated && deployed.Revision != "" {
		return deployed.Revision, nil
	}
	revision, err := r.find(ctx, mark.Nonce)
	if err == nil && revision == "" {
		err = fmt.Errorf("the revision that the release %s made does not exist any more: use another Config.RunID", r.cfg.RunID)
	}
	return revision, err
}

// listLag are the pauses between looks for a Revision that lists may show late.
func listLag() []time.Duration {
	return []time.Duration{0, 500 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second}
}

// find returns the first Revision with a nonce; empty if there is none. Other
// writers who keep the nonce make further ones.
func (r *release) find(ctx context.Context, n nonce.Nonce) (string, error) {
	if n == "" {
		return "", nil
	}
	for _, delay := range listLag() {
		if err := pause.Sleep(ctx, delay); err != nil {
			return "", err
		}
		revision, err := r.first(ctx, n)
		if err != nil || revision != "" {
			return revision, err
		}
	}
	return "", nil
}

func (r *release) first(ctx context.Context, n nonce.Nonce) (revision string, err error) {
	least := int64(-1)
	client := r.service.deployer.Client()
	for found, err := range client.ListRevisions(ctx, cloudrun.WithService(r.service.name), cloudrun.WithLabelSelector(nonce.Label+"="+string(n))) {
		if err != nil {
			return "", err
		}
		generation, _ := strconv.ParseInt(found.Labels[serving.ConfigurationGenerationLabelKey], 10, 64)
		if least < 0 || generation < least {
			revision, least = found.Name, generation
		}
	}
	return revision, nil
}
