package jsonpath

import (
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// call reads a call: its name, and its arguments in parentheses. level counts the calls around it, itself included.
func (p *parser) call(level int) *call {
	if p.failed() {
		return nil
	}
	start := p.pos
	for c := p.peek(); c == '.' || c == '_' || (c >= '0' && c <= '9') || (c|0x20 >= 'a' && c|0x20 <= 'z'); c = p.peek() {
		p.pos++
	}
	name := p.src[start:p.pos]
	f := functionsByName[name]
	if f == nil {
		hint := "the intrinsic functions are " + strings.Join(intrinsicNames, ", ")
		if near := diag.Closest(name, intrinsicNames); near != "" {
			hint = "did you mean " + near + "?"
		}
		p.fail(start, hint, "there is no intrinsic function %q", name)
		return nil
	}
	if level > maxNesting {
		p.fail(start, "keep a part in a variable, or in a state before", "intrinsic functions nest deeper than %d levels", maxNesting)
		return nil
	}
	p.skipBlanks()
	if p.peek() != '(' {
		p.fail(p.pos, "write "+f.usage, "the arguments of %s stand in parentheses", name)
		return nil
	}
	p.pos++
	c := &call{function: f, args: p.arguments(f, level)}
	if !p.failed() && (len(c.args) < f.least || len(c.args) > f.most) {
		p.fail(start, "write "+f.usage, "%s does not take %s", name, countOf(len(c.args)))
	}
	return c
}

func countOf(n int) string {
	switch n {
	case 0:
		return "no arguments"
	case 1:
		return "one argument"
	default:
		return value.FromInt(int64(n)).String() + " arguments"
	}
}

// arguments reads arguments up to and with the closing parenthesis.
func (p *parser) arguments(f *function, level int) []argument {
	var list []argument
	for !p.failed() {
		p.skipSpace()
		if p.peek() == ')' && len(list) == 0 {
			p.pos++
			return nil
		}
		list = append(list, p.argument(f.template && len(list) == 0, level))
		p.skipSpace()
		switch {
		case p.failed():
		case p.skip(")"):
			return list
		case !p.skip(","):
			p.fail(p.pos, "write "+f.usage, "expected , or ) in the arguments of %s", f.name)
		}
	}
	return nil
}

// skipSpace skips what may stand between arguments.
func (p *parser) skipSpace() {
	for c := p.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = p.peek() {
		p.pos++
	}
}

func (p *parser) argument(template bool, level int) argument {
	start := p.pos
	switch c := p.peek(); {
	case c == '\'':
		return p.text(template)
	case c == '$':
		path := p.path()
		p.notes = nil
		return pathArgument{path}
	case strings.HasPrefix(p.src[p.pos:], "States."):
		return p.call(level + 1)
	}
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n,)", p.src[p.pos]) < 0 {
		p.pos++
	}
	word := p.src[start:p.pos]
	switch word {
	case "true", "false", "null":
		return constantArgument{value.Trusted([]byte(word))}
	}
	if n := parseNumber(strings.TrimPrefix(word, "+")); n != nil {
		return constantArgument{n}
	}
	p.fail(start, "write text in single quotes, a number, true, false, null, a path, or an intrinsic function",
		"%q is no argument", excerptOf(word))
	return nil
}

// text reads text in single quotes.
func (p *parser) text(template bool) argument {
	start := p.pos
	for i := start + 1; i < len(p.src); i++ {
		switch p.src[i] {
		case '\\':
			i++
		case '\'':
			p.pos = i + 1
			a := &textArgument{raw: p.src[start+1 : i], template: template}
			if decoded, ok := unescapeText(a.raw); ok {
				a.value = value.FromString(decoded)
			}
			if template {
				a.value = value.FromString(a.raw)
			}
			return a
		}
	}
	p.fail(start, `close it with '; a ' inside is written \'`, "the quotes are not closed")
	return nil
}
