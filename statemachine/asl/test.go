package asl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// testKinds holds the comparisons of JSONPath rules and the JSON type of what they compare with. All but the Is tests
// and StringMatches have a twin whose name ends in Path, which compares with the value at a path.
var testKinds = func() map[string]source.Kind {
	kinds := map[string]source.Kind{
		"BooleanEquals": source.Bool, "StringMatches": source.String,
		"IsNull": source.Bool, "IsPresent": source.Bool, "IsNumeric": source.Bool, "IsString": source.Bool,
		"IsBoolean": source.Bool, "IsTimestamp": source.Bool,
	}
	for _, relation := range []string{"Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"} {
		kinds["String"+relation] = source.String
		kinds["Numeric"+relation] = source.Number
		kinds["Timestamp"+relation] = source.String
	}
	return kinds
}()

// testFields holds all fields that make up the test of a JSONPath rule.
var testFields = func() []string {
	fields := []string{"Variable", "And", "Or", "Not"}
	for name := range testKinds {
		fields = append(fields, name)
		if hasPathTwin(name) {
			fields = append(fields, name+"Path")
		}
	}
	slices.Sort(fields)
	return fields
}()

func hasPathTwin(name string) bool { return !strings.HasPrefix(name, "Is") && name != "StringMatches" }

func isTestField(name string) bool {
	_, found := slices.BinarySearch(testFields, name)
	return found
}

// test checks the test of a JSONPath rule, which may hold further tests.
func (o object) test(fields []string) {
	var operators []*source.Member
	for _, m := range o.node.Members {
		if isTestField(m.Name) && m.Name != "Variable" {
			operators = append(operators, m)
		}
		o.knownMember(m, fields)
	}
	switch {
	case len(operators) == 0:
		o.p.errorAt(o.node, CodeMissingField, "add a comparison such as StringEquals, or And, Or, Not",
			"%s compares nothing", o.what)
	case len(operators) > 1:
		o.p.errorAtName(operators[1], CodeConflictingFields, "join several comparisons with And",
			"%s has both %s and %s", o.what, operators[0].Name, operators[1].Name)
	}
	for _, m := range operators {
		o.operator(m)
	}
}

func (o object) operator(m *source.Member) {
	variable := o.node.Member("Variable")
	switch m.Name {
	case "And", "Or":
		if o.p.is(m.Value, o.of(m.Name), source.Array) {
			if len(m.Value.Elems) == 0 {
				o.p.errorAt(m.Value, CodeMissingField, "add at least one test", "%s is empty", o.of(m.Name))
			}
			for i, e := range m.Value.Elems {
				o.inner(e, fmt.Sprintf("test %d of %s", i+1, o.of(m.Name)))
			}
		}
	case "Not":
		o.inner(m.Value, "the test of "+o.of(m.Name))
	default:
		if o.must("Variable", `Variable is the path of the value that is compared, for example "$.order.total"`) != nil {
			o.path("Variable")
		}
		o.operand(m)
		return
	}
	if variable != nil {
		o.p.errorAtName(variable, CodeConflictingFields, "the tests inside have their own Variable",
			"%s has both Variable and %s", o.what, m.Name)
	}
}

func (o object) inner(n *source.Node, what string) {
	if t, ok := o.p.object(n, what, o.language); ok {
		t.text("Comment")
		t.test(append([]string{"Comment"}, testFields...))
	}
}

// operand checks what a comparison compares with.
func (o object) operand(m *source.Member) {
	kind, ok := testKinds[m.Name]
	if !ok {
		o.path(m.Name)
		return
	}
	if o.p.is(m.Value, o.of(m.Name), kind) && strings.HasPrefix(m.Name, "Timestamp") {
		o.timestamp(m.Name)
	}
}
