// Package rollout moves the traffic of a Cloud Run Service to a new Revision
// step by step, checks the Revision at each step, and goes back if it fails:
//
//	_, err := deployer.Deploy(ctx, "hello", cloudrun.WithImage(image), cloudrun.WithNoTraffic())
//	if err != nil {
//		return err
//	}
//	_, err = rollout.Run(ctx, deployer, "hello", rollout.Config{
//		Steps: []int{5, 25, 100},
//		Pause: time.Minute,
//		Check: rollout.CheckHTTP(rollout.HTTPProbes{Path: "/healthz", Requests: 20}),
//	})
//
// [Run] survives a crash of the program: the state of a rollout is recorded on
// the Service. [Status] reads it, Run again continues, and [Abort] goes back.
package rollout
