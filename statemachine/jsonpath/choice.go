package jsonpath

import (
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Rule is the compiled test of a Choice rule.
type Rule struct {
	test  ruleTest
	paths []*Path
}

// Eval tells whether the rule holds, with paths that begin with $ applied to root. A comparison of values that are not of
// its type does not hold; a path that leads nowhere is an error, except for IsPresent. The error is a *query.Error.
func (r *Rule) Eval(root *value.Value, scope *query.Scope) (bool, error) {
	return r.test.eval(root, scope)
}

// Paths gives all paths in the rule.
func (r *Rule) Paths() []*Path { return r.paths }

// String prints the test as the Amazon States Language writes it. It compiles again to the same test.
func (r *Rule) String() string { return string(r.test.append(nil)) }

// ruleTest is a test of a rule. The set of tests is sealed.
type ruleTest interface {
	eval(root *value.Value, scope *query.Scope) (bool, error)
	append(b []byte) []byte
}

// groupTest is And or Or.
type groupTest struct {
	all   bool // And
	tests []ruleTest
}

// negation is Not.
type negation struct{ test ruleTest }

// kindTest is one of the tests whose names begin with Is.
type kindTest struct {
	variable *Path
	name     string
	is       func(*value.Value) bool // nil: IsPresent
	expected bool
}

// ruleComparison compares the variable with a constant, or with the value at a path.
type ruleComparison struct {
	variable *Path
	name     string // StringEquals, without Path
	constant *value.Value
	path     *Path // nil: compare with the constant
	compare  func(a, b *value.Value) bool
}

// matchTest is StringMatches.
type matchTest struct {
	variable *Path
	pattern  string
	glob     glob
}

// at gives the value at a path of a rule, which must be there.
func at(p *Path, root *value.Value, scope *query.Scope) (*value.Value, error) {
	v, err := p.Lookup(root, scope)
	if err != nil || v == nil {
		return nil, p.failure(err, func(*Missing) *query.Error {
			return runtimeError("Invalid path '%s': The choice state's condition path references an invalid value.", p.src)
		})
	}
	return v, nil
}

func (t *groupTest) eval(root *value.Value, scope *query.Scope) (bool, error) {
	for _, each := range t.tests {
		holds, err := each.eval(root, scope)
		if err != nil || holds != t.all {
			return holds, err
		}
	}
	return t.all, nil
}

func (t *negation) eval(root *value.Value, scope *query.Scope) (bool, error) {
	holds, err := t.test.eval(root, scope)
	return !holds && err == nil, err
}

func (t *kindTest) eval(root *value.Value, scope *query.Scope) (bool, error) {
	if t.is == nil {
		v, err := t.variable.Lookup(root, scope)
		if failed, ok := err.(*query.Error); ok { //nolint:errorlint // Lookup gives it as it is
			return false, failed
		}
		return (err == nil && v != nil) == t.expected, nil
	}
	v, err := at(t.variable, root, scope)
	if err != nil {
		return false, err
	}
	return t.is(v) == t.expected, nil
}

func (t *ruleComparison) eval(root *value.Value, scope *query.Scope) (bool, error) {
	v, err := at(t.variable, root, scope)
	if err != nil {
		return false, err
	}
	other := t.constant
	if t.path != nil {
		if other, err = at(t.path, root, scope); err != nil {
			return false, err
		}
	}
	return t.compare(v, other), nil
}

func (t *matchTest) eval(root *value.Value, scope *query.Scope) (bool, error) {
	v, err := at(t.variable, root, scope)
	if err != nil {
		return false, err
	}
	return v.Kind() == value.String && t.glob.matches(v.Text()), nil
}

func (t *groupTest) append(b []byte) []byte {
	if t.all {
		b = append(b, `{"And":[`...)
	} else {
		b = append(b, `{"Or":[`...)
	}
	for i, each := range t.tests {
		if i > 0 {
			b = append(b, ',')
		}
		b = each.append(b)
	}
	return append(b, "]}"...)
}

func (t *negation) append(b []byte) []byte {
	return append(t.test.append(append(b, `{"Not":`...)), '}')
}

func (t *kindTest) append(b []byte) []byte {
	return appendComparison(b, t.variable, t.name, value.FromBool(t.expected))
}

func (t *ruleComparison) append(b []byte) []byte {
	if t.path != nil {
		return appendComparison(b, t.variable, t.name+"Path", value.FromString(t.path.String()))
	}
	return appendComparison(b, t.variable, t.name, t.constant)
}

func (t *matchTest) append(b []byte) []byte {
	return appendComparison(b, t.variable, "StringMatches", value.FromString(t.pattern))
}

func appendComparison(b []byte, variable *Path, name string, operand *value.Value) []byte {
	b = value.AppendString(append(b, `{"Variable":`...), variable.String())
	b = append(value.AppendString(append(b, ','), name), ':')
	return append(operand.Append(b), '}')
}
