package control

import (
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

// preconditions checks the DeleteOptions in the body of a deletion against the
// object. Cloud Run ignores the body.
func (p *Plane) preconditions(c Call, kind, uid, version string) *apierror.Error {
	if !p.Store.Cluster || len(c.Body) == 0 {
		return nil
	}
	options, err := tree.Decode(c.Body)
	if err != nil {
		return apierror.Invalid("couldn't get version/kind; json parse error: %s", err)
	}
	wanted := tree.At(options, "preconditions")
	refused := func(what, wants, has, fate string) *apierror.Error {
		e := apierror.Conflict(`Operation cannot be fulfilled on %s.serving.knative.dev "%s": the %s in the precondition (%s) does not match the %[3]s in record (%s). The object might have been %s`,
			kind, c.Target.Name, what, wants, has, fate)
		e.Kind, e.Name = kind, c.Target.Name
		return e
	}
	if wants := tree.Text(wanted, "uid"); wants != "" && wants != uid {
		return refused("UID", wants, uid, "deleted and then recreated")
	}
	if wants := tree.Text(wanted, "resourceVersion"); wants != "" && version != "" && wants != version {
		return refused("ResourceVersion", wants, version, "modified")
	}
	return nil
}
