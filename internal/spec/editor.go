package spec

import "github.com/cloudrun-go/cloudrun/internal/edits"

// Editor carries out settings on a workload. It is an [edits.Target].
type Editor struct {
	workload *Workload
	was      places
}

// NewEditor returns an editor of the workload as it is now.
func NewEditor(w *Workload) *Editor { return &Editor{workload: w, was: placesOf(w.Pod)} }

// Edit carries out one setting. It ignores functions that are not of this package.
func (e *Editor) Edit(step edits.Step) error {
	switch do := step.Do.(type) {
	case MetadataEdit:
		return do(e.workload.Meta)
	case PlatformEdit:
		return do(e.workload.Meta, e.workload.Cluster)
	case WorkloadEdit:
		return do(e.workload)
	case ContainerEdit:
		return e.editContainer(step, do)
	}
	return nil
}

// Settle restores the original order of list elements.
func (e *Editor) Settle() { e.was.restore(e.workload.Pod) }

func (e *Editor) editContainer(step edits.Step, do ContainerEdit) error {
	c, err := findContainer(e.workload.Pod, do.In)
	if err != nil {
		return err
	}
	if do.In == "" && c.Name != "" { // other settings may mean the same container by its name
		if yields, err := step.Yields(containerScope(c.Name)); err != nil || yields {
			return err
		}
	}
	return do.Edit(e.workload, c)
}
