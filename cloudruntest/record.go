package cloudruntest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Request is one recorded request of the API.
type Request struct {
	Method string
	Host   string // without port
	Path   string
	Query  url.Values  // without credentials
	Header http.Header // without credentials
	Body   []byte
	Status int // 0: the connection was broken instead of a response
	Time   time.Time
}

// Write is one change of the state.
type Write struct {
	Kind            string // create, update, delete, setIamPolicy or deleteRevision
	Project         string // project number
	Region          string
	Name            string // of the Service
	UID             string // of the Service; another one after it was deleted and created again
	Generation      int64
	ResourceVersion string
	Revision        string // created or deleted by the write
	Body            json.RawMessage
	Time            time.Time
}
