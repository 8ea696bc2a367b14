package cloudruntest

// Requests returns the requests of the API in the order of their responses, as
// far as they are kept ([WithRecording]). It does not include requests for the
// URLs of Services.
func (s *Server) Requests() []Request {
	var list []Request
	for _, r := range s.api.Log.Last() {
		list = append(list, Request(r))
	}
	return list
}

// ResetRequests drops the requests recorded so far.
func (s *Server) ResetRequests() { s.api.Log.Reset() }

// History returns the changes of the state in order, as far as they are kept
// ([WithRecording]). It does not include writes without an effect, nor seeding.
func (s *Server) History() []Write {
	s.store.Lock()
	defer s.store.Unlock()
	var list []Write
	for w := range s.store.Journal.All() {
		list = append(list, Write(w))
	}
	return list
}

// ResetHistory drops the writes recorded so far.
func (s *Server) ResetHistory() {
	s.store.Lock()
	defer s.store.Unlock()
	s.store.Journal.Reset()
}
