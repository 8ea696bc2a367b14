package runprogress

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/cloudrun-go/cloudrun/fleet"
	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

// WriteReport writes to w for people what became of the targets of a fleet: a table
// with a line for each, the cause below each that is not deployed, the counts, and
// how to go on. Text for a terminal is colored unless the environment variable
// NO_COLOR is set, and fits its width. URLs are part of the table where it is wide
// enough. A nil report or writer writes nothing.
func WriteReport(w io.Writer, report *fleet.Report) {
	if w == nil || report == nil {
		return
	}
	r := newReport(w)
	r.table(report)
	r.say(report.Summary())
	if report.Err() != nil {
		r.say(fmt.Sprintf("To go on, deploy again with the run ID %s.", report.RunID))
	}
	_, _ = io.WriteString(w, r.text.String())
}

// table adds the table. Its last column is left out where it does not fit.
func (r *report) table(report *fleet.Report) {
	rows := [][]string{{"SERVICE", "REGION", "RESULT", "REVISION", "TIME", "URL"}}
	for _, result := range report.Results {
		rows = append(rows, []string{result.Target.Service, result.Target.Region, result.Outcome(), result.Revision(), seconds(result.Duration), result.URL()})
	}
	widths, sum := make([]int, len(rows[0])), 0
	for _, row := range rows {
		for i := range row {
			row[i] = safetext.Line(cmp.Or(row[i], "-"), maxMessage)
			widths[i] = max(widths[i], width(row[i]))
		}
	}
	for _, n := range widths {
		sum += n + 2
	}
	shown := len(widths)
	if sum-2 > r.columns-1 {
		shown--
	}
	for i, row := range rows {
		r.tableRow(row[:shown], widths)
		if i > 0 && report.Results[i-1].Err != nil {
			cause := "    " + r.style.paint(statusColor(report.Results[i-1].Status), report.Results[i-1].Cause())
			r.text.WriteString(r.style.paragraph(cause, "    ", r.columns))
		}
	}
}

// tableRow adds a row, cut to the width of the terminal.
func (r *report) tableRow(row []string, widths []int) {
	var b strings.Builder
	for i, text := range row {
		b.WriteString(text)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", widths[i]-width(text)+2))
		}
	}
	r.text.WriteString(r.style.truncate(b.String(), r.columns-1) + "\n")
}

// statusColor returns the color of a cause.
func statusColor(s fleet.Status) color {
	if s == fleet.Failed {
		return red
	}
	return yellow
}
