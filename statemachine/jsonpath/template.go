package jsonpath

import (
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Template is a compiled payload template: the value of Parameters, ResultSelector, ItemSelector, Assign and the like.
// It is JSON in which the value of a key that ends in .$ is an expression.
type Template struct {
	root  part
	paths []*Path
}

// part is a part of a template. The set of parts is sealed.
type part interface {
	eval(root *value.Value, scope *query.Scope) (*value.Value, error)
}

// constantPart has no expression in it.
type constantPart struct{ value *value.Value }

// expressionPart is the value of a key that ends in .$.
type expressionPart struct {
	key        string
	location   string // for observers: the name of the field and the way in it, such as Parameters/order/id
	expression *Expression
}

type arrayPart []part

type objectPart struct {
	keys   []string // without .$
	values []part
}

// CompileTemplate compiles a payload template. The template is nil if a finding is more than a warning.
func CompileTemplate(n *source.Node) (*Template, []Finding) {
	c := templateCompiler{}
	root := c.part(n, n.Pointer[strings.LastIndexByte(n.Pointer, '/')+1:])
	for _, f := range c.findings {
		if !f.Warning {
			return nil, c.findings
		}
	}
	return &Template{root: root, paths: c.paths}, c.findings
}

// Paths gives all paths in the template.
func (t *Template) Paths() []*Path { return t.paths }

// Constant gives the value of a template without expressions, nil if there are any.
func (t *Template) Constant() *value.Value {
	if c, ok := t.root.(constantPart); ok {
		return c.value
	}
	return nil
}

// Members gives the keys of a template that is an object, without .$, and a template for the value of each; nil if it
// is none, or has no expression in it. Assign is evaluated so, one variable after the other.
func (t *Template) Members() (keys []string, values []*Template) {
	o, ok := t.root.(*objectPart)
	if !ok {
		return nil, nil
	}
	values = make([]*Template, len(o.values))
	for i, v := range o.values {
		values[i] = &Template{root: v, paths: t.paths}
	}
	return o.keys, values
}

// Eval evaluates the template, with paths that begin with $ applied to root, and shows each expression to the scope's
// observer. The error is a *query.Error.
func (t *Template) Eval(root *value.Value, scope *query.Scope) (*value.Value, error) {
	v, err := t.root.eval(root, scope)
	if err != nil {
		return nil, err
	}
	if v.Size() > maxBytes {
		return nil, limitError("bytes in a result", maxBytes)
	}
	if v.Depth() > value.MaxDepth {
		return nil, limitError("levels of nesting in a result", value.MaxDepth)
	}
	return v, nil
}

func (p constantPart) eval(*value.Value, *query.Scope) (*value.Value, error) { return p.value, nil }

func (p *expressionPart) eval(root *value.Value, scope *query.Scope) (*value.Value, error) {
	v, err := p.expression.EvalField(p.key, root, scope)
	if scope != nil && scope.Observe != nil {
		scope.Observe(p.location, p.expression.Source(), v, err)
	}
	return v, err
}

func (p arrayPart) eval(root *value.Value, scope *query.Scope) (*value.Value, error) {
	elems, err := evalParts(p, root, scope)
	if err != nil {
		return nil, err
	}
	return value.FromArray(elems), nil
}

func (p *objectPart) eval(root *value.Value, scope *query.Scope) (*value.Value, error) {
	values, err := evalParts(p.values, root, scope)
	if err != nil {
		return nil, err
	}
	return value.FromObject(p.keys, values), nil
}

func evalParts(parts []part, root *value.Value, scope *query.Scope) ([]*value.Value, error) {
	values := make([]*value.Value, len(parts))
	for i, p := range parts {
		v, err := p.eval(root, scope)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

type templateCompiler struct {
	findings []Finding
	paths    []*Path
}

// part compiles a value at a location.
func (c *templateCompiler) part(n *source.Node, location string) part {
	switch n.Kind {
	case source.Array:
		elems := make(arrayPart, len(n.Elems))
		dynamic := false
		for i, e := range n.Elems {
			elems[i] = c.part(e, location+"/"+strconv.Itoa(i))
			dynamic = dynamic || !isConstant(elems[i])
		}
		if dynamic {
			return elems
		}
	case source.Object:
		o := &objectPart{}
		dynamic := false
		for _, m := range n.Members {
			key, value := c.member(n, m, location)
			o.keys, o.values = append(o.keys, key), append(o.values, value)
			dynamic = dynamic || !isConstant(value) || key != m.Name
		}
		if dynamic {
			return o
		}
	default:
	}
	return constantPart{value.Trusted(n.AppendJSON(nil))}
}

// member compiles one member of an object.
func (c *templateCompiler) member(n *source.Node, m *source.Member, location string) (key string, value part) {
	key, dynamic := strings.CutSuffix(m.Name, ".$")
	location += "/" + key
	if !dynamic {
		return m.Name, c.part(m.Value, location)
	}
	if n.Member(key) != nil {
		c.findings = append(c.findings, findingAtName(m, CodeConflictingFields, "remove one of the two",
			"'"+key+"' and '"+m.Name+"' give the same field"))
	}
	return key, c.dynamic(m, location)
}

// dynamic compiles the value of a key that ends in .$.
func (c *templateCompiler) dynamic(m *source.Member, location string) part {
	none := constantPart{value.NullValue}
	what := "The value for the field '" + m.Name + "' must be a valid JSONPath or a valid intrinsic function call"
	if m.Value.Kind != source.String {
		c.findings = append(c.findings, findingAt(m.Value, CodeWrongType,
			`remove .$ from the key, or write a path such as "$.order.id" or an intrinsic function such as "States.UUID()"`, what))
		return none
	}
	code := CodeInvalidPath
	if strings.HasPrefix(strings.TrimLeft(m.Value.Text, " "), "States") {
		code = CodeInvalidIntrinsic
	}
	e, problems := ParseExpression(m.Value.Text)
	c.findings = append(c.findings, findings(m.Value, code, what+": ", problems)...)
	if e == nil {
		return none
	}
	c.findings = append(c.findings, noteFindings(m.Value, e.Paths())...)
	c.paths = append(c.paths, e.Paths()...)
	return &expressionPart{key: m.Name, location: location, expression: e}
}

func isConstant(p part) bool {
	_, ok := p.(constantPart)
	return ok
}
