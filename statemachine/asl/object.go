package asl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// object decodes one object of the definition: a state, a retrier, a rule. Its methods report what they find wrong and
// give zero values for it, so that decoding goes on and finds all problems.
type object struct {
	p        *parser
	node     *source.Node
	what     string // the object in messages: "the state \"Charge\"", "the retrier"
	language string // the query language its fields are written in
}

// object begins decoding a node; ok is false if it is no object, which is reported.
func (p *parser) object(n *source.Node, what, language string) (o object, ok bool) {
	o = object{p: p, node: n, what: what, language: language}
	return o, p.is(n, what, source.Object)
}

// is checks the JSON type of a node.
func (p *parser) is(n *source.Node, what string, kinds ...source.Kind) bool {
	if slices.Contains(kinds, n.Kind) {
		return true
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = article(k.String())
	}
	p.errorAt(n, CodeWrongType, typeHint(n, kinds), "%s must be %s, not %s", what, strings.Join(names, " or "), article(n.Kind.String()))
	return false
}

// typeHint says how to mend a value that is right but for its quotes.
func typeHint(n *source.Node, kinds []source.Kind) string {
	switch {
	case n.Kind == source.Object || n.Kind == source.Array || n.Kind == source.Null:
	case n.Kind != source.String && slices.Contains(kinds, source.String):
		return "put it in quotes"
	case slices.Contains(kinds, source.Bool) && (n.Text == "true" || n.Text == "false"):
		return "remove the quotes"
	case slices.Contains(kinds, source.Number):
		if _, err := strconv.ParseFloat(n.Text, 64); err == nil {
			return "remove the quotes"
		}
	}
	return ""
}

// article puts a or an before a JSON type.
func article(kind string) string {
	switch kind {
	case "null":
		return kind
	case "array", "object":
		return "an " + kind
	}
	return "a " + kind
}

// get gives the member of that name, nil if it is absent.
func (o object) get(name string) *source.Node { return o.node.Get(name) }

// must gives the member of that name and reports its absence, unless it is there under a misspelt name, which is
// reported as an unknown field.
func (o object) must(name, hint string) *source.Node {
	n := o.get(name)
	if n == nil && o.misspelt(name) == nil {
		o.p.errorAt(o.node, CodeMissingField, hint, "%s has no %s", o.what, name)
	}
	return n
}

// misspelt gives a member whose name is almost the given one and no field of its own.
func (o object) misspelt(name string) *source.Member {
	for _, m := range o.node.Members {
		if _, isField := stateFields[m.Name]; !isField && diag.Closest(m.Name, []string{name}) != "" {
			return m
		}
	}
	return nil
}

// of names a field of the object in messages.
func (o object) of(name string) string { return fmt.Sprintf("%s of %s", name, o.what) }

// text gives a string field as it is written, "" if it is absent.
func (o object) text(name string) string {
	n := o.get(name)
	if n == nil || !o.p.is(n, o.of(name), source.String) {
		return ""
	}
	return n.Text
}

// oneOf gives a string field that has one of a few values, "" if it is absent or has another one.
func (o object) oneOf(name string, values ...string) string {
	text := o.text(name)
	if text == "" && (o.get(name) == nil || o.get(name).Kind != source.String) || slices.Contains(values, text) {
		return text
	}
	o.p.errorAt(o.get(name), CodeInvalidValue, didYouMean(text, values),
		"%s must be %s, not %q", o.of(name), alternatives(values), text)
	return ""
}

// evaluated tells whether strings of the object may be expressions.
func (o object) evaluated() bool { return o.language != JSONPath }

// exclusive reports that more than one of the fields is there.
func (o object) exclusive(names ...string) {
	var first string
	for _, m := range o.node.Members {
		if !slices.Contains(names, m.Name) {
			continue
		}
		if first != "" {
			o.p.errorAtName(m, CodeConflictingFields, "remove one of the two", "%s has both %s and %s", o.what, first, m.Name)
			return
		}
		first = m.Name
	}
}

// known reports the members that are none of the fields an object may have.
func (o object) known(fields ...string) {
	for _, m := range o.node.Members {
		o.knownMember(m, fields)
	}
}

// knownMember reports a member that is none of the fields an object may have.
func (o object) knownMember(m *source.Member, fields []string) {
	if !slices.Contains(fields, m.Name) {
		o.unknown(m, fields)
	}
}

func (o object) unknown(m *source.Member, fields []string) {
	hint := didYouMean(m.Name, fields)
	if hint == "" && len(fields) <= 12 {
		hint = "its fields are " + strings.Join(fields, ", ")
	}
	o.p.errorAtName(m, CodeUnknownField, hint, "%s has no field %q", o.what, m.Name)
}

// errorAt reports an error at a value.
func (p *parser) errorAt(n *source.Node, code, hint, format string, args ...any) {
	if p.full(diag.Error) {
		return
	}
	p.report(p.doc.AtNode(n), diag.Error, code, hint, fmt.Sprintf(format, args...))
}

// errorAtName reports an error at the name of a member.
func (p *parser) errorAtName(m *source.Member, code, hint, format string, args ...any) {
	if p.full(diag.Error) {
		return
	}
	p.report(p.doc.AtName(m), diag.Error, code, hint, fmt.Sprintf(format, args...))
}

// errorAtPlace reports an error at a place.
func (p *parser) errorAtPlace(at source.Pos, pointer, code, hint, format string, args ...any) {
	if p.full(diag.Error) {
		return
	}
	p.report(p.doc.At(at, pointer), diag.Error, code, hint, fmt.Sprintf(format, args...))
}

// warnAt reports a warning at a place.
func (p *parser) warnAt(at source.Pos, pointer, code, hint, format string, args ...any) {
	if p.full(diag.Warning) {
		return
	}
	p.report(p.doc.At(at, pointer), diag.Warning, code, hint, fmt.Sprintf(format, args...))
}

// cut shortens a message that holds a long text of the definition.
func cut(message string) string {
	const most = 400
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most], "") + "..."
}

// full counts a finding that is one too many. It is asked before the finding is made, which takes time that grows with
// the length of the line.
func (p *parser) full(severity diag.Severity) bool {
	if p.found[severity] < maxFindings {
		p.found[severity]++
		return false
	}
	p.dropped[severity]++
	return true
}

func (p *parser) report(d diag.Diagnostic, severity diag.Severity, code, hint, message string) {
	d.Severity, d.Code, d.Hint, d.Message = severity, code, cut(hint), cut(message)
	p.list = append(p.list, d)
}
