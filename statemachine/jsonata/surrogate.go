package jsonata

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Strings are UTF-8. A lone surrogate, which JSON and JSONata allow in a string and UTF-8 does not, is written in the
// three bytes that its number would have (WTF-8), so that it comes out as it came in.

// appendUnit appends a UTF-16 code unit; the second half of a surrogate pair joins the first.
func appendUnit(b []byte, unit uint16) []byte {
	r := rune(unit)
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(b, r)
	}
	if r >= 0xDC00 {
		if high, ok := endsHigh(b); ok {
			return utf8.AppendRune(b[:len(b)-3], utf16.DecodeRune(high, r))
		}
	}
	return append(b, 0xED, byte(0x80|(r>>6)&0x3F), byte(0x80|r&0x3F))
}

// endsHigh gives the first half of a surrogate pair that text ends in.
func endsHigh[T string | []byte](b T) (rune, bool) {
	n := len(b)
	if n < 3 || b[n-3] != 0xED || b[n-2] < 0xA0 || b[n-2] > 0xAF || b[n-1]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | rune(b[n-2]&0x3F)<<6 | rune(b[n-1]&0x3F), true
}

// lone gives the surrogate at the start of text, if one is there.
func lone(s string) (rune, bool) {
	if len(s) < 3 || s[0] != 0xED || s[1] < 0xA0 || s[1] > 0xBF || s[2]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), true
}

// join concatenates; halves of a surrogate pair that meet become one character.
func join(a, b string) string {
	if high, ok := endsHigh(a); ok {
		if low, ok := lone(b); ok && low >= 0xDC00 {
			return a[:len(a)-3] + string(utf16.DecodeRune(high, low)) + b[3:]
		}
	}
	return a + b
}

// decode gives the first character of text and its size in bytes. A lone surrogate is a character too.
func decode(s string) (rune, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 {
		if r, ok := lone(s); ok {
			return r, 3
		}
	}
	return r, size
}

// runeCount gives the number of characters.
func runeCount(s string) int {
	n := 0
	for i := 0; i < len(s); n++ {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := decode(s[i:])
		i += size
	}
	return n
}

// units gives the length of text in UTF-16 code units.
func units(s string) int {
	n := 0
	for i := 0; i < len(s); n++ {
		r, size := decode(s[i:])
		if r > 0xFFFF {
			n++
		}
		i += size
	}
	return n
}

// compareText orders text by UTF-16 code units, as JavaScript does.
func compareText(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	switch {
	case i == len(a) && i == len(b):
		return 0
	case i == len(a):
		return -1
	case i == len(b):
		return 1
	}
	x, y := a[i], b[i]
	// Characters beyond U+FFFF are written with surrogates, which stand before U+E000.
	if x >= 0xF0 && (y == 0xEE || y == 0xEF) {
		return -1
	}
	if y >= 0xF0 && (x == 0xEE || x == 0xEF) {
		return 1
	}
	if x < y {
		return -1
	}
	return 1
}

// textOf decodes a JSON string.
func textOf(v *value.Value) string {
	raw := v.JSON()
	for i, c := range raw {
		if c == '\\' {
			return unescape(raw, i)
		}
	}
	return v.Text()
}

// unescape decodes a JSON string whose first backslash stands at i.
func unescape(raw []byte, i int) string {
	start := 0
	for raw[start] != '"' {
		start++
	}
	b := append(make([]byte, 0, len(raw)), raw[start+1:i]...)
	for ; raw[i] != '"'; i++ {
		if raw[i] != '\\' {
			b = append(b, raw[i])
			continue
		}
		i++
		if raw[i] != 'u' {
			b = append(b, escapes[raw[i]])
			continue
		}
		n, err := strconv.ParseUint(string(raw[i+1:i+5]), 16, 16)
		if err != nil {
			n = utf8.RuneError
		}
		b = appendUnit(b, uint16(n))
		i += 4
	}
	return string(b)
}

// appendQuoted appends text as a JSON string.
func appendQuoted(b []byte, s string) []byte {
	if utf8.ValidString(s) {
		return value.AppendString(b, s)
	}
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		r, ok := lone(s[i:])
		if size != 1 || s[i] < utf8.RuneSelf || !ok {
			i += size
			continue
		}
		b = appendInner(b, s[from:i])
		b = append(b, `\u`...)
		b = strconv.AppendInt(b, int64(r), 16)
		i += 3
		from = i
	}
	b = appendInner(b, s[from:])
	return append(b, '"')
}

// appendInner appends text as it stands within the quotes of a JSON string.
func appendInner(b []byte, s string) []byte {
	n := len(b)
	b = value.AppendString(b, s)
	copy(b[n:], b[n+1:])
	return b[:len(b)-2]
}
