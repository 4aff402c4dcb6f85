package asl

import (
	"fmt"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// Choice takes the first rule that holds.
type Choice struct {
	Common
	Choices []Rule
	Default string // "" if absent
}

// Rule is one rule of a Choice.
type Rule struct {
	Node      *source.Node
	Condition *source.Node // JSONata and CEL: a string expression. JSONPath rules are read from Node by their compiler.
	Next      string
	Assign    *source.Node
	Output    *source.Node
}

func decodeChoice(o object, c Common) State {
	s := &Choice{Common: c}
	n := o.must("Choices", "Choices is an array of rules, of which the first that holds is taken")
	if n != nil && o.p.is(n, o.of("Choices"), source.Array) {
		if len(n.Elems) == 0 {
			o.p.errorAt(n, CodeMissingField, "add a rule, or use a Pass state", "%s is empty", o.of("Choices"))
		}
		for i, e := range n.Elems {
			if r, ok := o.p.object(e, fmt.Sprintf("rule %d of %s", i+1, o.what), o.language); ok {
				s.Choices = append(s.Choices, r.rule(&s.Common))
			}
		}
	}
	s.Default = o.exit(&s.Common, "Default")
	if o.get("Default") == nil {
		o.p.warnAt(s.NamePos, s.Node.Pointer, CodeNoDefault, "add Default with the state to go to when no rule holds",
			"%s has no Default: when no rule holds it fails with States.NoChoiceMatched", o.what)
	}
	return s
}

// rule decodes one rule. Its transition becomes one of the state's.
func (o object) rule(c *Common) Rule {
	r := Rule{Node: o.node}
	o.text("Comment")
	if o.must("Next", "name the state to go to when the rule holds") != nil {
		r.Next = o.exit(c, "Next")
	}
	r.Assign = o.assign()
	if o.evaluated() {
		o.expressionRule(&r)
		return r
	}
	if m := o.node.Member("Condition"); m != nil {
		o.otherLanguage(m, expressions, "Variable with a comparison such as StringEquals")
		return r
	}
	if m := o.node.Member("Output"); m != nil {
		o.otherLanguage(m, expressions, "")
	}
	o.test(append([]string{"Next", "Assign", "Output", "Comment"}, testFields...))
	return r
}

// expressionRule decodes what JSONata and CEL rules have.
func (o object) expressionRule(r *Rule) {
	fields := []string{"Condition", "Next", "Assign", "Output", "Comment"}
	compares := false
	for _, m := range o.node.Members {
		switch {
		case isTestField(m.Name):
			compares = true
			o.otherLanguage(m, jsonPathOnly, "Condition")
		default:
			o.knownMember(m, fields)
		}
	}
	r.Output = o.template("Output")
	example := "{% states.input.total > 100 %}"
	if o.language == JSONata {
		example = "{% $states.input.total > 100 %}"
	}
	if r.Condition = o.get("Condition"); !compares {
		r.Condition = o.must("Condition", fmt.Sprintf("Condition is an expression, for example %q", example))
	}
	n := r.Condition
	if n == nil || !o.p.is(n, o.of("Condition"), source.String) {
		return
	}
	o.p.expression(n, o.language)
	if !strings.Contains(n.Text, "{%") && !strings.Contains(n.Text, "%}") {
		o.p.errorAt(n, CodePartialExpression, fmt.Sprintf("write {%% and %%} around the expression, for example %q", example),
			"%s must be an expression, not the text %q", o.of("Condition"), n.Text)
	}
}
