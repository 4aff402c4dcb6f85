package jsonata

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"
)

var codingFunctions = []definition{
	{"base64encode", "<s-:s>", text1(base64encode)},
	{"base64decode", "<s-:s>", text1(base64decode)},
	{"encodeUrlComponent", "<s-:s>", text1(func(r *run, s string) any { return r.encodeURL(s, "-_.!~*'()") })},
	{"encodeUrl", "<s-:s>", text1(func(r *run, s string) any { return r.encodeURL(s, "-_.!~*'();/?:@&=+$,#") })},
	{"decodeUrlComponent", "<s-:s>", text1(func(r *run, s string) any { return r.decodeURL(s, "") })},
	{"decodeUrl", "<s-:s>", text1(func(r *run, s string) any { return r.decodeURL(s, ";/?:@&=+$,#") })},
}

// base64encode encodes text whose characters are bytes (Latin-1), as the reference does.
func base64encode(r *run, s string) any {
	r.take(2 * len(s))
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c, size := decode(s[i:])
		if c > 0xFF {
			r.fail("D3140", s)
		}
		b = append(b, byte(c))
		i += size
	}
	return base64.StdEncoding.EncodeToString(b)
}

// base64decode decodes to text whose characters are bytes. Like the reference it takes both alphabets, and passes over
// what belongs to neither.
func base64decode(r *run, s string) any {
	r.take(4 * len(s))
	clean := make([]byte, 0, len(s))
scan:
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '=':
			break scan
		case c == '-':
			c = '+'
		case c == '_':
			c = '/'
		}
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' {
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	decoded, err := base64.RawStdEncoding.DecodeString(string(clean))
	if err != nil {
		r.fail("D3140", s)
	}
	out := make([]byte, 0, len(decoded))
	for _, c := range decoded {
		out = utf8.AppendRune(out, rune(c))
	}
	return string(out)
}

const upperHex = "0123456789ABCDEF"

// encodeURL escapes all but letters, digits and the characters of keep.
func (r *run) encodeURL(s, keep string) any {
	if !utf8.ValidString(s) {
		r.fail("D3140", s)
	}
	r.take(3 * len(s))
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(keep, c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b)
}

// decodeURL undoes escapes, except those of the characters of keep.
func (r *run) decodeURL(s, keep string) any {
	r.take(len(s))
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		var char []byte
		from := i
		for n := 1; len(char) < n; i += 3 {
			if i+2 >= len(s) || s[i] != '%' {
				r.fail("D3140", s)
			}
			code, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				r.fail("D3140", s)
			}
			char = append(char, byte(code))
			n = sequenceLength(char[0])
		}
		i--
		if !utf8.Valid(char) {
			r.fail("D3140", s)
		}
		if len(char) == 1 && strings.IndexByte(keep, char[0]) >= 0 {
			b = append(b, s[from:i+1]...)
		} else {
			b = append(b, char...)
		}
	}
	return string(b)
}

// sequenceLength gives how many bytes the character has that starts with this one.
func sequenceLength(first byte) int {
	switch {
	case first >= 0xF0:
		return 4
	case first >= 0xE0:
		return 3
	case first >= 0xC0:
		return 2
	default:
		return 1
	}
}
