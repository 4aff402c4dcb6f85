package cel

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/query"
)

// nameChecker finds the names that an expression takes from its scope, and those that are not there.
type nameChecker struct {
	common   *environment
	env      query.Env
	src      *source
	locals   []string
	free     map[string]bool // the names to declare to the type checker
	problems []query.Problem
}

// checkNames gives the workflow variables that the expression refers to, known or not, and the problems of its names.
func checkNames(common *environment, env query.Env, src *source, e ast.Expr) (map[string]bool, []query.Problem) {
	c := &nameChecker{common: common, env: env, src: src, free: map[string]bool{}}
	c.visit(e)
	return c.free, c.problems
}

func (c *nameChecker) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		c.ident(e)
	case ast.SelectKind:
		sel := e.AsSelect()
		if c.isStates(sel.Operand()) {
			c.field(sel.Operand(), sel.FieldName(), !sel.IsTestOnly())
			return
		}
		if _, isType := c.common.typeNamed(qualified(e)); isType {
			return
		}
		c.visit(sel.Operand())
	case ast.CallKind:
		c.call(e)
	case ast.ListKind:
		for _, elem := range e.AsList().Elements() {
			c.visit(elem)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			c.visit(entry.AsMapEntry().Key())
			c.visit(entry.AsMapEntry().Value())
		}
	case ast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			c.visit(field.AsStructField().Value())
		}
	case ast.ComprehensionKind:
		c.comprehension(e.AsComprehension())
	}
}

func (c *nameChecker) call(e ast.Expr) {
	call := e.AsCall()
	name := call.FunctionName()
	if name == operators.OptSelect && c.isStates(call.Args()[0]) {
		if field, ok := call.Args()[1].AsLiteral().(types.String); ok {
			c.field(call.Args()[0], string(field), false)
			return
		}
	}
	if call.IsMemberFunction() {
		namespace := qualified(call.Target())
		if namespace == "" || !c.common.HasFunction(namespace+"."+name) {
			c.visit(call.Target())
		}
	}
	for _, arg := range call.Args() {
		c.visit(arg)
	}
}

func (c *nameChecker) comprehension(e ast.ComprehensionExpr) {
	c.visit(e.IterRange())
	c.visit(e.AccuInit())
	outer := len(c.locals)
	c.locals = append(c.locals, e.AccuVar(), e.IterVar(), e.IterVar2())
	c.visit(e.LoopCondition())
	c.visit(e.LoopStep())
	c.locals = append(c.locals[:outer], e.AccuVar())
	c.visit(e.Result())
	c.locals = c.locals[:outer]
}

// qualified gives a.b.c for the expression a.b.c, and "" for what is not such a chain.
func qualified(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return strings.TrimPrefix(e.AsIdent(), ".")
	case ast.SelectKind:
		if of := qualified(e.AsSelect().Operand()); of != "" && !e.AsSelect().IsTestOnly() {
			return of + "." + e.AsSelect().FieldName()
		}
	}
	return ""
}

func (c *nameChecker) isLocal(name string) bool { return slices.Contains(c.locals, name) }

func (c *nameChecker) isStates(e ast.Expr) bool {
	return e.Kind() == ast.IdentKind && strings.TrimPrefix(e.AsIdent(), ".") == statesName && !c.isLocal(e.AsIdent())
}

func (c *nameChecker) ident(e ast.Expr) {
	written := e.AsIdent()
	name := strings.TrimPrefix(written, ".")
	if c.isLocal(written) || name == statesName {
		return
	}
	known := slices.Contains(c.env.Variables, name)
	if _, isType := c.common.typeNamed(name); isType && !known {
		return
	}
	if !c.free[name] && !known {
		c.problems = append(c.problems, query.Problem{
			Message: fmt.Sprintf("there is no variable %s here", name),
			Hint:    c.hint(name),
			Offset:  c.src.start(e.ID()),
		})
	}
	c.free[name] = true
}

// hint says what a name that is not there may have been meant to be.
func (c *nameChecker) hint(name string) string {
	for _, f := range stateFields {
		if f.name == name {
			return fmt.Sprintf("write %s.%s", statesName, name)
		}
	}
	known := append([]string{statesName}, c.env.Variables...)
	known = append(known, c.locals...)
	if near := diag.Closest(name, known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if c.common.HasFunction(name) {
		return fmt.Sprintf("%s is a function: write %s(...)", name, name)
	}
	if len(c.env.Variables) == 0 {
		return fmt.Sprintf("no variable is assigned before this state; the state's input is %s.input", statesName)
	}
	return "assigned before this state: " + strings.Join(c.env.Variables, ", ")
}

// field checks the field of states that an expression asks for. Where it is asked whether the field is there, it may
// be one that is not.
func (c *nameChecker) field(states ast.Expr, name string, needed bool) {
	var there []string
	for _, f := range stateFields {
		if f.there(c.env) {
			there = append(there, statesName+"."+f.name)
		}
		if f.name != name {
			continue
		}
		if !f.there(c.env) && needed {
			c.problems = append(c.problems, query.Problem{
				Message: fmt.Sprintf("%s.%s is not there in this field", statesName, name),
				Hint:    f.where,
				Offset:  c.src.field(states),
			})
		}
		return
	}
	hint := "there are " + strings.Join(there, ", ")
	if near := diag.Closest(statesName+"."+name, there); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	c.problems = append(c.problems, query.Problem{
		Message: fmt.Sprintf("%s has no field %s", statesName, name),
		Hint:    hint,
		Offset:  c.src.field(states),
	})
}
