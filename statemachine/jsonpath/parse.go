package jsonpath

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/query"
)

// parser reads paths and intrinsic functions. After a problem it goes on only where that cannot give false ones.
type parser struct {
	src      string
	pos      int
	stops    string // characters that end a name, beside those that always do
	nesting  int    // of filters and parentheses
	problems []query.Problem
	notes    []query.Problem
}

func newParser(src string) *parser {
	p := &parser{src: src}
	if len(src) > maxSource {
		p.fail(maxSource, "keep values in variables, and use those", "the expression has %d bytes, at most %d are allowed",
			len(src), maxSource)
		p.src = ""
	}
	return p
}

func (p *parser) fail(at int, hint, format string, args ...any) {
	p.problems = append(p.problems, query.Problem{Message: fmt.Sprintf(format, args...), Hint: hint, Offset: at})
}

// failed tells whether there is a problem already.
func (p *parser) failed() bool { return len(p.problems) > 0 }

// peek gives the character at the position, 0 at the end. No path has the character 0 where it matters.
func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *parser) skipBlanks() {
	for p.peek() == ' ' {
		p.pos++
	}
}

// skip takes a text if it is next.
func (p *parser) skip(s string) bool {
	if strings.HasPrefix(p.src[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

// end checks that nothing follows but blanks.
func (p *parser) end(what string) {
	p.skipBlanks()
	if p.pos == len(p.src) {
		return
	}
	hint := ""
	switch {
	case p.src[p.pos-1] == ' ' && what == "the path":
		hint = "a name with a blank in it stands in brackets: ['a name']"
	case strings.TrimSpace(p.src[p.pos:]) == "":
		hint = "remove the line break at the end; in YAML, write |- instead of |"
	}
	p.fail(p.pos, hint, "%s ends here, but %q follows", what, excerptOf(p.src[p.pos:]))
}

// excerptOf cuts text for a message.
func excerptOf(s string) string {
	const most = 24
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "..."
}

// path reads a path from its root on.
func (p *parser) path() *Path {
	if p.failed() {
		return nil
	}
	start := p.pos
	path := &Path{}
	if !p.skip("$") {
		p.fail(p.pos, "", "a path begins with $, not with %q", excerptOf(p.src[p.pos:]))
		return nil
	}
	switch {
	case p.skip("$"):
		path.root = Context
	case p.pos < len(p.src) && nameStart(p.src[p.pos:]):
		path.root = Variable
		path.variable = p.variable()
	}
	if c := p.peek(); p.pos < len(p.src) && c != '.' && c != '[' && c != ' ' && strings.IndexByte(p.stops, c) < 0 {
		p.fail(p.pos, "write . or [ between the parts of a path, and a variable as $name",
			"%q cannot follow %s", excerptOf(p.src[p.pos:]), p.src[start:p.pos])
		return nil
	}
	path.steps = newSteps(p.steps(false))
	path.src = strings.TrimRight(p.src[start:p.pos], " ")
	path.notes = p.notes
	p.notes = nil
	return path
}

// variable reads the name of a variable.
func (p *parser) variable() string {
	start := p.pos
	for p.pos < len(p.src) {
		r, n := utf8.DecodeRuneInString(p.src[p.pos:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Mc, r) {
			break
		}
		p.pos += n
	}
	return p.src[start:p.pos]
}

func nameStart(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r == '_' || unicode.IsLetter(r)
}

// steps reads steps as long as there are any. A name directly behind a bracket is a member, as after a dot.
func (p *parser) steps(filter bool) []step {
	var list []step
	for !p.failed() && p.pos < len(p.src) {
		switch c := p.peek(); {
		case c == '[':
			list = p.bracket(list)
		case c == '.':
			list = p.dot(list)
		case c == '*' && len(list) > 0 && !filter:
			p.pos++
			list = append(list, wildcardStep{})
		case c == ' ' || strings.IndexByte(p.stops, c) >= 0 || len(list) == 0:
			return list
		default:
			list = p.name(list)
		}
	}
	return list
}

// dot reads .name, .*, ..name, ..[ and the like.
func (p *parser) dot(list []step) []step {
	start := p.pos
	p.pos++
	if p.peek() == '.' {
		p.pos++
		list = append(list, scanStep{})
	}
	switch c := p.peek(); {
	case p.pos == len(p.src), c == ' ', strings.IndexByte(p.stops, c) >= 0:
		p.fail(start, "write the name of a member behind it, or remove it", "a path cannot end with %q", p.src[start:p.pos])
	case c == '.':
		p.fail(p.pos, "one dot goes to a member, two dots search below", "there are too many dots")
	case c == '*':
		p.pos++
		list = append(list, wildcardStep{})
	case c == '[':
		return p.bracket(list)
	default:
		return p.name(list)
	}
	return list
}

// name reads a member, or a function if a parenthesis follows.
func (p *parser) name(list []step) []step {
	start := p.pos
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		if c == '.' || c == '[' || c == ' ' || strings.IndexByte(p.stops, c) >= 0 {
			break
		}
		if c == '(' {
			return p.function(list, start)
		}
		if c < ' ' {
			p.fail(p.pos, "remove it; in YAML, write |- instead of |; a name that has it stands in brackets: ['a name']",
				"a path cannot have a line break or a tab")
			return list
		}
		p.pos++
	}
	return append(list, &propertyStep{names: []string{p.src[start:p.pos]}})
}

// function reads the arguments of a function, whose name begins at start.
func (p *parser) function(list []step, start int) []step {
	f := &functionStep{name: p.src[start:p.pos]}
	bounds, known := functions[f.name]
	if !known {
		hint := "the functions of paths are " + strings.Join(functionNames(), ", ")
		if near := diag.Closest(f.name, functionNames()); near != "" {
			hint = "did you mean " + near + "()?"
		}
		p.fail(start, hint, "there is no function %q", f.name)
		return list
	}
	if len(list) > 0 && list[len(list)-1] == step(scanStep{}) {
		p.fail(start, "name what to search for, for example $..items.length()", "a function cannot follow ..")
		return list
	}
	p.pos++
	f.args = p.operands(')')
	if p.failed() {
		return list
	}
	if n := len(f.args); n < bounds.least || n > bounds.most {
		p.fail(start, "", "the function %s() does not take %d arguments", f.name, n)
	}
	return append(list, f)
}

// operands reads operands with commas between, up to and with a closing character.
func (p *parser) operands(closing byte) []operand {
	var list []operand
	if !p.enter() {
		return nil
	}
	defer p.leave()
	for !p.failed() {
		p.skipBlanks()
		if p.peek() == closing && len(list) == 0 {
			p.pos++
			return nil
		}
		list = append(list, p.operand())
		p.skipBlanks()
		switch {
		case p.failed():
		case p.peek() == closing && p.pos < len(p.src):
			p.pos++
			return list
		case p.peek() != ',':
			p.fail(p.pos, "", "expected , or %c", closing)
		default:
			p.pos++
		}
	}
	return nil
}

// enter bounds how deep filters and parentheses nest.
func (p *parser) enter() bool {
	if p.nesting++; p.nesting > maxDepth {
		p.fail(p.pos, "", "the expression nests deeper than %d levels", maxDepth)
		return false
	}
	return true
}

func (p *parser) leave() { p.nesting-- }

// bracket reads what stands in square brackets.
func (p *parser) bracket(list []step) []step {
	start := p.pos
	p.pos++
	p.skipBlanks()
	var s step
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		s = p.properties()
	case c == '*':
		p.pos++
		s = wildcardStep{}
	case c == '?':
		s = p.filterStep()
	case c == '-' || c == ':' || (c >= '0' && c <= '9'):
		s = p.numbers()
	case c == '(':
		p.fail(p.pos, "an index from the end is negative: [-1] is the last element", "an index cannot be computed")
	default:
		p.fail(p.pos, "write a name in quotes, an index, a range such as [1:3], [*], or a filter [?(...)]",
			"%q cannot stand in square brackets", excerptOf(p.src[p.pos:]))
	}
	if p.failed() {
		return list
	}
	p.skipBlanks()
	if !p.skip("]") {
		p.fail(start, "", "the bracket is not closed")
		return list
	}
	return append(list, s)
}

// properties reads names in quotes. The quotes of the first are those of all.
func (p *parser) properties() step {
	s := &propertyStep{}
	for {
		if c := p.peek(); c != '\'' && c != '"' {
			p.fail(p.pos, "", "expected a name in quotes")
			return s
		}
		name, ok := p.quoted()
		if !ok {
			return s
		}
		s.names = append(s.names, name)
		p.skipBlanks()
		if p.peek() != ',' {
			return s
		}
		p.pos++
		p.skipBlanks()
	}
}

// quoted reads text in quotes of either kind.
func (p *parser) quoted() (string, bool) {
	start, quote := p.pos, p.src[p.pos]
	for i := start + 1; i < len(p.src); i++ {
		switch p.src[i] {
		case '\\':
			i++
		case quote:
			p.pos = i + 1
			return unescape(p.src[start+1 : i]), true
		}
	}
	p.fail(start, "", "the quotes are not closed")
	return "", false
}

// numbers reads indexes or a range. A third part of a range, the step, has no meaning to Jayway's library.
func (p *parser) numbers() step {
	start := p.pos
	for c := p.peek(); c == '-' || c == ':' || c == ',' || c == ' ' || (c >= '0' && c <= '9'); c = p.peek() {
		p.pos++
	}
	text := p.src[start:p.pos]
	if !strings.Contains(text, ":") {
		s := &indexStep{}
		for each := range strings.SplitSeq(text, ",") {
			if n := p.number(start, each); n != nil {
				s.indexes = append(s.indexes, *n)
			}
		}
		return s
	}
	parts := strings.Split(text, ":")
	s := &sliceStep{}
	if strings.TrimSpace(parts[0]) != "" {
		s.from = p.number(start, parts[0])
	}
	if strings.TrimSpace(parts[1]) != "" {
		s.to = p.number(start, parts[1])
	}
	if s.from == nil && s.to == nil || len(parts) > 3 {
		p.fail(start, "write [1:], [:3] or [1:3]; for all elements write [*]", "%q is no range", text)
	}
	return s
}

func (p *parser) number(at int, text string) *int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n > math.MaxInt32 || n < math.MinInt32 {
		p.fail(at, "", "%q is no index", strings.TrimSpace(text))
		return nil
	}
	return &n
}
