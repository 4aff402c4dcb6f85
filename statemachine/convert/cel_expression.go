package convert

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/jsonpath"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// stepKind is what a step of a path does.
type stepKind uint8

const (
	nameStep stepKind = iota
	indexStep
	allStep
)

// step is one step of a path.
type step struct {
	kind  stepKind
	name  string
	index string
}

// A path as package jsonpath prints it: steps in brackets, names in quotes.
var (
	printedStep = regexp.MustCompile(`^\[(?:'((?:[^'\\])*)'|(\d+)|(\*))\]`)
	identifier  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	celWords    = []string{
		"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
		"namespace", "null", "package", "return", "true", "var", "void", "while",
	}
)

func quote(s string) string { return string(value.AppendString(nil, s)) }

// operand puts an expression into brackets if something behind it could be taken for a part of it.
func operand(expression string) string {
	if strings.HasPrefix(expression, "{") || strings.ContainsAny(expression, "?+&|!<>= ") && !strings.HasSuffix(expression, ")") {
		return "(" + expression + ")"
	}
	return expression
}

// steps gives the steps of a path behind its root.
func (s *stateToCEL) steps(src string) []step {
	p, problems := jsonpath.ParsePath(src)
	if len(problems) > 0 {
		s.refuse("the path " + src + " is not valid")
		return nil
	}
	rest := strings.TrimLeft(p.String(), "$")
	rest = strings.TrimPrefix(rest, p.Variable())
	var steps []step
	for rest != "" {
		m := printedStep.FindStringSubmatch(rest)
		if m == nil {
			s.refuse("CEL has no twin of the path " + src)
			return nil
		}
		switch {
		case m[3] != "":
			steps = append(steps, step{kind: allStep})
		case m[2] != "":
			steps = append(steps, step{kind: indexStep, index: m[2]})
		default:
			steps = append(steps, step{name: m[1]})
		}
		rest = rest[len(m[0]):]
	}
	return steps
}

// base gives what a path starts from.
func (s *stateToCEL) base(src, root string) string {
	p, _ := jsonpath.ParsePath(src)
	if p == nil {
		return root
	}
	switch p.Root() {
	case jsonpath.Context:
		return "states.context"
	case jsonpath.Variable:
		if !identifier.MatchString(p.Variable()) || slices.Contains(celWords, p.Variable()) {
			s.refuse("CEL has no variable of the name " + p.Variable())
		}
		return p.Variable()
	default:
		return root
	}
}

// path gives a path in CEL.
func (s *stateToCEL) path(src, root string) string {
	return s.follow(src, s.base(src, root), s.steps(src))
}

func (s *stateToCEL) follow(src, from string, steps []step) string {
	for i, each := range steps {
		switch each.kind {
		case indexStep:
			s.note("fails where " + src + " leads beyond the end of an array; JSONPath finds null there")
			from += "[" + each.index + "]"
		case allStep:
			rest := steps[i+1:]
			if slices.ContainsFunc(rest, func(each step) bool { return each.kind == allStep }) {
				s.refuse("CEL has no twin of the path " + src)
			}
			s.note("fails where " + src + " leads to no array, or an element lacks the member; JSONPath leaves it out")
			if len(rest) == 0 {
				return from + ".map(each, each)"
			}
			return from + ".map(each, " + s.follow(src, "each", rest) + ")"
		default:
			if identifier.MatchString(each.name) && !slices.Contains(celWords, each.name) {
				from += "." + each.name
			} else {
				from += "[" + quote(each.name) + "]"
			}
		}
	}
	return from
}

// template gives a payload template with expressions in the place of its .$ keys.
func (s *stateToCEL) template(n *source.Node, root string) *source.Node {
	c := *n
	c.Elems, c.Members = nil, nil
	for _, e := range n.Elems {
		c.Elems = append(c.Elems, s.template(e, root))
	}
	for _, m := range n.Members {
		if key, dynamic := strings.CutSuffix(m.Name, ".$"); dynamic && m.Value.Kind == source.String {
			c.Members = append(c.Members, member(key, marked(s.expression(m.Value.Text, root))))
		} else {
			c.Members = append(c.Members, &source.Member{Name: m.Name, NamePos: m.NamePos, Value: s.template(m.Value, root)})
		}
	}
	s.unmarked(n)
	return &c
}

// constant gives a value without expressions.
func (s *stateToCEL) constant(n *source.Node) *source.Node {
	s.unmarked(n)
	for _, e := range n.Elems {
		s.constant(e)
	}
	for _, m := range n.Members {
		s.constant(m.Value)
	}
	return n
}

// unmarked refuses a text that would become an expression.
func (s *stateToCEL) unmarked(n *source.Node) {
	if n.Kind == source.String && (strings.Contains(n.Text, "{%") || strings.Contains(n.Text, "%}")) {
		s.refuse("a text holds the marks of an expression")
	}
}

// both gives a template as a node and as one expression.
func (s *stateToCEL) both(n *source.Node, root string) made {
	return made{s.template(n, root), s.inline(n, root, true)}
}

// literal gives a constant as an expression.
func (s *stateToCEL) literal(n *source.Node) string { return s.inline(n, "", false) }

// inline gives a template, or a constant, as one expression.
func (s *stateToCEL) inline(n *source.Node, root string, template bool) string {
	var parts []string
	switch n.Kind {
	case source.Array:
		for _, e := range n.Elems {
			parts = append(parts, s.inline(e, root, template))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case source.Object:
		for _, m := range n.Members {
			if key, dynamic := strings.CutSuffix(m.Name, ".$"); dynamic && template {
				parts = append(parts, quote(key)+": "+s.expression(m.Value.Text, root))
			} else {
				parts = append(parts, quote(m.Name)+": "+s.inline(m.Value, root, template))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case source.Number:
		if _, err := strconv.ParseInt(n.Text, 10, 64); err != nil && !strings.ContainsAny(n.Text, ".eE") {
			return "parseJson(" + quote(n.Text) + ")"
		}
		return n.Text
	default:
		return string(n.AppendJSON(nil))
	}
}
