package once_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/once"
)

var (
	schedules    = flag.Int("schedules", 3000, "how many random schedules to run")
	firstOfThose = flag.Uint64("seed", 1, "the first of the random schedules")
)

// world is a server, a network and other writers, all at random.
type world struct {
	*rand.Rand
	log      []string
	now      *doc
	past     []moment // every state, the newest last
	nextUID  int
	nextRV   int
	mine     int // writes of the call that took effect
	uids     map[string]int
	created  string // the UID of what the call created
	lost     string // the UID of what a write changed whose response was lost
	vanished bool   // what the call created was deleted
	written  string // the UID of what the last write changed
	strayed  bool   // after that, the call replaced another object
	doubled  bool   // a write was delivered twice
	replace  bool   // another writer replaced or deleted what the call wrote
	erased   bool   // what the call created was deleted
	end      func()
	calm     bool // no faults any more
}

// moment is the object at a time, nil if there was none.
type moment struct {
	doc *doc
	at  time.Time
}

// behind is how old a read may be.
const behind = 400 * time.Millisecond

func (w *world) logf(format string, args ...any) {
	w.log = append(w.log, time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

func (w *world) chance(percent int) bool { return !w.calm && w.IntN(100) < percent }

func (w *world) set(d *doc) {
	w.now = d
	w.past = append(w.past, moment{d, time.Now()})
}

// change writes a text, as the next generation.
func (w *world) change(text string) {
	w.nextRV++
	v := once.Version{Resource: strconv.Itoa(w.nextRV), Generation: 1}
	if w.now == nil {
		w.nextUID++
		v.UID = "u" + strconv.Itoa(w.nextUID)
	} else {
		v.UID, v.Generation = w.now.version.UID, w.now.version.Generation+1
	}
	w.set(&doc{text, v})
}

// others does what other writers do at any time.
func (w *world) others() {
	if !w.chance(25) {
		return
	}
	switch n := w.IntN(10); {
	case w.now == nil:
		w.change("theirs")
	case n < 4:
		w.change(w.now.text + "+t")
	case n < 6:
		w.nextRV++ // the server writes the status
		d := *w.now
		d.version.Resource = strconv.Itoa(w.nextRV)
		w.set(&d)
	case n < 8:
		w.replace = w.replace || w.mine > 0
		w.change("theirs")
	default:
		w.replace, w.erased = w.replace || w.mine > 0, w.erased || w.created == w.now.version.UID || w.doubled && w.uids[w.now.version.UID] > 0
		w.vanished = w.vanished || w.created == w.now.version.UID
		w.set(nil)
		if n == 9 {
			w.change("again")
		}
	}
	w.logf("others: %v", w.now)
}

func (w *world) Read(context.Context) (*doc, error) {
	w.others()
	if w.chance(5) {
		w.end()
	}
	seen := w.now
	if w.chance(40) {
		i := len(w.past) - 1
		for i > 0 && time.Since(w.past[i].at) < behind && w.IntN(3) > 0 {
			i-- // the moment before was still the present at some time within the bound
		}
		seen = w.past[i].doc
	}
	w.logf("read: %v", seen)
	switch {
	case w.chance(2):
		return nil, errRefused
	case seen == nil:
		return nil, errMissing
	}
	return seen, nil
}

func (w *world) Create(_ context.Context, b body) (*doc, error) {
	return w.write("create", func() error {
		if w.now != nil {
			return errExists
		}
		return nil
	}, b)
}

func (w *world) Replace(_ context.Context, base *doc, b body) (*doc, error) {
	return w.write(fmt.Sprintf("replace %v", base.version), func() error {
		switch {
		case w.now == nil:
			return errMissing
		case w.now.version != base.version:
			return errConflict
		}
		return nil
	}, b)
}

// write delivers a write over a bad network.
func (w *world) write(what string, check func() error, b body) (answer *doc, err error) {
	defer func() { w.logf("%s %q: %v", what, b, err); w.others() }()
	w.others()
	switch {
	case w.chance(10):
		return nil, errLost // before the effect
	case w.chance(2):
		return nil, errRefused
	case w.chance(2):
		return nil, errUnsent
	}
	before := w.mine
	answer, err = w.apply(check, b)
	defer func() {
		if w.mine > before && errors.Is(err, errLost) {
			w.lost = w.written
		}
	}()
	switch {
	case w.chance(15):
		return nil, errLost
	case w.chance(20):
		w.doubled = true
		if w.IntN(3) == 0 {
			return w.apply(check, b)
		}
		return nil, []error{errConflict, errRefused, errRefused, errLost, errExists}[w.IntN(5)]
	case w.chance(5):
		w.end()
		return nil, errLost
	}
	return answer, err
}

func (w *world) apply(check func() error, b body) (*doc, error) {
	if err := check(); err != nil {
		return nil, err
	}
	w.strayed = w.strayed || w.lost != "" && w.now != nil && w.now.version.UID != w.lost
	w.change(string(b))
	w.mine++
	w.written = w.now.version.UID
	w.uids[w.now.version.UID]++
	if w.now.version.Generation == 1 {
		w.created = w.now.version.UID
	}
	w.logf("took effect: %v", w.now)
	return w.now, nil
}

// worldMark is found in what there is of the object; its history ends with it.
type worldMark struct{ *world }

func (worldMark) In(b body) bool { return strings.Contains(string(b), "mine") }
func (worldMark) On(d *doc) bool { return strings.Contains(d.text, "mine") }
func (m worldMark) Left(context.Context) (bool, error) {
	time.Sleep(time.Second)
	m.others()
	return slices.ContainsFunc(m.past, func(p moment) bool {
		return p.doc != nil && m.now != nil && p.doc.version.UID == m.now.version.UID && strings.Contains(p.doc.text, "mine")
	}), nil
}

// Whatever becomes of requests and responses, and whatever others do meanwhile,
// a write takes effect once, and the result is true.
func TestRandomSchedules(t *testing.T) {
	t.Parallel()
	outcomes := map[string]int{}
	for seed := *firstOfThose; seed < *firstOfThose+uint64(*schedules); seed++ {
		synctest.Test(t, func(t *testing.T) { outcomes[schedule(t, seed)]++ })
		if t.Failed() {
			return
		}
	}
	t.Log(outcomes)
	require.Greater(t, outcomes["written"], *schedules/3)
}

func schedule(t *testing.T, seed uint64) string {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := &world{Rand: rand.New(rand.NewPCG(seed, 0)), uids: map[string]int{}, end: cancel}
	if w.chance(70) {
		w.change("a")
		w.change("a+b")
	} else {
		w.set(nil)
	}
	time.Sleep(time.Second)
	done, err := once.Writer[*doc, body]{
		Store: w, Create: w.chance(80), Classify: classify, Mark: worldMark{w},
		Compose: func(_ context.Context, base *doc) (body, error) {
			if base == nil {
				return "mine", nil
			}
			return body(base.text + "+mine"), nil
		},
		Holds:    func(_ *doc, _ body, now *doc) bool { return strings.Contains(now.text, "mine") },
		Retrying: func(err error, delay time.Duration) { w.logf("pause %v: %v", delay, err) },
	}.Run(ctx)
	outcome, problem := w.judge(done, err)
	require.Empty(t, problem, "seed %d: %v\n%s", seed, err, strings.Join(w.log, "\n"))
	return outcome
}

// judge returns the outcome, and what is wrong with it.
func (w *world) judge(done *once.Written[*doc, body], err error) (outcome, problem string) {
	for uid, n := range w.uids {
		if n > 1 {
			return "", fmt.Sprintf("%s was written %d times", uid, n)
		}
	}
	if w.strayed {
		return "", "it replaced another object than the one that a lost write may have changed"
	}
	if w.mine > 1 && !w.erased { // no trace is left of what was created and deleted
		return "", fmt.Sprintf("written %d times", w.mine)
	}
	if err == nil {
		switch {
		case !done.Changed, w.mine == 0:
			return "", "it succeeded, but nothing was written"
		case !strings.Contains(done.Doc.text, "mine"):
			return "", "the result is another's"
		}
		return "written", ""
	}
	var failed *once.Failure
	if !errors.As(err, &failed) {
		return "", "the error is not a Failure"
	}
	switch {
	case failed.Outcome == once.NotWritten && w.mine > 0 && !w.vanished:
		return "", "it claims that nothing was written, but it was"
	case failed.Outcome == once.Effective && w.mine == 0:
		return "", "it claims that it was written, but it was not"
	case failed.Step == once.StepConfirm && !w.replace:
		return "", "it was overtaken by itself"
	}
	return fmt.Sprint([]string{"not written", "overtaken", "unknown"}[failed.Outcome]), ""
}

func (d *doc) String() string {
	if d == nil {
		return "none"
	}
	return fmt.Sprint(d.version, " ", d.text)
}
