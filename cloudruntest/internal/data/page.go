package data

import (
	"io"
	"net/http"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/frontend"
)

func errorPage(w http.ResponseWriter, code int, title, message string) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, frontend.Error(title, message))
}
