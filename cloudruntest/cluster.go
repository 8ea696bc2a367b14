package cloudruntest

func unprocessable(format string, args ...any) *apiError {
	e := invalid(format, args...)
	e.code, e.reason = 422, "Invalid"
	return e
}

func (s *Server) readKubernetes(c *call, doc object, err error, kind string) (object, *apiError) {
	return doc, nil
}

func (s *Server) admitCluster(c *call, t target, doc object, old *service) ([]string, *apiError) {
	return nil, nil
}

func (p *planner) planCluster() { p.planCloudRun() }
