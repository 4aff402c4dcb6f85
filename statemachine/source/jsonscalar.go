package source

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonNumber is the grammar of a JSON number.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// str reads a string in double quotes. exact is its JSON text if the decoded text cannot hold it.
func (r *jsonReader) str() (text, exact string, err error) {
	start := r.at
	r.at++
	if i := strings.IndexAny(r.text[r.at:], "\"\\\n"); i >= 0 && r.text[r.at+i] == '"' && !hasControl(r.text[r.at:r.at+i]) {
		text = r.text[r.at : r.at+i]
		r.at += i + 1
		return text, "", nil
	}
	var b strings.Builder
	halves := false
	for r.at < len(r.text) {
		c := r.text[r.at]
		switch {
		case c == '"':
			r.at++
			if halves {
				exact = r.text[start:r.at]
			}
			return b.String(), exact, nil
		case c == '\n' || c == '\r':
			return "", "", r.giveUp(start, "the string is not closed on its line",
				`close it with a double quote; a line break inside a string is written \n`)
		case c < ' ':
			r.report(r.at, fmt.Sprintf("the control character U+%04X stands unescaped in a string", c),
				"write "+escapeOf(c))
			b.WriteByte(c)
			r.at++
		case c == '\\' && r.at+1 == len(r.text):
			r.at++
		case c == '\\':
			halves = r.escape(&b) || halves
		default:
			b.WriteByte(c)
			r.at++
		}
	}
	return "", "", r.giveUp(start, "the string is not closed", "close it with a double quote")
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' {
			return true
		}
	}
	return false
}

func escapeOf(c byte) string {
	switch c {
	case '\t':
		return `\t`
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	}
	return fmt.Sprintf(`\u%04x`, c)
}

// escape reads a backslash and what it escapes. It tells whether that was half of a surrogate pair, for which the
// replacement character is written.
func (r *jsonReader) escape(b *strings.Builder) (half bool) {
	char, size, ok := decodeEscape(r.text[r.at:])
	if !ok {
		r.report(r.at, printable(r.text[r.at:r.at+size])+" is no escape of JSON",
			`a backslash itself is written \\; the escapes are \" \\ \/ \b \f \n \r \t and \u with four hexadecimal digits`)
	}
	b.WriteRune(char)
	r.at += size
	return ok && utf16.IsSurrogate(char)
}

// decodeEscape decodes the JSON escape at the beginning of s. What is no escape is taken as the character itself.
func decodeEscape(s string) (char rune, size int, ok bool) {
	if len(s) < 2 {
		return '\\', len(s), false
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2, true
	}
	if s[1] != 'u' {
		char, size = utf8.DecodeRuneInString(s[1:])
		if char < ' ' || char == '"' {
			return '\\', 1, false
		}
		return char, size + 1, false
	}
	char, ok = hex4(s[2:])
	if !ok {
		return 'u', 2, false
	}
	if utf16.IsSurrogate(char) && strings.HasPrefix(s[6:], `\u`) {
		if low, ok := hex4(s[8:]); ok {
			if pair := utf16.DecodeRune(char, low); pair != utf8.RuneError {
				return pair, 12, true
			}
		}
	}
	return char, 6, true
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return rune(n), err == nil
}

// number reads a number. One that JSON does not allow is reported and taken as 0.
func (r *jsonReader) number() string {
	start := r.at
	for r.at < len(r.text) && (isWordByte(r.text[r.at]) || strings.IndexByte("+-.", r.text[r.at]) >= 0) {
		r.at++
	}
	text := r.text[start:r.at]
	if jsonNumber.MatchString(text) {
		return text
	}
	r.report(start, shorten(text)+" is no number of JSON", numberHint(text))
	return "0"
}

func numberHint(text string) string {
	digits := strings.TrimLeft(text, "+-")
	switch {
	case strings.HasPrefix(text, "+"):
		return "remove the plus sign"
	case strings.HasPrefix(digits, "0x"), strings.HasPrefix(digits, "0X"):
		return "write it in decimal"
	case len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9':
		return "remove the leading zeros, or put it in double quotes if it is text"
	case strings.HasPrefix(digits, "."):
		return "write a digit before the decimal point"
	case strings.HasSuffix(digits, "."):
		return "write a digit behind the decimal point"
	case strings.Contains(digits, "_"):
		return "remove the underscores"
	}
	return "if it is text, put it in double quotes"
}

// word reads a bare word: true, false, null, or something that is reported and taken as a string.
func (r *jsonReader) word(n *Node) {
	start := r.at
	for r.at < len(r.text) && isWordByte(r.text[r.at]) {
		r.at++
	}
	word := r.text[start:r.at]
	switch word {
	case "true", "false":
		n.Kind, n.Bool = Bool, word == "true"
		return
	case "null":
		return
	}
	hint := "text stands in double quotes"
	switch strings.ToLower(word) {
	case "true", "false", "null":
		hint = "write " + strings.ToLower(word)
	case "none", "nil", "undefined":
		hint = "write null"
	case "nan", "infinity":
		hint = "JSON has no such number"
	}
	n.Kind, n.Text = String, word
	r.report(start, shorten(word)+" is no value of JSON", hint)
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		c >= utf8.RuneSelf
}

// misquoted tells whether a string in other quotes than JSON's begins here.
func (r *jsonReader) misquoted() bool {
	rest := r.text[r.at:]
	return strings.HasPrefix(rest, "'") || strings.HasPrefix(rest, "`") || strings.HasPrefix(rest, "\u201c") ||
		strings.HasPrefix(rest, "\u201d")
}

// skipMisquoted reports a string in the wrong quotes and gives what stands between them.
func (r *jsonReader) skipMisquoted() (string, error) {
	start := r.at
	opening, size := utf8.DecodeRuneInString(r.text[start:])
	closing := string(opening)
	if opening == '\u201c' || opening == '\u201d' {
		closing = "\u201d"
	}
	message := fmt.Sprintf("a string begins with %c", opening)
	hint := "JSON has strings in double quotes (\") only"
	rest := r.text[start+size:]
	i := strings.Index(rest, closing)
	if i < 0 || strings.Contains(rest[:i], "\n") {
		return "", r.giveUp(start, message, hint)
	}
	r.report(start, message, hint)
	r.at = start + size + i + len(closing)
	return rest[:i], nil
}

// shorten cuts a text that is shown in a message.
func shorten(s string) string { return shortenTo(s, 40) }

func shortenTo(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "..."
}
