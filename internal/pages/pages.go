// Package pages reads the Markdown pages of this module, for the tests that check
// what they say: links, code, commands and tables.
package pages

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

// Page is a Markdown page.
type Page struct {
	Path string // below the module, such as docs/options.md
	text string
}

// Read returns the pages of a module: those beside go.mod and those in docs.
func Read(root string) ([]Page, error) {
	var pages []Page
	for _, pattern := range []string{"*.md", filepath.Join("docs", "*.md")} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			path, err := filepath.Rel(root, file)
			if err != nil {
				return nil, err
			}
			pages = append(pages, Page{Path: filepath.ToSlash(path), text: string(text)})
		}
	}
	return pages, nil
}

// Link is a link to a file, an anchor or an address. A browser shows its title.
type Link struct{ Text, Target, Title string }

// Links returns the links of Markdown and of HTML, pictures too, outside of code.
func (p Page) Links() []Link {
	link := regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)(?: "([^"]*)")?\)`)
	attribute := regexp.MustCompile(`(?:src|srcset|href)="([^"]+)"`)
	var links []Link
	for _, m := range link.FindAllStringSubmatch(p.prose(), -1) {
		links = append(links, Link{Text: m[1], Target: m[2], Title: m[3]})
	}
	for _, m := range attribute.FindAllStringSubmatch(p.prose(), -1) {
		links = append(links, Link{Target: m[1]})
	}
	return links
}

// Anchors returns the names of the headings, as GitHub makes them.
func (p Page) Anchors() map[string]bool {
	anchors, seen := map[string]bool{}, map[string]int{}
	for _, line := range strings.Split(p.prose(), "\n") {
		title := strings.TrimLeft(line, "#")
		if title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		name := anchor(strings.TrimSpace(title))
		if n := seen[name]; n > 0 {
			anchors[fmt.Sprintf("%s-%d", name, n)] = true
		}
		seen[name]++
		anchors[name] = true
	}
	return anchors
}

func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

// Blocks returns the blocks of code in a language.
func (p Page) Blocks(language string) []string {
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(p.text, -1) {
		if m[1] == language {
			blocks = append(blocks, m[2])
		}
	}
	return blocks
}

// Spans returns the code inside of sentences and tables.
func (p Page) Spans() []string {
	var spans []string
	for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(p.prose(), -1) {
		spans = append(spans, m[1])
	}
	return spans
}

// Rows returns the cells of the rows of all tables, without the headings.
func (p Page) Rows() [][]string {
	var rows [][]string
	lines := strings.Split(p.prose(), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "| ") || i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " |")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// prose returns the text without its blocks of code.
func (p Page) prose() string {
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(p.text, "")
}
