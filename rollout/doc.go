// Package rollout moves the traffic of a Cloud Run Service to a new Revision
// step by step, checks the Revision at each step, and goes back if it fails:
//
//	_, err := rollout.Release(ctx, deployer, "hello", rollout.Config{
//		RunID: os.Getenv("GITHUB_RUN_ID"),
//		Steps: []int{5, 25, 100},
//		Pause: time.Minute,
//		Check: rollout.CheckHTTP(rollout.HTTPProbes{Path: "/healthz", Requests: 20}),
//	}, cloudrun.WithImage(image))
//
// [Release] deploys the Revision without traffic first. [Run] rolls out one that
// exists. Both survive a crash of the program: the state of a rollout is recorded
// on the Service. [Status] reads it, the same call again continues, and [Abort]
// goes back.
package rollout
