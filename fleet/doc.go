// Package fleet deploys many Cloud Run Services at once, in many projects and regions:
//
//	report, err := fleet.Deploy(ctx, targets,
//		fleet.WithDefaults(cloudrun.WithImage(image), cloudrun.WithPublicAccess()),
//		fleet.WithRunID(commit),
//		fleet.WithWaves(fleet.InRegion("us-east1")), // first there, then everywhere else
//	)
//	fmt.Print(report)
//
// Each target is deployed as [cloudrun.Deployer.Deploy] does it, and fails alone.
// The requests of each project and region stay below the server's quota, which is
// found without being configured. A run that was killed goes on where it stopped when
// Deploy is called again with the same run ID: the Services themselves hold what is done.
package fleet
