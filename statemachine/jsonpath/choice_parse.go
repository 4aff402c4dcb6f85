package jsonpath

import (
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// ruleFields are the fields of a rule that are not of its test.
var ruleFields = []string{"Next", "Comment", "Assign", "Output"}

// CompileRule compiles the test of a Choice rule. Its other fields (Next, Assign, Comment) are the caller's business. The
// rule is nil if a finding is more than a warning.
func CompileRule(n *source.Node) (*Rule, []Finding) {
	c := ruleCompiler{}
	test := c.test(n, ruleFields, 0)
	for _, f := range c.findings {
		if !f.Warning {
			return nil, c.findings
		}
	}
	return &Rule{test: test, paths: c.paths}, c.findings
}

type ruleCompiler struct {
	findings []Finding
	paths    []*Path
}

func (c *ruleCompiler) report(f ...Finding) { c.findings = append(c.findings, f...) }

// test compiles a rule, or a test inside of And, Or and Not, which has no other fields than Comment.
func (c *ruleCompiler) test(n *source.Node, others []string, depth int) ruleTest {
	if n.Kind != source.Object {
		c.report(findingAt(n, CodeWrongType, `write {"Variable": "$.order.total", "NumericGreaterThan": 100}`,
			"a test must be an object, not "+n.Kind.String()))
		return nil
	}
	if depth > maxDepth {
		c.report(findingAt(n, CodeTooDeep, "split the rule", "the tests of the rule nest too deep"))
		return nil
	}
	var operators []*source.Member
	for _, m := range n.Members {
		switch {
		case m.Name == "Variable", slices.Contains(others, m.Name):
		case slices.Contains(comparatorNames, m.Name):
			operators = append(operators, m)
		case slices.Contains(ruleFields, m.Name):
			c.report(findingAtName(m, CodeUnknownField, "move it to the rule itself", m.Name+" cannot stand in a test inside of a rule"))
		default:
			c.report(findingAtName(m, CodeUnknownField, didYouMean(m.Name), "there is no comparison '"+m.Name+"'"))
		}
	}
	if len(operators) == 0 {
		c.report(findingAt(n, CodeMissingField, "add a comparison such as StringEquals, or And, Or, Not", "the test compares nothing"))
		return nil
	}
	for _, m := range operators[1:] {
		c.report(findingAtName(m, CodeConflictingFields, "join several comparisons with And",
			"the test has both "+operators[0].Name+" and "+m.Name))
	}
	return c.operator(n, operators[0], depth)
}

func didYouMean(name string) string {
	if near := diag.Closest(name, comparatorNames); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

func (c *ruleCompiler) operator(n *source.Node, m *source.Member, depth int) ruleTest {
	variable := n.Member("Variable")
	switch m.Name {
	case "And", "Or", "Not":
		if variable != nil {
			c.report(findingAtName(variable, CodeConflictingFields, "the tests inside have their own Variable",
				"the test has both Variable and "+m.Name))
		}
		if m.Name == "Not" {
			return &negation{c.test(m.Value, []string{"Comment"}, depth+1)}
		}
		return c.group(m, depth)
	}
	if variable == nil {
		c.report(findingAt(n, CodeMissingField, `Variable is the path of the value that is compared, for example "$.order.total"`,
			"the test has no Variable"))
		return nil
	}
	path := c.path(variable)
	name := m.Name
	cmp, ok := comparators[name]
	if !ok { // its twin
		name = strings.TrimSuffix(name, "Path")
		return &ruleComparison{variable: path, name: name, path: c.path(m), compare: comparators[name].compare}
	}
	if m.Value.Kind != cmp.kind {
		hint := ""
		if cmp.twin && m.Value.Kind == source.String && strings.HasPrefix(m.Value.Text, "$") {
			hint = "to compare with the value at a path, use " + name + "Path"
		}
		c.report(findingAt(m.Value, CodeWrongType, hint, name+" must be a "+cmp.kind.String()+", not "+m.Value.Kind.String()))
		return nil
	}
	return c.comparison(path, name, cmp, m.Value)
}

// comparison compiles a comparison with a constant.
func (c *ruleCompiler) comparison(path *Path, name string, cmp comparator, n *source.Node) ruleTest {
	switch {
	case strings.HasPrefix(name, "Is"):
		return &kindTest{variable: path, name: name, is: cmp.is, expected: n.Bool}
	case name == "StringMatches":
		return &matchTest{variable: path, pattern: n.Text, glob: parseGlob(n.Text)}
	case strings.HasPrefix(name, "Timestamp"):
		if _, ok := ParseTimestamp(n.Text); !ok {
			c.report(findingAt(n, CodeInvalidValue, `write it as "2016-03-14T01:59:00Z"`, name+" must be a timestamp, not '"+n.Text+"'"))
		}
	}
	return &ruleComparison{variable: path, name: name, constant: value.Trusted(n.AppendJSON(nil)), compare: cmp.compare}
}

func (c *ruleCompiler) group(m *source.Member, depth int) ruleTest {
	t := &groupTest{all: m.Name == "And"}
	if m.Value.Kind != source.Array {
		c.report(findingAt(m.Value, CodeWrongType, "write the tests in square brackets", m.Name+" must be an array, not "+m.Value.Kind.String()))
		return t
	}
	if len(m.Value.Elems) == 0 {
		c.report(findingAt(m.Value, CodeMissingField, "add at least one test", m.Name+" is empty"))
	}
	for _, e := range m.Value.Elems {
		t.tests = append(t.tests, c.test(e, []string{"Comment"}, depth+1))
	}
	return t
}

// path compiles a path of a rule; nil if it is none, which is reported.
func (c *ruleCompiler) path(m *source.Member) *Path {
	n := m.Value
	if n.Kind != source.String {
		c.report(findingAt(n, CodeWrongType, `write a path such as "$.order.total"`, m.Name+" must be a path, not "+n.Kind.String()))
		return nil
	}
	p, problems := ParsePath(n.Text)
	c.report(findings(n, CodeInvalidPath, "The value for the field '"+m.Name+"' must be a valid JSONPath: ", problems)...)
	if p != nil {
		c.report(noteFindings(n, []*Path{p})...)
		c.paths = append(c.paths, p)
	}
	return p
}
