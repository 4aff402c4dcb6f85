// Package cel is the query language CEL: the Common Expression Language, with the functions that state machines need.
//
// Parsing, type checking and the standard functions are cel-go's. The checked expression is evaluated by this package,
// for what cel-go's interpreter does not offer: numbers that are passed on keep their digits and objects the order of
// their members; ints and doubles mix; work is charged before it is done, so that no expression takes long or much
// memory; an error says which part failed and what it saw; and a condition takes some hundred nanoseconds.
// TestConformance runs the tests of the CEL specification on it, and FuzzAgainstCelGo holds the two evaluators against
// each other.
package cel

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Language is the query language CEL. It implements query.Language.
type Language struct{}

var _ query.Language = (*Language)(nil)

// New gives the language.
func New() *Language { return &Language{} }

// Name gives CEL.
func (*Language) Name() string { return "CEL" }

// Compile implements query.Language.
func (*Language) Compile(text string, env query.Env) (query.Program, []query.Problem) {
	common := theEnvironment()
	parsed, issues := common.Parse(text)
	if issues.Err() != nil {
		return nil, syntaxProblems(text, issues.Errors())
	}
	src := &source{text: text, info: parsed.NativeRep().SourceInfo()}
	variables, problems := checkNames(common, env, src, parsed.NativeRep().Expr())
	scoped, err := common.with(variables)
	if err != nil {
		return nil, append(problems, query.Problem{Message: err.Error()})
	}
	checked, issues := scoped.Check(parsed)
	if issues.Err() != nil {
		problems = append(problems, src.checkProblems(issues.Errors(), common)...)
		return nil, sorted(problems)
	}
	tree := checked.NativeRep()
	problems = append(problems, checkTypes(src, tree, env)...)
	var static *query.Type
	if len(problems) == 0 && isTyped(text, env) {
		problems, static = checkStatic(scoped, src, env, common)
		problems = sorted(problems)
	}
	if slices.ContainsFunc(problems, func(p query.Problem) bool { return !p.Warning }) {
		return nil, sorted(problems)
	}
	p := &program{names: common, info: tree.SourceInfo(), boolean: env.Boolean, static: static}
	b := &builder{prog: p, refs: tree.ReferenceMap(), variables: variables, roots: map[string]int{}}
	if p.root, err = b.build(tree.Expr()); err != nil {
		return nil, []query.Problem{src.problem(err)}
	}
	return p, problems
}

// program is a compiled expression.
type program struct {
	root    node
	roots   []root
	slots   int // variables of macros
	boolean bool
	names   *environment
	info    *ast.SourceInfo
	static  *query.Type // of what it gives, nil if it is not known
}

// Type implements query.Typed.
func (p *program) Type() *query.Type { return p.static }

// Eval implements query.Program.
func (p *program) Eval(s *query.Scope) (out *value.Value, err error) {
	r := p.start(s)
	defer func() {
		switch caught := recover().(type) {
		case nil:
			r.stop()
		case exhausted:
			out, err = nil, &query.Error{Name: EvaluationError, Message: fmt.Sprintf(
				"the expression needs more than %s cost units: it loops too often or makes too large a value", thousands(maxCost))}
		default:
			out, err = nil, &query.Error{Name: EvaluationError, Message: fmt.Sprintf("internal error: %v", caught)}
		}
	}()
	if path, ok := p.root.(*path); ok && !p.boolean {
		v, fault := path.find(r)
		if fault != nil {
			return nil, p.explain(fault.(*types.Err))
		}
		return v, nil
	}
	v := p.root.eval(r)
	if isError(v) {
		return nil, p.explain(v.(*types.Err))
	}
	if _, isBool := v.(types.Bool); p.boolean && !isBool {
		return nil, p.explain(&fault{message: "a condition must give true or false, this one gives " + typed(v)})
	}
	out, err = result(v)
	if err != nil {
		return nil, p.explain(asFault(err))
	}
	return out, nil
}

// asFault keeps what is known of an error of the conversion to JSON.
func asFault(err error) error {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	return err
}
