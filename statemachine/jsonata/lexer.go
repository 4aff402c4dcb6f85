package jsonata

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tokenKind tells tokens apart.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenVariable
	tokenString
	tokenNumber
	tokenValue
	tokenRegex
	tokenOperator
)

// token is a piece of the source.
type token struct {
	kind  tokenKind
	text  string // an operator, a name, the decoded text of a string
	value any    // of a literal
	flags string // of a regular expression
	pos   int    // of its first byte
}

// shown is how a token stands in messages.
func (t token) shown() string {
	switch t.kind {
	case tokenEnd:
		return "(end)"
	case tokenVariable:
		return "$" + t.text
	case tokenNumber:
		return formatNumber(t.value.(float64))
	default:
		return t.text
	}
}

// lexer cuts the source into tokens.
type lexer struct {
	src string
	at  int
}

const singleOperators = ".[]{}(),@#;:?+-*/%|=<>^&!~"

// next gives the next token. A slash is the division where an operator may stand, else it opens a regular expression.
func (l *lexer) next(operatorMayStand bool) token {
	l.skip()
	start := l.at
	if start >= len(l.src) {
		return token{kind: tokenEnd, pos: len(l.src)}
	}
	c := l.src[start]
	if c == '/' && !operatorMayStand {
		return l.regex()
	}
	if start+1 < len(l.src) {
		switch two := l.src[start : start+2]; two {
		case "..", ":=", "!=", ">=", "<=", "**", "~>":
			l.at += 2
			return token{kind: tokenOperator, text: two, pos: start}
		}
	}
	switch {
	case strings.IndexByte(singleOperators, c) >= 0:
		l.at++
		return token{kind: tokenOperator, text: l.src[start : start+1], pos: start}
	case c == '"' || c == '\'':
		return l.quoted(c)
	case c >= '0' && c <= '9':
		return l.number()
	case c == '`':
		end := strings.IndexByte(l.src[start+1:], '`')
		if end < 0 {
			l.at = len(l.src)
			raise(fault{code: "S0105", pos: start})
		}
		l.at = start + end + 2
		return token{kind: tokenName, text: l.src[start+1 : start+1+end], pos: start}
	}
	return l.word()
}

// skip passes white space and comments.
func (l *lexer) skip() {
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case isSpace(c):
			l.at++
		case c == '/' && strings.HasPrefix(l.src[l.at:], "/*"):
			end := strings.Index(l.src[l.at+2:], "*/")
			if end < 0 {
				raise(fault{code: "S0106", pos: l.at})
			}
			l.at += end + 4
		default:
			return
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' && c != '\f' }

// word reads a name, a variable, or one of the words that mean something.
func (l *lexer) word() token {
	start := l.at
	for l.at < len(l.src) && !isSpace(l.src[l.at]) && strings.IndexByte(singleOperators, l.src[l.at]) < 0 {
		l.at++
	}
	text := l.src[start:l.at]
	if text[0] == '$' {
		return token{kind: tokenVariable, text: text[1:], pos: start}
	}
	switch text {
	case "and", "or", "in":
		return token{kind: tokenOperator, text: text, pos: start}
	case "true":
		return token{kind: tokenValue, text: text, value: true, pos: start}
	case "false":
		return token{kind: tokenValue, text: text, value: false, pos: start}
	case "null":
		return token{kind: tokenValue, text: text, value: null{}, pos: start}
	}
	return token{kind: tokenName, text: text, pos: start}
}

// number reads a number as JSON writes it, without a sign.
func (l *lexer) number() token {
	start := l.at
	digits := func() {
		for l.at < len(l.src) && l.src[l.at] >= '0' && l.src[l.at] <= '9' {
			l.at++
		}
	}
	if l.src[l.at] == '0' {
		l.at++
	} else {
		digits()
	}
	if l.digitAt(l.at+1) && l.src[l.at] == '.' {
		l.at++
		digits()
	}
	if l.at < len(l.src) && (l.src[l.at] == 'e' || l.src[l.at] == 'E') {
		sign := 1
		if l.at+1 < len(l.src) && (l.src[l.at+1] == '+' || l.src[l.at+1] == '-') {
			sign = 2
		}
		if l.digitAt(l.at + sign) {
			l.at += sign
			digits()
		}
	}
	text := l.src[start:l.at]
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		raise(fault{code: "S0102", pos: start, token: text})
	}
	return token{kind: tokenNumber, text: text, value: f, pos: start}
}

func (l *lexer) digitAt(i int) bool { return i < len(l.src) && l.src[i] >= '0' && l.src[i] <= '9' }

// escapes of strings, \u aside.
var escapes = map[byte]byte{
	'"': '"', '\'': '\'', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// quoted reads a string.
func (l *lexer) quoted(quote byte) token {
	start := l.at
	l.at++
	var b []byte
	for l.at < len(l.src) {
		c := l.src[l.at]
		switch {
		case c == quote:
			l.at++
			return token{kind: tokenString, text: string(b), pos: start}
		case c != '\\':
			b = append(b, c)
			l.at++
			continue
		}
		l.at++
		if l.at >= len(l.src) {
			break
		}
		if c = l.src[l.at]; c == 'u' {
			b = appendUnit(b, l.unit())
			continue
		}
		plain, ok := escapes[c]
		if !ok || c == '\'' {
			_, size := utf8.DecodeRuneInString(l.src[l.at:])
			raise(fault{code: "S0103", pos: l.at - 1, token: l.src[l.at : l.at+size]})
		}
		b = append(b, plain)
		l.at++
	}
	raise(fault{code: "S0101", pos: start})
	return token{}
}

// unit reads the four digits behind \u.
func (l *lexer) unit() uint16 {
	digits := l.src[l.at+1 : min(l.at+5, len(l.src))]
	n, err := strconv.ParseUint(digits, 16, 16)
	if err != nil || len(digits) != 4 || digits[0] == '+' {
		raise(fault{code: "S0104", pos: l.at - 1})
	}
	l.at += 5
	return uint16(n)
}

// regex reads a regular expression. A slash within parentheses or brackets does not end it.
func (l *lexer) regex() token {
	start := l.at
	l.at++
	depth, class := 0, false
	for ; l.at < len(l.src); l.at++ {
		switch c := l.src[l.at]; {
		case c == '\\':
			l.at++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '/' && depth <= 0:
			return l.endRegex(start)
		}
	}
	l.at = len(l.src)
	raise(fault{code: "S0302", pos: start})
	return token{}
}

// endRegex reads the end of a regular expression, and its flags.
func (l *lexer) endRegex(start int) token {
	text := l.src[start+1 : l.at]
	if text == "" {
		raise(fault{code: "S0301", pos: start})
	}
	l.at++
	from := l.at
	for l.at < len(l.src) && (l.src[l.at] == 'i' || l.src[l.at] == 'm') {
		l.at++
	}
	return token{kind: tokenRegex, text: text, flags: l.src[from:l.at], pos: start}
}
