package throttle

import (
	"math"
	"time"
)

const (
	// doubling is how long it takes an unknown rate to double.
	doubling = 3 * time.Second
	// margin is the part of a known rate that is left unused right after a refusal.
	margin = 0.02
	// plateau is how long it takes to come back to the known rate.
	plateau = 30 * time.Second
	// near and far are the parts of a refused rate that count as known: after a
	// long time of growth the quota is near, soon after a refusal it may be far below.
	near, far = 0.99, 0.94
	// steep is the least part of the growth before a refusal that counts as known.
	steep = 0.97
	// early is the least part of a rate that counts as known at the first refusal.
	early = 0.8
	// slowest is the lowest rate per second.
	slowest = 0.05
	// fastest bounds a rate that the server never refuses.
	fastest = 10_000
)

// curve is a rate that grows with the time in which it is used up. An unknown rate
// grows exponentially. One that is known grows like the window of TCP CUBIC: it begins
// a little below, is flat around what is known, and then rises faster and faster, in
// case the quota has grown.
type curve struct {
	rate    float64 // per second
	learned bool
}

// refused returns the curve after a refusal. The server admitted nothing for some more
// time than the pause that it asked for: what it admitted before was for that time, too.
func (c curve) refused(active, blocked time.Duration) curve {
	active = max(active, time.Millisecond)
	admitted := max(c.recent(active), c.at(active)*early)
	if c.learned {
		part := near - (near-far)*max(1-active.Seconds()/plateau.Seconds(), 0)
		admitted = max(c.at(active*9/10), c.at(active)*steep) * part // the quota was exceeded a while before that was noticed
	}
	return curve{rate: max(admitted*active.Seconds()/(active+blocked).Seconds(), slowest), learned: true}
}

// recent returns how many requests an unknown rate came to in the last second.
func (c curve) recent(active time.Duration) float64 {
	second, double := min(active.Seconds(), 1), doubling.Seconds()
	return c.at(active) * (1 - math.Exp2(-second/double)) * double / math.Ln2
}

// at returns the rate after a time.
func (c curve) at(active time.Duration) float64 {
	if !c.learned {
		return min(c.rate*math.Exp2(active.Seconds()/doubling.Seconds()), fastest)
	}
	x := active.Seconds()/plateau.Seconds() - 1
	return min(c.rate*(1+margin*x*x*x), fastest)
}
