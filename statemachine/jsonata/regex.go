package jsonata

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// pattern is a regular expression, which is a function that matches.
type pattern struct {
	source string
	flags  string
	re     *regexp.Regexp
	size   int // about how many instructions it has
}

func (*pattern) arity() int { return 1 }

// compileRegex compiles a regular expression. The syntax is that of JavaScript; the machine is Go's, which needs linear
// time. What cannot be had in linear time (look-around, back references) is an error.
func compileRegex(t token) *pattern {
	tr := &translation{src: t.text, multiline: strings.Contains(t.flags, "m")}
	flags := ""
	if strings.Contains(t.flags, "i") {
		flags += "i"
	}
	if tr.multiline {
		flags += "m"
	}
	text := tr.translate()
	if tr.problem == "" {
		if flags != "" {
			text = "(?" + flags + ")" + text
		}
		re, size, problem := compileGo(text)
		if re != nil {
			return &pattern{source: t.text, flags: t.flags, re: re, size: size}
		}
		tr.problem = problem
	}
	raise(fault{code: "S0303", pos: t.pos, token: "/" + t.text + "/" + t.flags, value: tr.problem})
	return nil
}

// maxProgram is about how many instructions a regular expression may have.
const maxProgram = 50_000

// compileGo compiles a regular expression of Go, or says what is wrong with it.
func compileGo(text string) (re *regexp.Regexp, size int, problem string) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if s, ok := err.(*syntax.Error); ok { //nolint:errorlint // the package documents that it gives this type
		return nil, 0, s.Code.String()
	}
	if err == nil {
		size = programSize(tree)
	}
	if size > maxProgram {
		return nil, 0, "it is too large"
	}
	if re, err = regexp.Compile(text); err != nil {
		return nil, 0, err.Error()
	}
	return re, size, ""
}

// programSize estimates the number of instructions: repetitions are written out.
func programSize(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n += programSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max)
	}
	return min(n, maxProgram+1)
}

// translation writes a regular expression of JavaScript in the syntax of Go.
type translation struct {
	src       string
	out       strings.Builder
	at        int
	class     bool // within [ ]
	multiline bool
	problem   string
}

// What the classes of JavaScript are where Go has others. Within brackets they stand without theirs.
const (
	jsSpace    = `\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	jsNotSpace = `\x00-\x08\x0e-\x1f!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}` +
		`\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
	jsNotNewline = `[^\n\r\x{2028}\x{2029}]`
)

func (t *translation) translate() string {
	for t.at < len(t.src) && t.problem == "" {
		c := t.src[t.at]
		switch {
		case c == '\\':
			t.escape()
			continue
		case t.class:
			t.inClass(c)
			continue
		case c == '.':
			t.out.WriteString(jsNotNewline)
		case c == '[':
			t.openClass()
			continue
		case c == '(' && strings.HasPrefix(t.src[t.at:], "(?"):
			t.special()
			continue
		default:
			t.out.WriteByte(c)
		}
		t.at++
	}
	if t.class && t.problem == "" {
		t.problem = "missing closing ]"
	}
	return t.out.String()
}

// openClass handles [ and the classes that JavaScript has for everything and nothing.
func (t *translation) openClass() {
	rest := t.src[t.at:]
	switch {
	case strings.HasPrefix(rest, "[^]"):
		t.out.WriteString(`[\x00-\x{10ffff}]`)
		t.at += 3
	case strings.HasPrefix(rest, "[]"):
		t.out.WriteString(`[^\x00-\x{10ffff}]`)
		t.at += 2
	case strings.HasPrefix(rest, "[^"):
		t.out.WriteString("[^")
		t.at += 2
		t.class = true
	default:
		t.out.WriteByte('[')
		t.at++
		t.class = true
	}
}

func (t *translation) inClass(c byte) {
	switch c {
	case ']':
		t.class = false
		t.out.WriteByte(c)
	case '[':
		t.out.WriteString(`\[`)
	default:
		t.out.WriteByte(c)
	}
	t.at++
}

// special handles what starts with (?.
func (t *translation) special() {
	rest := t.src[t.at:]
	for _, look := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.HasPrefix(rest, look) {
			t.problem = "look-ahead and look-behind (" + look + ") are not available, for they may take very long; " +
				"match more and take a group of it"
			return
		}
	}
	if !strings.HasPrefix(rest, "(?:") && !strings.HasPrefix(rest, "(?<") {
		t.problem = "invalid group"
		return
	}
	t.out.WriteString("(?")
	t.at += 2
}

// escape handles what starts with a backslash.
func (t *translation) escape() {
	if t.at+1 >= len(t.src) {
		t.problem = "it ends in a backslash"
		return
	}
	c := t.src[t.at+1]
	t.at += 2
	switch {
	case c == 's' || c == 'S':
		t.space(c)
	case strings.IndexByte(`dDwWtnrfv`, c) >= 0:
		t.out.WriteByte('\\')
		t.out.WriteByte(c)
	case c == 'b' && t.class:
		t.out.WriteString(`\x08`)
	case c == 'b' || c == 'B':
		t.out.WriteByte('\\')
		t.out.WriteByte(c)
	case c == '0' && (t.at >= len(t.src) || t.src[t.at] < '0' || t.src[t.at] > '9'):
		t.out.WriteString(`\x00`)
	case c >= '1' && c <= '9' && !t.class, c == 'k' && strings.HasPrefix(t.src[t.at:], "<"):
		t.problem = "back references (\\" + string(c) + ") are not available, for they may take very long"
	case c == 'x' || c == 'u':
		t.code(c)
	case c == 'c' && t.at < len(t.src):
		t.out.WriteString(`\x{` + hexByte(rune(t.src[t.at]&0x1f)) + `}`)
		t.at++
	default:
		// A character that stands for itself.
		t.at--
		r, size := utf8.DecodeRuneInString(t.src[t.at:])
		t.at += size
		if r < utf8.RuneSelf {
			t.out.WriteString(regexp.QuoteMeta(string(r)))
			if r == '-' {
				// Within brackets it would be a range.
				text := strings.TrimSuffix(t.out.String(), "-")
				t.out.Reset()
				t.out.WriteString(text + `\-`)
			}
			return
		}
		t.out.WriteRune(r)
	}
}

func (t *translation) space(c byte) {
	class := jsSpace
	if c == 'S' {
		class = jsNotSpace
	}
	if !t.class {
		class = "[" + class + "]"
	}
	t.out.WriteString(class)
}

// code handles \xHH and \uHHHH. If the digits are missing, JavaScript takes the letter for itself.
func (t *translation) code(c byte) {
	digits := 2
	if c == 'u' {
		digits = 4
	}
	text := t.src[t.at:min(t.at+digits, len(t.src))]
	if len(text) < digits || strings.Trim(text, "0123456789abcdefABCDEF") != "" {
		t.out.WriteByte(c)
		return
	}
	t.out.WriteString(`\x{` + text + `}`)
	t.at += digits
}

func hexByte(r rune) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[r>>4&15], digits[r&15]})
}
