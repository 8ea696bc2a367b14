package control

import "github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"

// dryRun reads the values of the parameter of that name. The options are the
// Kubernetes type that has it.
func dryRun(values []string, cluster bool, options string) (bool, *apierror.Error) {
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return false, nil
	}
	want := "all"
	if cluster {
		want = "All"
	}
	for _, v := range values {
		switch {
		case v == want:
		case cluster:
			return false, apierror.Unprocessable(`%s.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["%s"]: supported values: "All"`, options, v)
		default:
			return false, apierror.Invalid("dryRun: unsupported value '%s'; the only supported value is 'all'", v)
		}
	}
	return true, nil
}
