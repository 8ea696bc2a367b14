package cloudruntest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// PutService stores a Service as if it existed for long. Its metadata and status
// are taken as they are, so they may be ones that no server would produce.
// Without a status the Service is ready. Revisions that its traffic or status
// names are created from its template if they do not exist. On a cluster the
// region is empty.
func (s *Server) PutService(project, region string, raw json.RawMessage) error {
	doc, err := tree.Decode(raw)
	if err != nil {
		return fmt.Errorf("cloudruntest: put service: %w", err)
	}
	s.store.Lock()
	defer s.store.Unlock()
	if err := s.control.SeedService(project, region, doc, time.Now()); err != nil {
		return fmt.Errorf("cloudruntest: put service: %w", err)
	}
	return nil
}

// PutRevision stores a Revision of an existing Service, or replaces one of the
// same name. Its labels must name the Service (serving.knative.dev/service). Its
// status is taken as it is. Without a status the Revision is ready.
func (s *Server) PutRevision(project, region string, raw json.RawMessage) error {
	doc, err := tree.Decode(raw)
	if err != nil {
		return fmt.Errorf("cloudruntest: put revision: %w", err)
	}
	s.store.Lock()
	defer s.store.Unlock()
	if err := s.control.SeedRevision(project, region, doc); err != nil {
		return fmt.Errorf("cloudruntest: put revision: %w", err)
	}
	return nil
}

// SetPolicy sets the IAM policy of a Service as another writer would. The etag
// changes.
func (s *Server) SetPolicy(project, name string, policy json.RawMessage) error {
	doc, err := tree.Decode(policy)
	if err != nil {
		return fmt.Errorf("cloudruntest: set policy: %w", err)
	}
	s.store.Lock()
	defer s.store.Unlock()
	if err := s.control.SeedPolicy(project, name, doc, time.Now()); err != nil {
		return fmt.Errorf("cloudruntest: set policy: %w", err)
	}
	return nil
}
