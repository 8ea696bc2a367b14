// Package data is the data plane: it answers at the URLs of Services. A container
// is an http.Handler. Traffic is split exactly as configured, and callers without
// permission are refused.
package data
