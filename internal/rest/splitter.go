package rest

import (
	"encoding/json"
	"errors"
	"io"
)

// firstBuffer is the size of a splitter's buffer, which grows with the longest value.
const firstBuffer = 32 << 10

var errNotJSON = errors.New("the response is not JSON")

// splitter cuts a stream of JSON into the texts of its values. It finds where
// a value ends, and leaves the rest to the decoder that reads the text.
// Package json would read each text twice more.
type splitter struct {
	r   io.Reader
	buf []byte // read, but not used from at on
	at  int
}

// next returns the next byte that is not a space, without using it.
func (s *splitter) next() (byte, error) {
	for {
		for ; s.at < len(s.buf); s.at++ {
			if b := s.buf[s.at]; b != ' ' && b != '\n' && b != '\t' && b != '\r' {
				return b, nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// skip uses the next byte, which must be the given one.
func (s *splitter) skip(want byte) error {
	b, err := s.next()
	if err != nil {
		return err
	}
	if b != want {
		return errNotJSON
	}
	s.at++
	return nil
}

// more reports whether a list or an object, whose end is given, goes on, and
// uses the comma before its next value. Before the first value there is none.
func (s *splitter) more(end byte, first bool) (bool, error) {
	b, err := s.next()
	if err != nil {
		return false, err
	}
	if b == end {
		s.at++
		return false, nil
	}
	if first {
		return true, nil
	}
	return true, s.skip(',')
}

// value returns the text of the next value. It is overwritten by the next call.
func (s *splitter) value() (json.RawMessage, error) {
	if _, err := s.next(); err != nil {
		return nil, err
	}
	var f finder
	for n := 0; ; {
		end, found := f.find(s.buf[s.at+n:])
		n += end
		if found {
			text := s.buf[s.at : s.at+n]
			s.at += n
			return text, nonEmpty(text)
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

func nonEmpty(text []byte) error {
	if len(text) == 0 {
		return errNotJSON
	}
	return nil
}

// fill reads more, behind what is not used yet.
func (s *splitter) fill() error {
	if len(s.buf) == cap(s.buf) {
		s.makeRoom()
	}
	for range 100 {
		n, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		switch {
		case n > 0:
			return nil
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom drops what was used, or doubles the buffer if that is not half of it.
func (s *splitter) makeRoom() {
	rest, room := s.buf[s.at:], s.buf[:0]
	if s.at <= cap(s.buf)/2 {
		room = make([]byte, 0, max(firstBuffer, 2*cap(s.buf)))
	}
	s.buf, s.at = append(room, rest...), 0
}

// finder finds the end of a value.
type finder struct {
	depth    int
	inString bool
	escaped  bool
	scalar   bool // a number or a word, which ends before the next delimiter
}

// find returns where the value ends in the text, or the length of the text if it goes on.
func (f *finder) find(text []byte) (end int, found bool) {
	for i := 0; i < len(text); i++ {
		if f.inString {
			if i = f.skipString(text, i); i == len(text) {
				return i, false
			}
			if f.depth == 0 {
				return i + 1, true
			}
			continue
		}
		switch b := text[i]; b {
		case '"':
			if f.scalar {
				return i, true
			}
			f.inString = true
		case '{', '[':
			f.depth++
		case '}', ']':
			if f.depth == 0 {
				return i, true
			}
			if f.depth--; f.depth == 0 {
				return i + 1, true
			}
		case ',', ':', ' ', '\n', '\t', '\r':
			if f.depth == 0 {
				return i, true
			}
		default:
			f.scalar = f.depth == 0
		}
	}
	return len(text), false
}

// skipString returns the place of the quote that ends a string, or the length of the text.
func (f *finder) skipString(text []byte, i int) int {
	if f.escaped && i < len(text) {
		f.escaped = false
		i++
	}
	for ; i < len(text); i++ {
		b := text[i]
		if b != '"' && b != '\\' {
			continue
		}
		if b == '"' {
			f.inString = false
			return i
		}
		if i++; i == len(text) {
			f.escaped = true
		}
	}
	return len(text)
}
