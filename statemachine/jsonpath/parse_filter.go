package jsonpath

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// filterStops are the characters that end a name in a filter.
const filterStops = "<>=~!&|),"

// filterStep reads ?( and the test up to the closing parenthesis.
func (p *parser) filterStep() step {
	p.pos++
	p.skipBlanks()
	if p.peek() != '(' {
		p.fail(p.pos, "write a filter as [?(@.price > 10)]", "the test of a filter stands in parentheses")
		return nil
	}
	stops := p.stops
	p.stops = filterStops
	defer func() { p.stops = stops }()
	p.pos++
	t := p.any()
	p.skipBlanks()
	if !p.failed() && !p.skip(")") {
		p.fail(p.pos, "", "expected ), && or || in the filter")
	}
	return &filterStep{test: t}
}

func (p *parser) any() test {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	list := anyTest{p.all()}
	for p.skipBlanks(); !p.failed() && p.skip("||"); p.skipBlanks() {
		list = append(list, p.all())
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func (p *parser) all() test {
	list := allTest{p.not()}
	for p.skipBlanks(); !p.failed() && p.skip("&&"); p.skipBlanks() {
		list = append(list, p.not())
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// not reads a test, which ! may negate. Before a path, ! asks that it lead nowhere.
func (p *parser) not() test {
	p.skipBlanks()
	if p.skip("!") {
		p.skipBlanks()
		if c := p.peek(); c == '@' || c == '$' {
			return p.comparison(true)
		}
		if !p.enter() {
			return nil
		}
		defer p.leave()
		return notTest{p.not()}
	}
	if p.skip("(") {
		t := p.any()
		p.skipBlanks()
		if !p.failed() && !p.skip(")") {
			p.fail(p.pos, "", "expected ) in the filter")
		}
		return t
	}
	return p.comparison(false)
}

// comparison reads a comparison, or a path whose presence is asked for.
func (p *parser) comparison(negated bool) test {
	start := p.pos
	left := p.operand()
	if p.failed() {
		return nil
	}
	p.skipBlanks()
	op, ok := p.operator()
	if p.failed() {
		return nil
	}
	path, isPath := left.(*filterPath)
	if !ok {
		if !isPath {
			p.fail(start, "compare it with something, for example @.price > 10", "a filter tests a path or a comparison")
		}
		return existsTest{path: path, negated: negated}
	}
	if negated {
		p.fail(start, "put the comparison in parentheses: !(...)", "! cannot stand before a comparison")
		return nil
	}
	p.skipBlanks()
	right := p.operand()
	if p.failed() {
		return nil
	}
	if _, isPattern := right.(*pattern); isPattern && op != opRegex {
		p.fail(start, "use =~ to match a pattern", "a pattern cannot be compared with %s", op)
	}
	return compareTest{left: left, operator: op, right: right}
}

// operator reads the operator of a comparison, if there is one.
func (p *parser) operator() (operator, bool) {
	start := p.pos
	for c := p.peek(); c != 0 && strings.IndexByte("<>=~!", c) >= 0; c = p.peek() {
		p.pos++
	}
	if p.pos == start {
		for c := p.peek() | 0x20; c >= 'a' && c <= 'z'; c = p.peek() | 0x20 {
			p.pos++
		}
	}
	text := strings.ToLower(p.src[start:p.pos])
	if text == "" {
		return 0, false
	}
	at := slices.Index(operatorNames, text)
	if text == "<>" || text == "=" {
		at = -1
	}
	if at < 0 {
		p.fail(start, "the operators are "+strings.Join(operatorNames, " "), "there is no operator %q", p.src[start:p.pos])
		return 0, false
	}
	return operator(at), true
}

// operand reads a path, a constant or a pattern.
func (p *parser) operand() operand {
	start := p.pos
	switch c := p.peek(); {
	case c == '@' || c == '$':
		p.pos++
		stops := p.stops
		p.stops = filterStops
		path := &filterPath{current: c == '@', steps: newSteps(p.steps(true))}
		p.stops = stops
		return path
	case c == '\'' || c == '"':
		s, _ := p.quoted()
		return literal{value.FromString(s)}
	case c == '/':
		return p.pattern()
	case c == '{' || c == '[':
		return p.json()
	}
	for p.pos < len(p.src) && strings.IndexByte(" <>=~!&|),][(", p.src[p.pos]) < 0 {
		p.pos++
	}
	word := p.src[start:p.pos]
	switch {
	case word == "":
		p.fail(start, "write a path such as @.price, a text in quotes, a number, true, false or null",
			"expected a value in the filter")
		return nil
	case word == "true" || word == "false" || word == "null":
		return literal{value.Trusted([]byte(word))}
	}
	if n := parseNumber(word); n != nil {
		return literal{n}
	}
	p.notes = append(p.notes, query.Problem{
		Message: "the text " + word + " has no quotes", Hint: "write '" + word + "'", Offset: start,
	})
	return literal{value.FromString(word)}
}

// pattern reads /regular expression/ with its flags.
func (p *parser) pattern() operand {
	start := p.pos
	i := start + 1
	for i < len(p.src) && p.src[i] != '/' {
		if p.src[i] == '\\' {
			i++
		}
		i++
	}
	if i >= len(p.src) {
		p.fail(start, "", "the pattern is not closed with /")
		return nil
	}
	source := p.src[start+1 : i]
	i++
	flagsAt := i
	for i < len(p.src) && strings.IndexByte("idxmsuU", p.src[i]) >= 0 {
		i++
	}
	pat := &pattern{source: source, flags: p.src[flagsAt:i]}
	set := ""
	for _, f := range pat.flags {
		if strings.ContainsRune("ims", f) && !strings.ContainsRune(set, f) {
			set += string(f)
		}
	}
	if set != "" {
		set = "(?" + set + ")"
	}
	var err error
	pat.match, err = regexp.Compile(set + `\A(?:` + source + `)\z`)
	if err != nil {
		p.fail(start, "patterns are those of RE2, without look-around and back references", "the pattern /%s/ is not valid", source)
		return nil
	}
	p.pos = i
	return pat
}

// json reads an array or object; text in it may stand in single quotes.
func (p *parser) json() operand {
	start := p.pos
	var b []byte
	open := 0
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; c {
		case '\'', '"':
			s, ok := p.quoted()
			if !ok {
				return nil
			}
			b = value.AppendString(b, s)
			continue
		case '{', '[':
			open++
			b = append(b, c)
		case '}', ']':
			open--
			b = append(b, c)
		default:
			b = append(b, c)
		}
		p.pos++
		if open == 0 {
			break
		}
	}
	v, err := value.Parse(b)
	if err != nil || open != 0 {
		p.fail(start, "", "the JSON in the filter is not valid")
		return nil
	}
	if v.Depth() > maxDepth {
		p.fail(start, "", "the JSON in the filter nests deeper than %d levels", maxDepth)
		return nil
	}
	return literal{v}
}
