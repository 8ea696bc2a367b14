package cloudruntest

func validate(name string, doc object) []fieldViolation { return nil }
