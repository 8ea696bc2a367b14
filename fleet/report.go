package fleet

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/logform"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// Report is what became of all targets of a call.
type Report struct {
	// RunID is the ID of the run. Deploy goes on with the run if it is called with it.
	RunID string
	// Results are the results, in the order of the targets.
	Results []Result
	// Duration is how long the call took.
	Duration time.Duration
}

// all returns the results; none of a nil Report.
func (r *Report) all() []Result {
	if r == nil {
		return nil
	}
	return r.Results
}

// Count returns how many targets have a status.
func (r *Report) Count(s Status) int {
	n := 0
	for _, result := range r.all() {
		if result.Status == s {
			n++
		}
	}
	return n
}

// Err returns an [*Error] with the errors of all targets that are not deployed; nil if all are.
func (r *Report) Err() error {
	if r == nil {
		return nil
	}
	e := &Error{total: len(r.Results), lack: "are not deployed", runID: r.RunID}
	for _, result := range r.Results {
		if result.Err != nil {
			e.Targets = append(e.Targets, &TargetError{result.Target, result.Err})
		}
	}
	return e.orNil()
}

// Summary returns the counts on one line, such as "88 deployed, 1 failed, 1 skipped in 2m3s (run abc)".
func (r *Report) Summary() string {
	parts := []string{fmt.Sprintf("%d %s", r.Count(Deployed), Deployed)}
	for _, s := range []Status{Failed, RolledBack, Skipped} {
		if n := r.Count(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	unit := time.Second
	if r.Duration < 10*time.Second {
		unit /= 10
	}
	return fmt.Sprintf("%s in %v (run %s)", strings.Join(parts, ", "), r.Duration.Round(unit), r.RunID)
}

// String returns a table with one line for each target, and the summary.
func (r *Report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVICE\tREGION\tPROJECT\tRESULT\tREVISION\tSECONDS\tURL OR CAUSE")
	for _, result := range r.Results {
		fmt.Fprintln(w, strings.Join(result.cells(), "\t"))
	}
	_ = w.Flush()
	return b.String() + r.Summary() + "\n"
}

// cells are the cells of a line of the table.
func (r Result) cells() []string {
	seconds := ""
	if r.Status != Skipped {
		seconds = fmt.Sprintf("%.1f", r.Duration.Seconds())
	}
	last := r.URL()
	if r.Deployment != nil && len(r.Deployment.Warnings) > 0 {
		last += " (" + safetext.Line(r.Deployment.Warnings[0], maxCause) + ")"
	}
	if r.Err != nil {
		last = r.Cause()
	}
	return []string{r.Target.Service, r.Target.Region, orDash(r.Target.Project), r.Outcome(), orDash(r.Revision()), orDash(seconds), orDash(last)}
}

// Outcome returns what became of the target in a word or two: the action if it is
// deployed, such as "created", "resumed" if an earlier call of the run did that,
// and the status otherwise.
func (r Result) Outcome() string {
	switch {
	case r.Status != Deployed:
		return string(r.Status)
	case r.Resumed:
		return "resumed"
	}
	return string(r.Action())
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// MarshalJSON encodes the report as an object with the fields runId,
// durationSeconds and results. A result has the fields service, project, region,
// wave, status, resumed, action, revision, url, durationSeconds and error.
func (r *Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		RunID   string   `json:"runId"`
		Seconds float64  `json:"durationSeconds"`
		Results []Result `json:"results"`
	}{r.RunID, r.Duration.Seconds(), r.Results})
}

// LogValue returns the result as a group of the attributes that its JSON has, as far as it has them.
func (r Result) LogValue() slog.Value {
	return logform.Group(slog.String("service", r.Target.Service), slog.String("project", r.Target.Project), slog.String("region", r.Target.Region),
		slog.Int("wave", r.Wave), slog.String("status", string(r.Status)), slog.Bool("resumed", r.Resumed), slog.String("action", string(r.Action())),
		slog.String("revision", r.Revision()), slog.String("url", r.URL()), slog.Duration("duration", r.Duration), slog.String("error", r.Cause()))
}

// MarshalJSON encodes the result as an object with the attributes of LogValue.
func (r Result) MarshalJSON() ([]byte, error) { return logform.JSON(r.LogValue()) }
