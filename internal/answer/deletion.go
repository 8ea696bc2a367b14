package answer

import "encoding/json"

// Deletion is the deletion of the object with a UID, empty if it is not known.
type Deletion struct {
	Place Place
	UID   string
}

// Check returns an error if an answer is not that to the deletion: an empty body,
// a Status of success, or the object. Only what the answer names is compared.
func (d Deletion) Check(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	var a struct {
		Kind              string
		Status            json.RawMessage // an object has another than a Status
		Details, Metadata Object
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return errNotOurs
	}
	found := a.Metadata
	if a.Kind == "Status" {
		if string(a.Status) != `"Success"` {
			return errNotOurs
		}
		found = Object{Name: a.Details.Name, UID: a.Details.UID}
		if found.Name == "" {
			found.Name = d.Place.Name
		}
	}
	if err := d.Place.Check(found); err != nil {
		return err
	}
	if d.UID != "" && found.UID != "" && found.UID != d.UID {
		return errOtherUID
	}
	return nil
}
