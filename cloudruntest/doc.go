// Package cloudruntest is an embedded Cloud Run control plane.
package cloudruntest
