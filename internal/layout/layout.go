// Package layout breaks texts into rows, and writes labelled texts for a terminal of 80 columns.
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
	for i, row := range Words(text, width-indent) {
		if i > 0 {
			b.WriteString("\n" + strings.Repeat(" ", indent-1))
		}
		b.WriteString(" " + row)
	}
	b.WriteString("\n")
}

// Words breaks a text between words into rows that have at most room bytes, unless a
// word is longer. Without room it keeps the text on one row.
func Words(text string, room int) (rows []string) {
	if room <= 0 {
		return []string{text}
	}
	row := ""
	for _, word := range strings.Fields(text) {
		if row != "" && len(row)+1+len(word) > room {
			rows, row = append(rows, row), ""
		}
		row = strings.TrimPrefix(row+" "+word, " ")
	}
	if row == "" {
		return nil
	}
	return append(rows, row)
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
