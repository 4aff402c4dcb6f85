package jsonpath

import (
	"errors"
	"regexp"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// subject is what a filter looks at.
type subject struct {
	current  *value.Value // @
	document *value.Value // $
	budget   *budget
}

// test is the condition of a filter. The set of tests is sealed.
type test interface {
	holds(*subject) (bool, error)
	append(b []byte) []byte
}

// anyTest holds if one of its tests does (||), allTest if all do (&&).
type (
	anyTest []test
	allTest []test
	notTest struct{ test test }
)

// existsTest holds if the path leads somewhere, or, negated, if it leads nowhere.
type existsTest struct {
	path    *filterPath
	negated bool
}

// compareTest compares two operands.
type compareTest struct {
	left     operand
	operator operator
	right    operand
}

func (t anyTest) holds(s *subject) (bool, error) {
	for _, each := range t {
		if ok, err := each.holds(s); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (t allTest) holds(s *subject) (bool, error) {
	for _, each := range t {
		if ok, err := each.holds(s); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (t notTest) holds(s *subject) (bool, error) {
	ok, err := t.test.holds(s)
	return !ok && err == nil, err
}

func (t existsTest) holds(s *subject) (bool, error) {
	_, found, err := t.path.follow(s, true)
	return found != t.negated, err
}

func (t anyTest) append(b []byte) []byte { return appendTests(b, t, " || ") }
func (t allTest) append(b []byte) []byte { return appendTests(b, t, " && ") }

func appendTests(b []byte, tests []test, between string) []byte {
	for i, t := range tests {
		if i > 0 {
			b = append(b, between...)
		}
		switch t.(type) {
		case anyTest, allTest:
			b = append(t.append(append(b, '(')), ')')
		default:
			b = t.append(b)
		}
	}
	return b
}

func (t notTest) append(b []byte) []byte {
	return append(t.test.append(append(b, "!("...)), ')')
}

func (t existsTest) append(b []byte) []byte {
	if t.negated {
		b = append(b, '!')
	}
	return t.path.append(b)
}

func (t compareTest) append(b []byte) []byte {
	b = append(t.left.append(b), ' ')
	b = append(append(b, t.operator.String()...), ' ')
	return t.right.append(b)
}

// operand is one side of a comparison, or an argument of a function. The set of operands is sealed.
type operand interface {
	// find gives the value; found is false if a path leads nowhere.
	find(*subject) (v *value.Value, found bool, err error)
	append(b []byte) []byte
}

// filterPath is a path inside a filter or a function: from @ or from $.
type filterPath struct {
	current bool
	steps   *steps
}

func (p *filterPath) find(s *subject) (v *value.Value, found bool, err error) {
	return p.follow(s, false)
}

func (p *filterPath) follow(s *subject, strict bool) (v *value.Value, found bool, err error) {
	if err := s.budget.visit(); err != nil {
		return nil, false, err
	}
	base := s.document
	if p.current {
		base = s.current
	}
	if base == nil {
		return nil, false, nil
	}
	v, err = p.steps.evaluate(base, s.document, s.budget, strict)
	if missing := (*Missing)(nil); errors.As(err, &missing) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	// A filter may read the same large value again for each element.
	return v, true, s.budget.visitAll(orNull(v).Size() >> 8)
}

func (p *filterPath) append(b []byte) []byte {
	if p.current {
		b = append(b, '@')
	} else {
		b = append(b, '$')
	}
	return appendSteps(b, p.steps.list)
}

// literal is a constant operand.
type literal struct{ value *value.Value }

func (l literal) find(s *subject) (v *value.Value, found bool, err error) {
	return l.value, true, s.budget.visitAll(l.value.Size() >> 8)
}

func (l literal) append(b []byte) []byte { return l.value.Append(b) }

// pattern is a regular expression between slashes.
type pattern struct {
	source string // between the slashes, as written
	flags  string
	match  *regexp.Regexp
}

func (*pattern) find(*subject) (v *value.Value, found bool, err error) { return nil, false, nil }

func (p *pattern) append(b []byte) []byte {
	b = append(append(b, '/'), p.source...)
	return append(append(b, '/'), p.flags...)
}
