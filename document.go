package cloudrun

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/lossless"
)

// document is a Service as the server has it, beside the typed view of it that
// edits work on. The view may lack fields and spell others in its own way, so
// what is sent is the server's text with the difference that the edits made.
type document struct {
	raw     []byte // as the server sent it
	before  []byte // the view as it was before the edits
	service *servingv1.Service

	// what makes the Service this one, and this version of it
	name, namespace string
	uid             types.UID
	version         string
	generation      int64
}

func newDocument(raw []byte) (*document, error) {
	s, err := decodeService(raw)
	if err != nil {
		return nil, err
	}
	before, err := encodeView(s)
	if err != nil {
		return nil, err
	}
	return &document{raw: raw, before: before, service: s,
		name: s.Name, namespace: s.Namespace, uid: s.UID, version: s.ResourceVersion, generation: s.Generation}, nil
}

// merge gives the text to send: the server's own, with the edits in it. It is
// the server's own text itself, byte for byte, if the edits changed nothing.
func (d *document) merge() ([]byte, error) {
	if is := d.service; is.Name != d.name || is.Namespace != d.namespace || is.UID != d.uid {
		return nil, fmt.Errorf("service %q: %w", d.name, errIdentity)
	}
	after, err := encodeView(d.service)
	if err != nil {
		return nil, err
	}
	return lossless.Merge(d.raw, d.before, after)
}

// unchanged reports whether the edits changed nothing.
func (d *document) unchanged() (bool, error) {
	body, err := d.merge()
	return err == nil && bytes.Equal(body, d.raw), err
}

// encodeView encodes what edits can change. The status is the server's own.
func encodeView(s *servingv1.Service) ([]byte, error) {
	view := *s
	view.Status = servingv1.ServiceStatus{}
	encoded, err := json.Marshal(&view)
	if err != nil {
		return nil, fmt.Errorf("service %q: %w", s.Name, err)
	}
	return encoded, nil
}

var errIdentity = errors.New("an edit must not change the Service's name, namespace or uid")

// dropStaleRevisionName drops the name of the previous Revision from a
// template that has been changed from what it was, if the name has not been.
func (d *document) dropStaleRevisionName(was *servingv1.RevisionTemplateSpec) {
	is := &d.service.Spec.Template
	if is.Name == was.Name && is.Name != "" && !equality.Semantic.DeepEqual(is, was) {
		is.Name = ""
	}
}
