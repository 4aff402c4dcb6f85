package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest in a payload.
const MaxDepth = 512

// Parse checks that text is one JSON value in UTF-8, nested at most MaxDepth deep, and wraps it without its surrounding
// white space. The error says what is wrong at which line and column. The caller must not change the bytes afterwards.
func Parse(text []byte) (*Value, error) {
	d, ok := valid(text)
	if !ok {
		return nil, invalid(text)
	}
	v := Trusted(bytes.TrimSpace(text))
	v.depth.Store(int32(d) + 1)
	return v, nil
}

// invalid says why a text is not valid.
func invalid(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("not valid UTF-8")
	}
	if !json.Valid(text) {
		return syntaxError(text)
	}
	return fmt.Errorf("nested %d deep, at most %d are allowed", depth(text), MaxDepth)
}

func syntaxError(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return errors.New("not valid JSON: it is empty")
	}
	var raw json.RawMessage
	err := json.Unmarshal(text, &raw)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	before := text[:max(0, min(int(syntax.Offset)-1, len(text)))]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("not valid JSON at line %d, column %d: %w", line, column, syntax)
}

// depth gives how deep valid JSON nests.
func depth(b []byte) int {
	deepest, now := 0, 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = skipString(b, i) - 1
		case '{', '[':
			now++
			deepest = max(deepest, now)
		case '}', ']':
			now--
		}
	}
	return deepest
}

// indexFrom is how many members an object has before looking one up in a map beats comparing names.
const indexFrom = 12

// parseLevel reads the first level of an array or an object.
func parseLevel(raw []byte) *level {
	i := skipSpace(raw, 0)
	if raw[i] == '{' {
		return parseObject(raw, i+1)
	}
	return parseArray(raw, i+1)
}

func parseArray(raw []byte, i int) *level {
	l := &level{kind: Array}
	for {
		i = skipSpace(raw, i)
		switch raw[i] {
		case ']':
			return l
		case ',':
			i++
		default:
			var e *Value
			e, i = takeValue(raw, i)
			l.elems = append(l.elems, e)
		}
	}
}

func parseObject(raw []byte, i int) *level {
	l := &level{kind: Object}
	for {
		i = skipSpace(raw, i)
		switch raw[i] {
		case '}':
			return l
		case ',':
			i++
			continue
		}
		end := skipString(raw, i)
		key := unquote(raw[i:end])
		i = skipSpace(raw, end)
		i = skipSpace(raw, i+1) // behind the colon
		var e *Value
		e, i = takeValue(raw, i)
		l.put(key, e)
	}
}

// put adds a member; of members with the same name the last one counts, as in every JSON reader people know.
func (l *level) put(key string, v *Value) {
	if len(l.keys) >= indexFrom && l.index == nil {
		l.index = make(map[string]int, 2*len(l.keys))
		for i, k := range l.keys {
			l.index[k] = i
		}
	}
	at := -1
	if l.index != nil {
		if i, ok := l.index[key]; ok {
			at = i
		}
	} else {
		for i, k := range l.keys {
			if k == key {
				at = i
			}
		}
	}
	if at >= 0 {
		l.elems[at] = v
		return
	}
	if l.index != nil {
		l.index[key] = len(l.keys)
	}
	l.keys = append(l.keys, key)
	l.elems = append(l.elems, v)
}

// The skip functions give the index behind what starts at i. They rely on valid JSON.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

func skipString(b []byte, i int) int {
	for i++; ; i++ {
		for !inString[b[i]] {
			i++
		}
		if b[i] == '"' {
			return i + 1
		}
		i++ // an escaped character, which may be a quote
	}
}

// What the skip functions stop at: in a string its end and an escape, elsewhere what opens and closes.
var (
	inString = stops(`"\\`)
	inValue  = stops(`"{}[]`)
)

func stops(at string) (table [256]bool) {
	for i := range len(at) {
		table[at[i]] = true
	}
	return table
}

func skipScalar(b []byte, i int) int {
	for i < len(b) {
		switch b[i] {
		case ',', ']', '}', ' ', '\n', '\r', '\t':
			return i
		}
		i++
	}
	return i
}

// takeValue wraps the value that starts at i and gives the index behind it.
func takeValue(b []byte, i int) (*Value, int) {
	end, depth := skipValue(b, i)
	v := Trusted(b[i:end:end])
	v.depth.Store(depth + 1)
	return v, end
}

// skipValue gives also how deep the value nests.
func skipValue(b []byte, i int) (end int, depth int32) {
	switch b[i] {
	case '"':
		return skipString(b, i), 0
	case '{', '[':
	default:
		return skipScalar(b, i), 0
	}
	open, deepest := int32(0), int32(0)
	for ; ; i++ {
		for !inValue[b[i]] {
			i++
		}
		switch b[i] {
		case '"':
			i = skipString(b, i) - 1
		case '{', '[':
			open++
			deepest = max(deepest, open)
		case '}', ']':
			if open--; open == 0 {
				return i + 1, deepest
			}
		}
	}
}

// unquote decodes a JSON string, its quotes included.
func unquote(quoted []byte) string {
	s := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(s, '\\') < 0 {
		return string(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r := hex4(s[i+1:])
			i += 4
			if utf16.IsSurrogate(r) && i+6 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
				if pair := utf16.DecodeRune(r, hex4(s[i+3:])); pair != utf8.RuneError {
					r = pair
					i += 6
				}
			}
			b = utf8.AppendRune(b, r)
		default: // one of " \ /
			b = append(b, s[i])
		}
	}
	return string(b)
}

func hex4(b []byte) rune {
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// quotedSize gives the number of bytes that AppendString appends.
func quotedSize(s string) int {
	n := len(s) + len(`""`)
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				n += utf8.RuneLen(utf8.RuneError) - 1
			}
			i += size
			continue
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
			n++
		case c < ' ':
			n += len(`\u0000`) - 1
		}
		i++
	}
	return n
}

const hexDigits = "0123456789abcdef"

// AppendString appends text as a JSON string, escaping only what JSON requires.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(b, s[start:i]...)
				b = utf8.AppendRune(b, utf8.RuneError)
				i++
				start = i
				continue
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// compact appends valid JSON without its white space.
func compact(b, text []byte) []byte {
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = skipString(text, i) - 1
		case ' ', '\n', '\r', '\t':
			b = append(b, text[start:i]...)
			start = i + 1
		}
	}
	return append(b, text[start:]...)
}
