package cel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/query"
)

// staticOf gives the static type of a path that begins at a field of states or at a variable whose type is known, with
// what the checker's types cannot say; nil for another expression.
func (c *typedCheck) staticOf(e ast.Expr) *query.Type {
	switch {
	case e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly():
		sel := e.AsSelect()
		if isStatesName(sel.Operand()) {
			name, id, marked := strings.Cut(sel.FieldName(), checkMark)
			if !marked || id != c.id {
				return nil
			}
			return staticRoot(c.env, name)
		}
		t, _ := c.staticOf(sel.Operand()).Property(sel.FieldName())
		return t
	case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index && len(e.AsCall().Args()) == 2:
		if t := c.staticOf(e.AsCall().Args()[0]); t != nil && t.Kind == query.Array {
			return t.Elem
		}
	}
	return nil
}

// checkValues finds comparisons with a text that a schema does not have among the values of its enum.
func (c *typedCheck) checkValues(src *source, root ast.Expr) []query.Problem {
	var problems []query.Problem
	compare := func(e, literal ast.Expr) {
		text, isText := constantText(literal)
		t := c.staticOf(e)
		if !isText || t == nil || t.Kind != query.String || t.Values == nil || slices.Contains(t.Values, text) {
			return
		}
		p := query.Problem{
			Message: fmt.Sprintf("%q is none of the values that this can have", text), Hint: oneOf(t.Values),
			Offset: src.start(literal.ID()), Warning: true,
		}
		if near := diag.Closest(text, t.Values); near != "" {
			p.Hint = fmt.Sprintf("did you mean %q?", near)
		}
		problems = append(problems, p)
	}
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		a, b := e.AsCall().Args()[0], e.AsCall().Args()[1]
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			compare(a, b)
			compare(b, a)
		case operators.In:
			if b.Kind() == ast.ListKind {
				for _, elem := range b.AsList().Elements() {
					compare(a, elem)
				}
			}
		}
	}))
	return problems
}

func constantText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}

func oneOf(values []string) string {
	const shown = 12
	quoted := make([]string, 0, shown)
	for _, v := range values[:min(len(values), shown)] {
		quoted = append(quoted, strconv.Quote(v))
	}
	more := ""
	if len(values) > shown {
		more = " and more"
	}
	return "they are " + strings.Join(quoted, ", ") + more
}
