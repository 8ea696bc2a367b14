package cloudrun

// SetPublic is what the Deployer makes Services public with.
var SetPublic = (*Client).setPublic

// PolicyOutcome tells what a failed update of a policy may have written.
func PolicyOutcome(err error) (outcome WriteOutcome, known bool) {
	f, known := asType[*writeFailure](err)
	if !known {
		return NotWritten, false
	}
	return f.outcome, true
}
