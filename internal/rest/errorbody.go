package rest

import (
	"encoding/json"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/details"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

const (
	maxMessage = 4096           // of text from a server
	maxText    = 3 * maxMessage // of an error
	maxField   = 200
	maxCode    = 64
)

// Violation is a field of a request that the server rejected.
type Violation = details.Violation

// errorBody is what the body of an error response says.
type errorBody struct {
	ofAPI        bool // it is a Google error or a Kubernetes Status
	message      string
	reason       string
	googleStatus string
	details      []any
	violations   []Violation
	conditions   []Violation
	links        []details.Link
	retryAfter   time.Duration
}

// googleError is the error of a Google API.
type googleError struct {
	Code    int               `json:"code"`
	Message string            `json:"message"`
	Status  string            `json:"status"`
	Details []json.RawMessage `json:"details"`
}

// kubernetesStatus is the error of a Kubernetes API.
type kubernetesStatus struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Reason  string `json:"reason"`
	Details struct {
		Causes []struct {
			Field   string `json:"field"`
			Message string `json:"message"`
		} `json:"causes"`
		RetryAfterSeconds int `json:"retryAfterSeconds"`
	} `json:"details"`
}

func parseErrorBody(body []byte) errorBody {
	var b struct {
		Error *googleError `json:"error"`
		kubernetesStatus
	}
	switch err := json.Unmarshal(body, &b); {
	case err != nil:
		return errorBody{}
	case b.Error != nil && (b.Error.Code != 0 || b.Error.Status != ""):
		return b.Error.read()
	case b.Kind == "Status":
		return b.kubernetesStatus.read()
	}
	return errorBody{}
}

func (e *googleError) read() errorBody {
	read := details.Read(e.Details)
	b := errorBody{
		ofAPI:        true,
		message:      safetext.Line(e.Message, maxMessage),
		googleStatus: safetext.Line(e.Status, maxCode),
		violations:   read.Fields, conditions: read.Conditions, links: read.Links,
		retryAfter: min(max(read.RetryDelay, 0), maxRetryAfter),
	}
	for _, raw := range e.Details {
		var detail any
		if json.Unmarshal(raw, &detail) == nil {
			b.details = append(b.details, detail)
		}
	}
	return b
}

func (s *kubernetesStatus) read() errorBody {
	b := errorBody{
		ofAPI:      true,
		message:    safetext.Line(s.Message, maxMessage),
		reason:     safetext.Line(s.Reason, maxCode),
		retryAfter: seconds(s.Details.RetryAfterSeconds),
	}
	for _, c := range s.Details.Causes {
		b.violations = append(b.violations, Violation{Field: safetext.Line(c.Field, maxField), Description: safetext.Line(c.Message, maxMessage)})
	}
	return b
}
