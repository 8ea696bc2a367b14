package data

import "maps"

// balancer spreads requests evenly. Each hundred in a row is split exactly by
// the percentages.
type balancer struct {
	weights map[string]int
	credit  map[string]int
}

func (b *balancer) next(weights map[string]int) string {
	if !maps.Equal(weights, b.weights) {
		b.weights, b.credit = weights, map[string]int{}
	}
	total, best := 0, ""
	for name, w := range weights {
		total += w
		b.credit[name] += w
		if w > 0 && (best == "" || b.credit[name] > b.credit[best] || b.credit[name] == b.credit[best] && name < best) {
			best = name
		}
	}
	if best != "" {
		b.credit[best] -= total
	}
	return best
}
