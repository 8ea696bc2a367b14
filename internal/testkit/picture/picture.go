// Package picture draws what a terminal shows as SVG, for documentation.
package picture

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/cloudrun-go/cloudrun/internal/testkit/screen"
)

// Theme is the colors of a picture.
type Theme struct {
	Name                                                      string
	background, border, text, red, green, yellow, cyan, faint string
}

// Themes are those of pages on GitHub.
func Themes() []Theme {
	return []Theme{
		{"light", "#ffffff", "#d1d9e0", "#1f2328", "#cf222e", "#1a7f37", "#9a6700", "#1b7c83", "#59636e"},
		{"dark", "#0d1117", "#3d444d", "#f0f6fc", "#f85149", "#3fb950", "#d29922", "#39c5cf", "#9198a1"},
	}
}

// In pixels.
const (
	charWidth  = 8.4
	lineHeight = 19
	fontSize   = 14
	padding    = 16
)

// SVG draws lines of so many columns. The title is for people who do not see it.
func SVG(title string, lines [][]screen.Span, columns int, theme Theme) string {
	width, height := float64(columns)*charWidth+2*padding, len(lines)*lineHeight+2*padding
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.1f" height="%d" viewBox="0 0 %[1]g %[2]d" role="img">`+"\n", width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", escaped(title))
	fmt.Fprintf(&b, `<rect x="0.5" y="0.5" width="%.1f" height="%d" rx="8" fill="%s" stroke="%s"/>`+"\n", width-1, height-1, theme.background, theme.border)
	fmt.Fprintf(&b, `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace" font-size="%d" fill="%s">`+"\n",
		fontSize, theme.text)
	for i, line := range lines {
		for _, span := range line {
			b.WriteString(text(span, padding+i*lineHeight+fontSize, theme))
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// text draws a span, as wide as its columns in any font.
func text(span screen.Span, y int, theme Theme) string {
	words := strings.Trim(span.Text, " ")
	if words == "" {
		return ""
	}
	indent := len(span.Text) - len(strings.TrimLeft(span.Text, " "))
	columns := span.Columns - (len(span.Text) - len(words))
	return fmt.Sprintf(`<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
		padding+float64(span.Column+indent)*charWidth, y, float64(columns)*charWidth, theme.look(span.Style), escaped(words))
}

// look returns the attributes for the argument of a control sequence.
func (t Theme) look(style string) string {
	switch style {
	case "1":
		return ` font-weight="bold"`
	case "2":
		return fmt.Sprintf(` fill="%s"`, t.faint)
	case "31":
		return fmt.Sprintf(` fill="%s"`, t.red)
	case "32":
		return fmt.Sprintf(` fill="%s"`, t.green)
	case "33":
		return fmt.Sprintf(` fill="%s"`, t.yellow)
	case "36":
		return fmt.Sprintf(` fill="%s"`, t.cyan)
	}
	return ""
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}
