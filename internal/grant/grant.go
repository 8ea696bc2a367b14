// Package grant names the predefined role that has a permission, and the gcloud
// command that grants it.
package grant

import (
	"errors"
	"strings"
)

// ErrImageDenied is matched by the error of a registry that refuses to show an image.
var ErrImageDenied = errors.New("the registry denies access to the image")

// The permissions that the library names itself.
const (
	GetService       = "run.services.get"
	CreateService    = "run.services.create"
	UpdateService    = "run.services.update"
	DeleteService    = "run.services.delete"
	ListServices     = "run.services.list"
	GetServicePolicy = "run.services.getIamPolicy"
	SetServicePolicy = "run.services.setIamPolicy"
	GetRevision      = "run.revisions.get"
	DeleteRevision   = "run.revisions.delete"
	ListRevisions    = "run.revisions.list"
	GetOperation     = "run.operations.get"
	ListLocations    = "run.locations.list"
	ActAs            = "iam.serviceAccounts.actAs"
	GetAccessToken   = "iam.serviceAccounts.getAccessToken"
	ReadImage        = "artifactregistry.repositories.downloadArtifacts"
	AccessSecret     = "secretmanager.versions.access"
	ReadLogs         = "logging.logEntries.list"
	UseProject       = "serviceusage.services.use"
)

// roleUser is the role to use service accounts.
const roleUser = "roles/iam.serviceAccountUser"

// Role returns a predefined role that has a permission and little else; empty if
// none is known.
func Role(permission string) string {
	switch permission {
	case GetService, CreateService, UpdateService, DeleteService, DeleteRevision, GetOperation:
		return "roles/run.developer"
	case ListServices, GetRevision, ListRevisions, ListLocations:
		return "roles/run.viewer"
	case GetServicePolicy, SetServicePolicy:
		return "roles/run.admin"
	case ActAs:
		return roleUser
	case GetAccessToken:
		return "roles/run.serviceAgent"
	case ReadImage, "artifactregistry.repositories.get":
		return "roles/artifactregistry.reader"
	case "storage.objects.get":
		return "roles/storage.objectViewer"
	case AccessSecret:
		return "roles/secretmanager.secretAccessor"
	case ReadLogs:
		return "roles/logging.viewer"
	case UseProject:
		return "roles/serviceusage.serviceUsageConsumer"
	case "vpcaccess.connectors.use":
		return "roles/vpcaccess.user"
	case "compute.subnetworks.use":
		return "roles/compute.networkUser"
	case "resourcemanager.projects.get":
		return "roles/browser"
	}
	return ""
}

// Command returns the gcloud command that grants the role of a permission on a
// resource, or on the project if the permission is not about one resource. An
// unknown member is spelled MEMBER. It is empty if no role is known, or if a part
// of it is not safe in a shell.
func Command(permission, resource, member, project string) string {
	role := Role(permission)
	if member == "" {
		member = "MEMBER"
	}
	if role == "" || strings.ContainsFunc(resource+member+project, unsafe) || strings.Contains(strings.ReplaceAll(resource, "/-/", "/"), "/-") || project == "" && !strings.HasPrefix(resource, "projects/") {
		return ""
	}
	return target(permission, strings.Split(resource, "/"), project) + " --member=" + member + " --role=" + role
}

// target returns the command without the member and the role.
func target(permission string, path []string, project string) string {
	const binding = " add-iam-policy-binding "
	switch {
	case permission == ActAs && isOf(path, "projects", "", "serviceAccounts", ""):
		return "gcloud iam service-accounts" + binding + path[3]
	case permission == AccessSecret && isOf(path, "projects", "", "secrets", ""):
		return "gcloud secrets" + binding + path[3] + " --project=" + path[1]
	case isOf(path, "projects", "", "locations", "", "repositories", ""):
		return "gcloud artifacts repositories" + binding + path[5] + " --location=" + path[3] + " --project=" + path[1]
	case onService(permission) && isOf(path, "projects", "", "locations", "", "services", ""):
		return "gcloud run services" + binding + path[5] + " --region=" + path[3] + " --project=" + path[1]
	case permission != AccessSecret && permission != ReadImage && isOf(path, "projects", ""):
		project = path[1]
	}
	return "gcloud projects" + binding + project
}

// onService reports whether a permission is about a Service that exists.
func onService(permission string) bool {
	switch permission {
	case UpdateService, DeleteService, GetServicePolicy, SetServicePolicy:
		return true
	}
	return false
}

// isOf reports whether a path begins with parts, of which the empty ones stand for any.
func isOf(path []string, parts ...string) bool {
	if len(path) < len(parts) {
		return false
	}
	for i, part := range parts {
		if path[i] == "" || part != "" && path[i] != part {
			return false
		}
	}
	return true
}

// unsafe reports whether a character has no place in a command.
func unsafe(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.:/@", r)
}

// Repository returns the Artifact Registry repository of an image, such as
// "projects/p/locations/us/repositories/r"; empty if the image is not in one.
func Repository(image string) string {
	parts := strings.SplitN(image, "/", 4)
	host := parts[0]
	if location, ok := strings.CutSuffix(host, "-docker.pkg.dev"); ok && len(parts) == 4 {
		return "projects/" + parts[1] + "/locations/" + location + "/repositories/" + parts[2]
	}
	location, ok := map[string]string{"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}[host]
	if !ok || len(parts) < 3 || strings.Contains(parts[1], ".") {
		return ""
	}
	return "projects/" + parts[1] + "/locations/" + location + "/repositories/" + host
}
