package cloudrun

import (
	"errors"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/edits"
)

// ApplyForTest applies options to a Service, from the weakest layer to the strongest.
func ApplyForTest(s *servingv1.Service, layers ...[]DeployOption) error {
	all := make([][]edits.Setting, len(layers))
	for i, opts := range layers {
		all[i] = edits.Of(opts)
	}
	set, problems := collect(all...)
	return errors.Join(problems, editService(s, set, false))
}

// MakesRevisionForTest reports whether one of the options changes the template.
func MakesRevisionForTest(opts ...DeployOption) (bool, error) {
	set, err := collect(edits.Of(opts))
	if err != nil {
		return false, err
	}
	return editsTemplate(set), nil
}
