package manifest

const (
	// MaxText bounds what is read, MaxObject what it may come to when aliases are expanded, both in bytes.
	MaxText   = 4 << 20
	MaxObject = 1 << 20

	maxDepth    = 100     // a Service nests some fifteen levels
	maxValues   = 1 << 18 // visited, which aliases can multiply without making the object larger
	maxProblems = 100
)

// Problem is one thing that is wrong in a text.
type Problem struct {
	// Path is the field, such as "spec.containers[0].name"; empty for the text as a whole.
	Path string
	// Line counts from 1; 0 if it is not known.
	Line   int
	Reason string
}
