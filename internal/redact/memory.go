package redact

import (
	"slices"
	"strings"
	"sync"
)

// Memory hides the values of the documents of one call: those that it read and
// those that it sent. The documents are searched when there is a text to hide
// something in, so a call without errors and messages does not pay for it.
//
// A nil Memory hides nothing. A Memory is safe for concurrent use.
type Memory struct {
	reveal bool
	mu     sync.Mutex
	shown  []string        // texts that are not secret, such as the name of the Service
	seen   map[string]bool // keys of documents
	unread []func() []byte
	found  func() Redactor // of the documents that have been searched; nil if none has
}

// maxUnread bounds how many documents a long call keeps. More are searched at once.
const maxUnread = 32

// NewMemory returns an empty Memory that does not hide the given texts.
func NewMemory(shown ...string) *Memory { return &Memory{shown: shown, seen: map[string]bool{}} }

// Revealing returns a Memory that hides nothing.
func Revealing() *Memory { return &Memory{reveal: true} }

// Learn adds a document, as JSON, which must not change afterwards.
func (m *Memory) Learn(doc []byte) { m.learn("", func() []byte { return doc }) }

// LearnOnce adds a document unless one with the same key was added before. It is
// encoded when it is searched.
func (m *Memory) LearnOnce(key string, encode func() []byte) { m.learn(key, encode) }

func (m *Memory) learn(key string, encode func() []byte) {
	if m == nil || m.reveal {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if key != "" && m.seen[key] {
		return
	}
	if key != "" {
		m.seen[key] = true
	}
	if m.unread = append(m.unread, encode); len(m.unread) >= maxUnread {
		m.redactor()
	}
}

// redactor returns what hides the values of all documents. m.mu is held.
func (m *Memory) redactor() (r Redactor) {
	if m.found != nil {
		r = m.found()
	}
	for _, encode := range m.unread {
		if learned, err := New(encode()); err == nil {
			r = r.and(learned, m.shown)
		}
	}
	m.unread = nil
	m.found = func() Redactor { return r }
	return r
}

func (m *Memory) read() Redactor {
	if m == nil {
		return Redactor{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.redactor()
}

// Text is [Redactor.Text] for all documents.
func (m *Memory) Text(text string) string {
	if text == "" {
		return ""
	}
	return m.read().Text(text)
}

// Message is Text, except that it shows the names of secrets. It is for messages
// that are about them, such as that an account may not read one.
func (m *Memory) Message(text string) string {
	if text == "" {
		return ""
	}
	r := m.read()
	return hide(text, r.values)
}

// Hide replaces messages by [Memory.Message] of them.
func (m *Memory) Hide(messages []string) {
	for i, text := range messages {
		messages[i] = m.Message(text)
	}
}

// Error is [Redactor.Error] for all documents.
func (m *Memory) Error(err error) error {
	if err == nil {
		return nil
	}
	return m.read().Error(err)
}

// and returns a Redactor that also hides the texts of another one.
func (r Redactor) and(other Redactor, shown []string) Redactor {
	join := func(a, b []string) []string {
		all := slices.DeleteFunc(slices.Concat(a, b), func(text string) bool { return slices.Contains(shown, text) })
		return longestFirst(all)
	}
	return Redactor{texts: join(r.texts, other.texts), values: join(r.values, other.values)}
}

// hide replaces texts by [Hidden], and the beginning of one where a message was
// cut off within it.
func hide(text string, texts []string) string {
	for _, hidden := range texts {
		text = strings.ReplaceAll(text, hidden, Hidden)
	}
	for _, hidden := range texts {
		text = hideCut(text, hidden)
	}
	return text
}

// hideCut replaces the beginning of a hidden text that is followed by an ellipsis.
func hideCut(text, hidden string) string {
	for from := 0; ; {
		i := strings.Index(text[from:], hidden[:min(minSecret, len(hidden))])
		if i < 0 {
			return text
		}
		start := from + i
		end := start
		for end < len(text) && end-start < len(hidden) && text[end] == hidden[end-start] {
			end++
		}
		if from = end; strings.HasPrefix(text[end:], "…") || strings.HasPrefix(text[end:], "...") {
			text = text[:start] + Hidden + text[end:]
			from = start + len(Hidden)
		}
	}
}
