package jsonpath

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// step is one step of a path. The set of steps is sealed.
type step interface {
	// definite tells whether the step leads to one value at most.
	definite() bool
	// append appends the step as Jayway's library prints it.
	append(b []byte) []byte
}

// propertyStep goes to members of an object: ['a'] or ['a','b'].
type propertyStep struct {
	names []string
	// last is set for the last step of a path: then several names give one object, and else they are alternatives.
	last bool
}

// indexStep goes to elements of an array: [0], [-1] or [0,2].
type indexStep struct{ indexes []int }

// sliceStep goes to a range of an array: [1:], [:2], [1:3]. At least one bound is there.
type sliceStep struct{ from, to *int }

// wildcardStep goes to all members or elements.
type wildcardStep struct{}

// scanStep applies the step behind it to the value and all below it.
type scanStep struct{}

// filterStep goes to the elements of an array that pass a test, or to the object itself if it does.
type filterStep struct{ test test }

// functionStep computes a value, such as length().
type functionStep struct {
	name string
	args []operand
}

func (s *propertyStep) definite() bool { return len(s.names) == 1 || s.last }
func (s *indexStep) definite() bool    { return len(s.indexes) == 1 }
func (*sliceStep) definite() bool      { return false }
func (wildcardStep) definite() bool    { return false }
func (scanStep) definite() bool        { return false }
func (*filterStep) definite() bool     { return false }
func (*functionStep) definite() bool   { return true }

func (s *propertyStep) append(b []byte) []byte {
	b = append(b, '[')
	for i, name := range s.names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, name)
	}
	return append(b, ']')
}

func (s *indexStep) append(b []byte) []byte {
	b = append(b, '[')
	for i, index := range s.indexes {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(index), 10)
	}
	return append(b, ']')
}

func (s *sliceStep) append(b []byte) []byte {
	b = append(b, '[')
	if s.from != nil {
		b = strconv.AppendInt(b, int64(*s.from), 10)
	}
	b = append(b, ':')
	if s.to != nil {
		b = strconv.AppendInt(b, int64(*s.to), 10)
	}
	return append(b, ']')
}

func (wildcardStep) append(b []byte) []byte { return append(b, "[*]"...) }
func (scanStep) append(b []byte) []byte     { return append(b, ".."...) }

func (s *filterStep) append(b []byte) []byte {
	b = append(b, "[?("...)
	b = s.test.append(b)
	return append(b, ")]"...)
}

func (s *functionStep) append(b []byte) []byte {
	if len(b) == 0 || b[len(b)-1] != '.' {
		b = append(b, '.')
	}
	b = append(append(b, s.name...), '(')
	for i, a := range s.args {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = a.append(b)
	}
	return append(b, ')')
}

// appendSteps prints steps behind a root.
func appendSteps(b []byte, steps []step) []byte {
	for _, s := range steps {
		b = s.append(b)
	}
	return b
}

// appendQuoted appends a name in single quotes.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			quoted := value.AppendString(nil, string(r))
			b = append(b, quoted[1:len(quoted)-1]...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '\'')
}

// unescape decodes what stands between quotes: the escapes of JSON, and any other character for itself.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	quoted := make([]byte, 0, len(s)+2)
	quoted = append(quoted, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c != '\\':
			quoted = appendRawByte(quoted, c)
		case i+1 == len(s):
			quoted = append(quoted, '\\', '\\')
		case strings.IndexByte(`"\/bfnrt`, s[i+1]) >= 0, s[i+1] == 'u' && isHex4(s[i+2:]):
			quoted = append(quoted, '\\', s[i+1])
			i++
		case s[i+1] >= utf8.RuneSelf: // the character itself
		default:
			quoted = appendRawByte(quoted, s[i+1])
			i++
		}
	}
	return value.Trusted(append(quoted, '"')).Text()
}

// appendRawByte appends a byte of decoded text to the inside of a JSON string.
func appendRawByte(b []byte, c byte) []byte {
	if c >= utf8.RuneSelf {
		return append(b, c)
	}
	quoted := value.AppendString(nil, string(rune(c)))
	return append(b, quoted[1:len(quoted)-1]...)
}

func isHex4(s string) bool {
	if len(s) < 4 {
		return false
	}
	for i := range 4 {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}
