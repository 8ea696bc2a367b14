package logging

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/safetext"
)

const (
	// maxLines bounds the lines of one entry.
	maxLines = 100
	// maxField bounds names that the server sends, in bytes.
	maxField = 256
)

// Page is one page of entries, in the order of the query.
type Page struct {
	Entries []Entry
	Next    string // the token of the next page; empty for none
}

// Entry is one entry of a log.
type Entry struct {
	ID        string          `json:"insertId"`
	LogName   string          `json:"logName"`
	Timestamp time.Time       `json:"timestamp"`
	Received  time.Time       `json:"receiveTimestamp"`
	Severity  string          `json:"severity"`
	Text      string          `json:"textPayload"`
	JSON      json.RawMessage `json:"jsonPayload"`
	Proto     json.RawMessage `json:"protoPayload"`
	Request   *request        `json:"httpRequest"`
	Resource  struct {
		Labels map[string]string `json:"labels"`
	} `json:"resource"`
}

type request struct {
	Method string `json:"requestMethod"`
	URL    string `json:"requestUrl"`
	Status int    `json:"status"`
}

// Line is one line of an entry. Its texts are safe to print.
type Line struct {
	Time     time.Time
	Severity string // empty for DEFAULT
	Log      string // such as "stderr" or "varlog/system"
	Service  string
	Revision string
	Text     string
}

// ErrNotLogs is returned for a response that is not a page of entries.
var ErrNotLogs = errors.New("the response is not a list of log entries")

// Parse reads a response. It leaves out entries that it cannot read.
func Parse(body []byte) (Page, error) {
	var raw struct {
		Entries []json.RawMessage `json:"entries"`
		Next    string            `json:"nextPageToken"`
	}
	if json.Unmarshal(body, &raw) != nil || len(raw.Entries) == 0 && raw.Next == "" && !isEmpty(body) {
		return Page{}, ErrNotLogs
	}
	page := Page{Next: raw.Next}
	for _, each := range raw.Entries {
		var e Entry
		if json.Unmarshal(each, &e) == nil {
			page.Entries = append(page.Entries, e)
		}
	}
	return page, nil
}

// isEmpty reports whether a response is an object without other members than an empty list.
func isEmpty(body []byte) bool {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members)
	delete(members, "entries")
	delete(members, "nextPageToken")
	return members != nil && len(members) == 0
}

// Revision returns the Revision that the entry is of.
func (e Entry) Revision() string { return e.Resource.Labels["revision_name"] }

// Lines returns the lines of the entry: the last ones, if it has very many. hide,
// which may be nil, removes secrets from the whole text, as those of several lines need.
func (e Entry) Lines(hide func(string) string) []Line {
	text := e.text()
	if hide != nil {
		text = hide(text)
	}
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \t\r\n")
	all := strings.Split(text, "\n")
	all = all[max(0, len(all)-maxLines):]
	lines := make([]Line, 0, len(all))
	for _, each := range all {
		line := Line{Time: e.Timestamp, Severity: safetext.Line(e.Severity, maxField), Log: e.log(), Text: indented(each),
			Service: safetext.Line(e.Resource.Labels["service_name"], maxField), Revision: safetext.Line(e.Revision(), maxField)}
		if line.Severity == "DEFAULT" {
			line.Severity = ""
		}
		lines = append(lines, line)
	}
	return lines
}

// indented returns a line that is safe to print, with its indentation.
func indented(line string) string {
	blank := len(line) - len(strings.TrimLeft(line, " \t"))
	indent := strings.ReplaceAll(line[:min(blank, maxField)], "\t", "    ")
	if text := safetext.Message(line); text != "" {
		return indent + text
	}
	return ""
}

// log returns the short name of the log.
func (e Entry) log() string {
	_, id, _ := strings.Cut(e.LogName, "/logs/")
	if unescaped, err := url.PathUnescape(id); err == nil {
		id = unescaped
	}
	return safetext.Line(strings.TrimPrefix(id, "run.googleapis.com/"), maxField)
}

// text returns what the entry says.
func (e Entry) text() string {
	switch {
	case e.Text != "":
		return e.Text
	case e.JSON != nil:
		return messageOf(e.JSON, "message", "msg")
	case e.Proto != nil:
		return messageOf(e.Proto, "status.message", "methodName")
	case e.Request != nil:
		return e.Request.Method + " " + strconv.Itoa(e.Request.Status) + " " + e.Request.URL
	}
	return ""
}

// messageOf returns the first of some members of an object that is a text, or the whole object.
func messageOf(raw json.RawMessage, members ...string) string {
	for _, path := range members {
		if text := textAt(raw, path); text != "" {
			return text
		}
	}
	var compact bytes.Buffer
	_ = json.Compact(&compact, raw) // it was decoded
	return compact.String()
}

func textAt(raw json.RawMessage, path string) string {
	first, rest, nested := strings.Cut(path, ".")
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return ""
	}
	if nested {
		return textAt(members[first], rest)
	}
	var text string
	_ = json.Unmarshal(members[first], &text)
	return text
}

// key identifies the entry.
func (e Entry) key() string { return cmp.Or(e.ID, e.Text) + "@" + e.Timestamp.String() }
