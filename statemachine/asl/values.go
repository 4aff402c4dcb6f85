package asl

import (
	"math"
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// IsExpression tells whether a string of a JSONata or CEL state is an expression: it begins with {% and ends with %}.
func IsExpression(text string) bool {
	_, _, ok := Unwrap(text)
	return ok
}

// Unwrap gives the source of an expression that {% %} wraps, and where it begins in the text.
func Unwrap(text string) (src string, offset int, ok bool) {
	inner, ok := strings.CutPrefix(text, "{%")
	if !ok {
		return "", 0, false
	}
	inner, ok = strings.CutSuffix(inner, "%}")
	return inner, len("{%"), ok
}

// expression checks that a string which bears the marks of an expression is wholly one.
func (p *parser) expression(n *source.Node, language string) {
	text := n.Text
	if inner, offset, ok := Unwrap(text); ok {
		if i := strings.Index(inner, "%}"); language == CEL && i >= 0 && strings.Contains(inner[i:], "{%") {
			p.partial(n, offset+i+2, "the string holds several expressions", joinHint(language))
		}
		return
	}
	trimmed := strings.TrimSpace(text)
	opening := strings.Index(text, "{%")
	switch {
	case opening < 0 && strings.HasSuffix(trimmed, "%}"):
		p.partial(n, strings.LastIndex(text, "%}"), "the string ends with %} but does not begin with {%", "begin it with {%")
	case opening < 0:
	case IsExpression(trimmed):
		p.partial(n, 0, "white space stands around the expression", "remove the white space before {% and behind %}")
	case opening == 0 && !strings.Contains(text, "%}"):
		p.partial(n, 0, "the string begins with {% but does not end with %}", "end it with %}")
	default:
		p.partial(n, opening, "an expression is the whole string or none of it", joinHint(language))
	}
}

// partial reports a string that is not wholly an expression, at a byte of it.
func (p *parser) partial(n *source.Node, at int, message, hint string) {
	if p.full(diag.Error) {
		return
	}
	d := p.doc.AtNode(n)
	if at > 0 {
		d = p.doc.At(p.doc.InString(n, at), n.Pointer)
	}
	p.report(d, diag.Error, CodePartialExpression, hint, message)
}

// joinHint says how a text is made of several parts.
func joinHint(language string) string {
	if language == JSONata {
		return `write it as one expression and join its parts with &, for example "{% 'Hello ' & $states.input.name %}"`
	}
	return `write it as one expression and join its parts with +, for example "{% 'Hello ' + states.input.name %}"`
}

// template gives a field that may hold any JSON, with expressions in it: {% %} strings, or keys that end in .$ for
// JSONPath.
func (o object) template(name string) *source.Node {
	n := o.get(name)
	if n != nil {
		o.p.template(n, o.language)
	}
	return n
}

func (p *parser) template(n *source.Node, language string) {
	switch n.Kind {
	case source.Null, source.Bool, source.Number: // stand for themselves
	case source.String:
		if language != JSONPath {
			p.expression(n, language)
		}
	case source.Array:
		for _, e := range n.Elems {
			p.template(e, language)
		}
	case source.Object:
		for _, m := range n.Members {
			if language == JSONPath && strings.HasSuffix(m.Name, ".$") {
				p.dynamic(n, m)
				continue
			}
			p.template(m.Value, language)
		}
	}
}

// dynamic checks a member of a JSONPath template whose key ends in .$.
func (p *parser) dynamic(n *source.Node, m *source.Member) {
	static := strings.TrimSuffix(m.Name, ".$")
	if n.Member(static) != nil {
		p.errorAtName(m, CodeConflictingFields, "remove one of the two", "%q and %q give the same field", static, m.Name)
	}
	const hint = `a key that ends in .$ takes a path such as "$.order.id" or an intrinsic function such as "States.UUID()"`
	if p.is(m.Value, strconv.Quote(m.Name), source.String) && !isPath(m.Value.Text) && !isIntrinsic(m.Value.Text) {
		p.errorAt(m.Value, CodeInvalidPath, hint, "%q is neither a path nor an intrinsic function", m.Value.Text)
	}
}

func isPath(text string) bool      { return strings.HasPrefix(text, "$") }
func isIntrinsic(text string) bool { return strings.HasPrefix(text, "States.") }

// path gives a JSONPath field. Its syntax is the business of the JSONPath compiler; here it need only look like one.
func (o object) path(name string) *source.Node {
	return o.pathOr(name, isPath, `a path begins with $, for example "$.order.id"`, source.String)
}

// nullablePath is a path that may also be null.
func (o object) nullablePath(name string) *source.Node {
	return o.pathOr(name, isPath, `a path begins with $, for example "$.order.id"`, source.String, source.Null)
}

// pathOrIntrinsic is a path or an intrinsic function.
func (o object) pathOrIntrinsic(name string) *source.Node {
	return o.pathOr(name, func(s string) bool { return isPath(s) || isIntrinsic(s) },
		`write a path such as "$.order.id" or an intrinsic function such as "States.UUID()"`, source.String)
}

// referencePath is a path into the state's own data, or null: where a result is put.
func (o object) referencePath(name string) *source.Node {
	return o.pathOr(name, func(s string) bool { return s == "$" || strings.HasPrefix(s, "$.") || strings.HasPrefix(s, "$[") },
		`write where the result goes in the state's input, for example "$.result"; a variable is set with Assign`,
		source.String, source.Null)
}

func (o object) pathOr(name string, valid func(string) bool, hint string, kinds ...source.Kind) *source.Node {
	n := o.get(name)
	if n == nil || !o.p.is(n, o.of(name), kinds...) {
		return n
	}
	if n.Kind == source.String && !valid(n.Text) {
		o.p.errorAt(n, CodeInvalidPath, hint, "%s is no valid path: %q", o.of(name), n.Text)
	}
	return n
}

// integer gives a field that holds an integer in a range, or an expression where the language has them.
func (o object) integer(name string, least, most float64) *source.Node {
	n := o.number(name, least, most)
	if n != nil && n.Kind == source.Number {
		if v := value(n); v != math.Trunc(v) {
			o.p.errorAt(n, CodeOutOfRange, "", "%s must be a whole number, not %s", o.of(name), n.Text)
		}
	}
	return n
}

// number gives a field that holds a number in a range, or an expression where the language has them.
func (o object) number(name string, least, most float64) *source.Node {
	n := o.get(name)
	if n == nil {
		return nil
	}
	if o.evaluated() && n.Kind == source.String {
		o.mustBeExpression(n, name, "a number")
		return n
	}
	if !o.p.is(n, o.of(name), source.Number) {
		return n
	}
	switch v := value(n); {
	case v < least:
		o.p.errorAt(n, CodeOutOfRange, "", "%s must be at least %s, not %s", o.of(name), plain(least), n.Text)
	case v > most:
		o.p.errorAt(n, CodeOutOfRange, "", "%s must be at most %s, not %s", o.of(name), plain(most), n.Text)
	}
	return n
}

// mustBeExpression checks a string that stands where otherwise something else than a string is expected.
func (o object) mustBeExpression(n *source.Node, name, otherwise string) {
	if IsExpression(n.Text) || strings.Contains(n.Text, "{%") || strings.Contains(n.Text, "%}") {
		o.p.expression(n, o.language)
		return
	}
	hint := `write {% and %} around an expression`
	if _, err := strconv.ParseFloat(n.Text, 64); err == nil {
		hint = "remove the quotes"
	}
	o.p.errorAt(n, CodeWrongType, hint, "%s must be %s or an expression in {%% %%}, not the text %q", o.of(name), otherwise, n.Text)
}

// value gives a number; one beyond the range of float64 is infinite, and so out of any range.
func value(n *source.Node) float64 {
	v, _ := strconv.ParseFloat(n.Text, 64)
	return v
}

func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// literal gives the value of a number that is written in the definition.
func literal(n *source.Node) (float64, bool) {
	if n == nil || n.Kind != source.Number {
		return 0, false
	}
	return value(n), true
}
