package cloudrun_test

import (
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

type service = servingv1.Service

// named is a Service that has but a name.
func named(name string) *service {
	s := &service{}
	s.Name = name
	return s
}
