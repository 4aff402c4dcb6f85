package jsonata

import (
	"fmt"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// EvaluationError is the ASL error name of an expression that could not be evaluated.
const EvaluationError = "States.QueryEvaluationError"

// Language is the query language JSONata. It implements query.Language.
type Language struct{}

var _ query.Language = (*Language)(nil)

// New gives the language.
func New() *Language { return &Language{} }

// Name gives JSONata.
func (*Language) Name() string { return "JSONata" }

// Compile implements query.Language. A variable that is not known is no problem: it is undefined.
func (*Language) Compile(src string, env query.Env) (query.Program, []query.Problem) {
	expr, err := Compile(src)
	if err != nil {
		return nil, []query.Problem{problemOf(err)}
	}
	if problems := checkStates(expr.tree, env); len(problems) > 0 {
		return nil, problems
	}
	return &program{expr: expr, options: &defaults}, nil
}

func problemOf(err error) query.Problem {
	e, ok := err.(*Error) //nolint:errorlint // Compile gives this type
	if !ok {
		return query.Problem{Message: err.Error()}
	}
	return query.Problem{Message: e.Error(), Hint: hints[e.Code], Offset: max(0, e.Position)}
}

// hints say how to mend what is wrong with an expression.
var hints = map[string]string{
	"S0101": "close the string with the quote that it starts with",
	"S0105": "close the name with a backtick",
	"S0106": "close the comment with */",
	"S0207": "the operator before the end needs a right side",
	"S0211": "an operand is missing before it: a path, a value, or a $variable",
	"S0212": "write $name := value, within parentheses if more follows: ($name := value; ...)",
	"S0217": "% is what the step before was applied to; it needs steps before it",
}

// statesName is the variable that holds what Step Functions gives an expression.
const statesName = "states"

// checkStates finds fields of $states that are not there where the expression stands.
func checkStates(tree *node, env query.Env) []query.Problem {
	var problems []query.Problem
	bound := map[string]bool{}
	visitAll(tree, func(n *node) {
		if n.kind == kindBind || n.kind == kindLambda {
			bound[n.text] = true
			for _, p := range n.params {
				bound[p] = true
			}
		}
		bound[n.focus], bound[n.index] = true, true
	})
	if bound[statesName] {
		return nil
	}
	visitAll(tree, func(n *node) {
		if n.kind != kindPath || len(n.list) < 2 {
			return
		}
		root, field := n.list[0], n.list[1]
		if root.kind != kindVariable || root.text != statesName || field.kind != kindName {
			return
		}
		if p, bad := checkField(field, env); bad {
			problems = append(problems, p)
		}
	})
	return problems
}

func checkField(field *node, env query.Env) (query.Problem, bool) {
	p := query.Problem{Offset: field.pos}
	switch name := field.text; {
	case name == "result" && !env.Result:
		p.Message = "$states.result is not there in this field"
		p.Hint = "it is there once the state has done its work: in Output and Assign of a Task, Parallel or Map state"
	case name == "errorOutput" && !env.ErrorOutput:
		p.Message = "$states.errorOutput is not there in this field"
		p.Hint = "it is there in Output and Assign of a catcher (Catch)"
	case name == "input" || name == "context" || name == "result" || name == "errorOutput":
		return p, false
	default:
		p.Message = fmt.Sprintf("$states has no field %s", name)
		known := []string{"input", "context"}
		if env.Result {
			known = append(known, "result")
		}
		if env.ErrorOutput {
			known = append(known, "errorOutput")
		}
		p.Hint = "there are $states." + strings.Join(known, ", $states.")
		if near := diag.Closest(name, known); near != "" {
			p.Hint = fmt.Sprintf("did you mean $states.%s?", near)
		}
	}
	return p, true
}

// program is a compiled expression.
type program struct {
	expr    *Expr
	options *Options
}

// Eval implements query.Program.
func (p *program) Eval(s *query.Scope) (result *value.Value, err error) {
	defer func() {
		if caught := recover(); caught != nil {
			result, err = nil, &query.Error{Name: EvaluationError, Message: fmt.Sprintf("internal error: %v", caught)}
		}
	}()
	out, err := p.expr.eval(&run{options: p.options, now: s.Now, random: s.Random, lookup: func(name string) any {
		if name == statesName {
			return &states{scope: s}
		}
		if s.Variable == nil {
			return nil
		}
		if v := s.Variable(name); v != nil {
			return v
		}
		return nil
	}})
	switch {
	case err == nil:
		return out, nil
	case ErrFunction(err):
		return nil, &query.Error{Name: EvaluationError, Message: "unsupported result type: " + err.Error()}
	default:
		return nil, &query.Error{Name: EvaluationError, Message: err.Error()}
	}
}

// states is the object $states. Its context is made only if an expression asks for it.
type states struct {
	scope *query.Scope
}

var stateFields = []string{"input", "result", "errorOutput", "context"}

// field gives a field, nil if it is not there.
func (s *states) field(name string) any {
	var v *value.Value
	switch name {
	case "input":
		v = s.scope.Input
	case "result":
		v = s.scope.Result
	case "errorOutput":
		v = s.scope.ErrorOutput
	case "context":
		if s.scope.Context != nil {
			v = s.scope.Context()
		}
	}
	if v == nil {
		return nil
	}
	return v
}

// whole gives all fields.
func (s *states) whole() *object {
	o := &object{}
	for _, name := range stateFields {
		if v := s.field(name); v != nil {
			o.set(name, v)
		}
	}
	return o
}
