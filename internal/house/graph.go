package house

import "slices"

// Graph has, for each file, the other files that it uses.
type Graph map[string]map[string]bool

// Arrows counts the pairs of files of which one uses the other.
func (g Graph) Arrows() (n int) {
	for _, to := range g {
		n += len(to)
	}
	return n
}

// Knots returns the strongly connected components: files that use one another,
// directly or through others. A file outside of any cycle is a knot of one.
// Each knot comes after those that it uses.
func (g Graph) Knots() [][]string {
	t := tarjan{graph: g, index: map[string]int{}, low: map[string]int{}, open: map[string]bool{}}
	for file := range g {
		if t.index[file] == 0 {
			t.visit(file)
		}
	}
	return t.knots
}

// tarjan is the state of Tarjan's algorithm.
type tarjan struct {
	graph      Graph
	index, low map[string]int
	open       map[string]bool // whether a file is on the stack
	stack      []string
	knots      [][]string
}

func (t *tarjan) visit(file string) {
	t.index[file], t.low[file] = len(t.index)+1, len(t.index)+1
	t.stack, t.open[file] = append(t.stack, file), true
	for used := range t.graph[file] {
		if t.index[used] == 0 {
			t.visit(used)
			t.low[file] = min(t.low[file], t.low[used])
		} else if t.open[used] {
			t.low[file] = min(t.low[file], t.index[used])
		}
	}
	if t.low[file] == t.index[file] {
		t.close(file)
	}
}

// close takes a complete knot from the stack.
func (t *tarjan) close(first string) {
	start := slices.Index(t.stack, first)
	knot := slices.Clone(t.stack[start:])
	t.stack = t.stack[:start]
	for _, file := range knot {
		t.open[file] = false
	}
	slices.Sort(knot)
	t.knots = append(t.knots, knot)
}

// Depth returns the number of knots on the longest way down.
func (g Graph) Depth() (deepest int) {
	knotOf, floor := map[string]int{}, map[int]int{}
	for i, knot := range g.Knots() { // those that it uses are done
		floor[i] = 1
		for _, file := range knot {
			knotOf[file] = i
		}
		for _, file := range knot {
			for used := range g[file] {
				if knotOf[used] != i {
					floor[i] = max(floor[i], floor[knotOf[used]]+1)
				}
			}
		}
		deepest = max(deepest, floor[i])
	}
	return deepest
}

// LargestKnot returns the knot with the most files.
func (g Graph) LargestKnot() (largest []string) {
	for _, knot := range g.Knots() {
		if len(knot) > len(largest) {
			largest = knot
		}
	}
	return largest
}
