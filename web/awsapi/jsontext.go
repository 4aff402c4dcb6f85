package awsapi

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The service reads the JSON texts in its inputs with a parser whose complaints are part of its messages. jsonProblem
// gives the complaint for a text that is no JSON, in that parser's words for what is seen often; "" for JSON.
func jsonProblem(text string) string {
	if _, err := value.Parse([]byte(text)); err == nil {
		return ""
	}
	s := &jsonScanner{text: text}
	s.value("value")
	if s.problem == "" {
		s.space()
		if s.at < len(s.text) {
			s.unexpected("end of the text")
		}
	}
	if s.problem == "" {
		s.problem = "Invalid execution input."
	}
	return s.problem
}

// jsonScanner finds the first thing in a text that is no JSON.
type jsonScanner struct {
	text    string
	at      int
	depth   int
	problem string
}

const anyValue = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

func (s *jsonScanner) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

func (s *jsonScanner) fail(format string, args ...any) {
	if s.problem == "" {
		s.problem = fmt.Sprintf(format, args...)
	}
}

// unexpected complains of the next character.
func (s *jsonScanner) unexpected(expected string) {
	if s.at >= len(s.text) {
		s.fail("Unexpected end-of-input: was expecting %s", expected)
		return
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.at:])
	s.fail("Unexpected character ('%c' (code %d)): was expecting %s", r, r, expected)
}

func (s *jsonScanner) value(what string) {
	s.space()
	if s.depth++; s.depth > 1000 {
		s.fail("Document nesting depth (%d) exceeds the maximum allowed (1000)", s.depth)
	}
	defer func() { s.depth-- }()
	switch {
	case s.problem != "":
	case s.at >= len(s.text):
		s.fail("Unexpected end-of-input: was expecting a valid %s %s", what, anyValue)
	case s.text[s.at] == '{':
		s.object()
	case s.text[s.at] == '[':
		s.array()
	case s.text[s.at] == '"':
		s.string()
	case s.text[s.at] == '-' || s.text[s.at] >= '0' && s.text[s.at] <= '9':
		s.number()
	case isWord(s.text[s.at]):
		s.word()
	default:
		r, _ := utf8.DecodeRuneInString(s.text[s.at:])
		s.fail("Unexpected character ('%c' (code %d)): expected a valid %s %s", r, r, what, anyValue)
	}
}

func (s *jsonScanner) object() {
	s.at++
	for first := true; s.problem == ""; first = false {
		s.space()
		if s.at < len(s.text) && s.text[s.at] == '}' && first {
			s.at++
			return
		}
		if s.at >= len(s.text) || s.text[s.at] != '"' {
			s.unexpected("double-quote to start field name")
			return
		}
		s.string()
		s.space()
		if s.problem == "" && (s.at >= len(s.text) || s.text[s.at] != ':') {
			s.unexpected("a colon to separate field name and value")
			return
		}
		s.at++
		s.value("value")
		if s.closed('}', "comma to separate Object entries") {
			return
		}
	}
}

func (s *jsonScanner) array() {
	s.at++
	for first := true; s.problem == ""; first = false {
		s.space()
		if s.at < len(s.text) && s.text[s.at] == ']' && first {
			s.at++
			return
		}
		s.value("value")
		if s.closed(']', "comma to separate Array entries") {
			return
		}
	}
}

// closed goes behind the end of an object or array, or behind a comma.
func (s *jsonScanner) closed(end byte, expected string) bool {
	s.space()
	switch {
	case s.problem != "":
		return true
	case s.at < len(s.text) && s.text[s.at] == end:
		s.at++
		return true
	case s.at < len(s.text) && s.text[s.at] == ',':
		s.at++
		return false
	default:
		s.unexpected(expected)
		return true
	}
}

func (s *jsonScanner) string() {
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return
		case c == '\\':
			s.at++
		case c < ' ':
			s.fail("Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
			return
		}
	}
	s.fail("Unexpected end-of-input in String value")
}

func (s *jsonScanner) number() {
	for s.at < len(s.text) && strings.IndexByte("+-.eE0123456789", s.text[s.at]) >= 0 {
		s.at++
	}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

func (s *jsonScanner) word() {
	from := s.at
	for s.at < len(s.text) && isWord(s.text[s.at]) {
		s.at++
	}
	switch word := s.text[from:s.at]; word {
	case "null", "true", "false":
	default:
		s.fail("Unrecognized token '%s': was expecting %s", word, anyValue)
	}
}
