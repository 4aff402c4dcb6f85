package jsonata

import (
	"strconv"
	"strings"
)

// String gives the expression as text in one form: what has the same tree prints the same, and parses to the same
// again. Comments and line breaks are gone.
func (e *Expr) String() string {
	p := &printer{}
	p.node(e.parsed)
	return p.b.String()
}

// printer prints the tree that follows the source. Parentheses are nodes of that tree, so it has none to add.
type printer struct {
	b strings.Builder
}

func (p *printer) write(parts ...string) {
	for _, part := range parts {
		p.b.WriteString(part)
	}
}

// separated prints nodes.
func (p *printer) separated(list []*node, separator string) {
	for i, n := range list {
		if i > 0 {
			p.write(separator)
		}
		p.node(n)
	}
}

func (p *printer) node(n *node) {
	p.kind(n)
	if n.keepArray {
		p.write("[]")
	}
}

func (p *printer) kind(n *node) {
	switch n.kind {
	case kindName:
		p.name(n.text)
	case kindString:
		p.write(string(appendQuoted(nil, n.text)))
	case kindNumber:
		p.write(strconv.FormatFloat(n.value.(float64), 'g', -1, 64))
	case kindValue, kindWord:
		p.write(n.text)
	case kindVariable:
		p.write("$", n.text)
	case kindRegex:
		p.write("/", n.regex.source, "/", n.regex.flags)
	case kindPlaceholder:
		p.write("?")
	case kindWildcard:
		p.write("*")
	case kindDescendant:
		p.write("**")
	case kindParent:
		p.write("%")
	case kindNegate:
		p.write("-")
		p.node(n.left)
	case kindArray:
		p.write("[")
		p.separated(n.list, ", ")
		p.write("]")
	case kindObject:
		p.pairs(n.list)
	case kindBlock:
		p.write("(")
		p.separated(n.list, "; ")
		p.write(")")
	default:
		p.compound(n)
	}
}

// compound prints nodes that start with what they are applied to.
func (p *printer) compound(n *node) {
	switch n.kind {
	case kindLambda:
		p.lambda(n)
		return
	case kindTransform:
		p.write("|")
		p.node(n.left)
		p.write("|")
		p.node(n.right)
		if n.third != nil {
			p.write(", ")
			p.node(n.third)
		}
		p.write("|")
		return
	default:
	}
	p.node(n.left)
	switch n.kind {
	case kindDot:
		p.write(".")
		p.node(n.right)
	case kindBinary:
		p.write(" ", n.text, " ")
		p.node(n.right)
	case kindApply:
		p.write(" ~> ")
		p.node(n.right)
	case kindBind:
		p.write(" := ")
		p.node(n.right)
	case kindFilter:
		p.write("[")
		p.node(n.right)
		p.write("]")
	case kindGroup:
		p.pairs(n.list)
	case kindFocus:
		p.write("@$", n.text)
	case kindIndex:
		p.write("#$", n.text)
	case kindCall, kindPartial:
		p.write("(")
		p.separated(n.list, ", ")
		p.write(")")
	case kindCondition:
		p.write(" ? ")
		p.node(n.right)
		if n.third != nil {
			p.write(" : ")
			p.node(n.third)
		}
	case kindOrder:
		p.order(n)
	default:
	}
}

func (p *printer) order(n *node) {
	p.write("^(")
	for i, term := range n.terms {
		if i > 0 {
			p.write(", ")
		}
		if term.descending {
			p.write(">")
		}
		p.node(term.by)
	}
	p.write(")")
}

func (p *printer) lambda(n *node) {
	p.write("function(")
	for i, param := range n.params {
		if i > 0 {
			p.write(", ")
		}
		p.write("$", param)
	}
	p.write(")")
	if n.sig != nil {
		p.write(n.sig.text)
	}
	p.write("{")
	p.node(n.right)
	p.write("}")
}

func (p *printer) pairs(list []*node) {
	p.write("{")
	for i := 0; i < len(list); i += 2 {
		if i > 0 {
			p.write(", ")
		}
		p.node(list[i])
		p.write(": ")
		p.node(list[i+1])
	}
	p.write("}")
}

// name prints a name, within backticks if it would mean something else without.
func (p *printer) name(s string) {
	plain := s != "" && s[0] != '$' && s[0] != '"' && s[0] != '\'' && s[0] != '`' && (s[0] < '0' || s[0] > '9')
	switch s {
	case "and", "or", "in", "true", "false", "null", "function", "λ":
		plain = false
	}
	for i := 0; plain && i < len(s); i++ {
		plain = !isSpace(s[i]) && strings.IndexByte(singleOperators, s[i]) < 0
	}
	if plain {
		p.write(s)
	} else {
		p.write("`", s, "`")
	}
}
