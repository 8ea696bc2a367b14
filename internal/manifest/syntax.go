package manifest

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
)

// syntaxProblem returns the problem in an error of the YAML parser.
func syntaxProblem(text []byte, err error) *Problem {
	p := &Problem{}
	p.Line, p.Reason = syntaxError(err)
	switch {
	case strings.HasPrefix(p.Reason, "unknown anchor"):
		p.Reason = "unknown anchor: put a value that begins with * in quotes" // its name may be a secret
	case p.Reason == "did not find expected key" || p.Reason == "did not find expected '-' indicator":
		if line := lineOfIndent(text, p.Reason); line > 0 {
			return &Problem{Line: line, Reason: "not valid YAML: this line does not continue the block above it: check its indent and its quotes"}
		}
	}
	p.Reason = "not valid YAML, here or nearby: " + p.Reason // the parser's lines are sometimes off by one
	return p
}

// syntaxError extracts the line and the reason from an error of the YAML parser.
func syntaxError(err error) (line int, reason string) {
	reason = strings.TrimPrefix(err.Error(), "yaml: ")
	if n, _ := fmt.Sscanf(reason, "line %d:", &line); n == 1 {
		_, reason, _ = strings.Cut(reason, ": ")
	}
	return line, reason
}

// lineOfIndent returns the line of a problem in a block, for which the parser
// gives the line where the block begins. It is the last line of the shortest text
// with that problem. The result is 0 if the text is too long to try.
func lineOfIndent(text []byte, reason string) int {
	const most = 256 << 10
	lines := bytes.SplitAfter(text, []byte("\n"))
	if len(text) > most {
		return 0
	}
	end := make([]int, len(lines)+1)
	for i, line := range lines {
		end[i+1] = end[i] + len(line)
	}
	return sort.Search(len(lines), func(n int) bool { return failsWith(text[:end[n]], reason) })
}

// failsWith reports whether the YAML parser gives that reason to reject a text.
func failsWith(text []byte, reason string) bool {
	for _, err := range documents(text) {
		if err != nil {
			_, got := syntaxError(err)
			return got == reason
		}
	}
	return false
}
