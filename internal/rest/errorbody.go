package rest

import (
	"encoding/json"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

const (
	maxMessage = 4096           // of text from a server
	maxText    = 3 * maxMessage // of an error
	maxField   = 200
	maxCode    = 64
)

// Violation is a field of a request that the server rejected.
type Violation struct {
	Field       string
	Description string
}

// errorBody is what the body of an error response says.
type errorBody struct {
	ofAPI        bool // it is a Google error or a Kubernetes Status
	message      string
	reason       string
	googleStatus string
	details      []any
	violations   []Violation
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
	b := errorBody{
		ofAPI:        true,
		message:      safetext.Line(e.Message, maxMessage),
		googleStatus: safetext.Line(e.Status, maxCode),
	}
	for _, raw := range e.Details {
		var detail any
		if json.Unmarshal(raw, &detail) == nil {
			b.details = append(b.details, detail)
		}
		var d struct {
			FieldViolations []Violation `json:"fieldViolations"`
		}
		if json.Unmarshal(raw, &d) == nil {
			for _, v := range d.FieldViolations {
				b.violations = append(b.violations, violation(v.Field, v.Description))
			}
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
		b.violations = append(b.violations, violation(c.Field, c.Message))
	}
	return b
}

func violation(field, description string) Violation {
	return Violation{Field: safetext.Line(field, maxField), Description: safetext.Line(description, maxMessage)}
}
