package manifest

const (
	// MaxText is the maximum size of a text in bytes.
	MaxText = 4 << 20
	// MaxObject is the maximum size of an object in bytes, with its aliases expanded.
	MaxObject = 1 << 20

	maxDepth    = 100     // a Service has some fifteen levels
	maxValues   = 1 << 18 // visited nodes: aliases can multiply them without making the object larger
	maxProblems = 100
)

// Problem is one problem in a text.
type Problem struct {
	// Path is the field, such as "spec.containers[0].name"; empty for the text as a whole.
	Path string
	// Line counts from 1; 0 if it is unknown.
	Line   int
	Reason string
}
