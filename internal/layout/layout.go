// Package layout writes labelled texts for a terminal of 80 columns.
package layout

import (
	"fmt"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

const (
	width  = 79 // of a terminal with 80 columns
	indent = 14

	// maxLine bounds one of several lines, in bytes, and maxBlank its indentation.
	maxLine  = 400
	maxBlank = 20
)

// Text writes a label and a text, which goes on below its beginning if it is long.
// An empty text writes nothing.
func Text(b *strings.Builder, label, text string) {
	if text == "" {
		return
	}
	fmt.Fprintf(b, "%*s:", indent-2, label)
	column := indent - 1
	for _, word := range strings.Fields(text) {
		if column > indent && column+1+len(word) > width {
			b.WriteString("\n" + strings.Repeat(" ", indent-1))
			column = indent - 1
		}
		b.WriteString(" " + word)
		column += 1 + len(word)
	}
	b.WriteString("\n")
}

// Lines writes a label and lines with their indentation. It wraps long ones,
// between words where it can, and cuts those that are very long.
func Lines(b *strings.Builder, label string, lines []string) {
	label += ":"
	for _, line := range lines {
		blank := min(len(line)-len(strings.TrimLeft(line, " ")), maxBlank)
		text := []rune(line[:blank] + safetext.Line(line, maxLine))
		for len(text) > 0 {
			row := text[:rowLength(text, width-indent)]
			text = text[len(row):]
			fmt.Fprintf(b, "%*s %s\n", indent-1, label, strings.TrimRight(string(row), " "))
			label = ""
		}
	}
}

// rowLength returns how much of a text goes on a row: up to the last blank that
// fits, or as much as fits if that would leave more than half of the row empty.
func rowLength(text []rune, room int) int {
	if len(text) <= room {
		return len(text)
	}
	for n := room; n > room/2; n-- {
		if text[n-1] == ' ' {
			return n
		}
	}
	return room
}
