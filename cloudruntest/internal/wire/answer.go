package wire

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/frontend"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/transport"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// answer is the response to one request of the API.
type answer struct {
	code   int
	header http.Header
	body   []byte
	watch  *watcher // that sends the body; nil if the body is complete
}

func answerJSON(code int, v any) answer {
	return answer{code: code, header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}}, body: tree.Encode(v)}
}

func answerText(code int, contentType, body string) answer {
	return answer{code: code, header: http.Header{"Content-Type": {contentType}}, body: []byte(body)}
}

// answerError returns an error as Cloud Run or as a cluster sends it.
func answerError(err *apierror.Error, cluster bool) answer {
	return answerJSON(err.Code, err.Body(cluster))
}

// answerOK returns an object, unless there is an error.
func answerOK(doc tree.Object, err *apierror.Error) (answer, *apierror.Error) {
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, doc), nil
}

// nowhere returns the response where no API is.
func nowhere(c *call, cluster bool) answer {
	if cluster {
		return answerText(http.StatusNotFound, "text/plain; charset=utf-8", "404 page not found\n")
	}
	return answerText(http.StatusNotFound, "text/html; charset=UTF-8", frontend.NotFound(c.r.URL.Path))
}

// warn adds warnings to an answer.
func (a answer) warn(warnings []string) answer {
	for _, w := range warnings {
		quoted, _ := json.Marshal(w)
		a.header.Add("Warning", "299 - "+string(quoted))
	}
	return a
}

// send writes the answer. A fault may break the connection after a part of the
// body, or slow the body down.
func (a answer) send(ctx context.Context, w http.ResponseWriter, f Fault) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.code)
	part, whole := a.body, true
	if f.Truncate > 0 && f.Truncate < len(a.body) {
		part, whole = a.body[:f.Truncate], false
	}
	transport.Drip(ctx, w, part, f.Drip)
	if !whole {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}
