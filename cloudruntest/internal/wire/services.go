package wire

import (
	"net/http"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/control"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

func getService(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	doc, err := p.GetService(c.to(t))
	if err == nil && p.Store.Cluster && c.asTable() {
		doc = table(tree.Object{"resourceVersion": tree.At(doc, "metadata")["resourceVersion"]}, []any{doc})
	}
	return answerOK(doc, err)
}

func listServices(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	if isWatch(p, c) {
		return watchServices(p, c, t)
	}
	entries, err := p.ListServices(c.to(t))
	if err != nil {
		return answer{}, err
	}
	return answerList(p, c, "Service", entries)
}

func createService(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	written, err := p.CreateService(c.to(t))
	if err != nil {
		return answer{}, err
	}
	code := http.StatusOK
	if p.Store.Cluster {
		code = http.StatusCreated
	}
	return answerJSON(code, written.Doc).warn(written.Warnings), nil
}

func replaceService(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	written, err := p.ReplaceService(c.to(t))
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, written.Doc).warn(written.Warnings), nil
}

// patchService merges a patch into a Service. Cloud Run has no patches.
func patchService(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	if !p.Store.Cluster {
		return nowhere(c, false), nil
	}
	written, err := p.PatchService(c.to(t))
	if err != nil {
		return answer{}, err
	}
	return answerJSON(http.StatusOK, written.Doc).warn(written.Warnings), nil
}

func deleteService(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	return answerOK(p.DeleteService(c.to(t)))
}

func getRevision(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	return answerOK(p.GetRevision(c.to(t)))
}

func listRevisions(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	entries, err := p.ListRevisions(c.to(t))
	if err != nil {
		return answer{}, err
	}
	return answerList(p, c, "Revision", entries)
}

func deleteRevision(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	return answerOK(p.DeleteRevision(c.to(t)))
}

func getPart(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	return answerOK(p.GetPart(c.to(t)))
}

func listParts(p *control.Plane, c *call, t control.Target) (answer, *apierror.Error) {
	kind := "Route"
	if t.Kind == "configurations" {
		kind = "Configuration"
	}
	return answerList(p, c, kind, p.ListParts(c.to(t)))
}
