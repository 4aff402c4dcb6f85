package cel

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/query"
)

// Static types find mistakes and nothing else. An expression is checked first with all of its JSON dynamic, and is
// evaluated by what came of that; where the types of states.input and its like are known, it is checked a second time
// with them, for the problems alone. So a value that is not of its static type is evaluated as ever.
//
// An object whose properties are known is a struct to cel-go's checker, which then knows its fields, but takes it for no
// map. What the checker finds wrong with using it as one is dropped: it was found right by the first check.

// typedCheck is a check with static types that is going on.
type typedCheck struct {
	id      string
	env     query.Env
	number  *types.Type // what a JSON number is taken for
	numbers bool        // there was one
	objects []*query.Type
	index   map[*query.Type]int
	misses  []miss
}

// miss is a property that an object was asked for in vain.
type miss struct {
	of     *query.Type
	name   string
	tested bool // it was asked whether it is there
}

// typedChecks holds the checks that are going on, by their id: the provider, which all share, finds the types there.
var (
	typedChecks sync.Map
	lastCheck   atomic.Uint64
)

const (
	typedPrefix = "tercel.typed." // of the names of objects with known properties: tercel.typed.CHECK.OBJECT
	checkMark   = "@"             // behind a field of states: the check whose type it has
	variable    = "="             // before the name of a workflow variable that is made a field of states
	testMark    = "\x00"          // before a property that is asked for, and need not be there
	maxTypeDeep = 20              // lists in lists
)

// staticRoot gives the type of a field of states.
func staticRoot(env query.Env, field string) *query.Type {
	switch field {
	case "input":
		return env.InputType
	case "result":
		return env.ResultType
	case "errorOutput":
		return env.ErrorOutputType
	case "context":
		return env.ContextType
	}
	if name, ok := strings.CutPrefix(field, variable); ok {
		return env.VariableTypes[name]
	}
	return nil
}

// isTyped tells whether the expression may refer to something whose type is known.
func isTyped(text string, env query.Env) bool {
	for _, f := range stateFields {
		if staticRoot(env, f.name) != nil && strings.Contains(text, f.name) {
			return true
		}
	}
	for name, t := range env.VariableTypes {
		if t != nil && strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// checkStatic checks an expression, which is right without them, with static types. It gives the problems, and the type
// of the expression, nil if that is not known.
func checkStatic(scoped *cel.Env, src *source, env query.Env, common *environment) ([]query.Problem, *query.Type) {
	c := newTypedCheck(env, types.IntType)
	problems, t := c.run(scoped, src, common)
	if !c.numbers || len(problems) == 0 {
		return problems, t
	}
	// A number may be an int or a double. What is wrong with one of them only is not known to be wrong.
	again, _ := newTypedCheck(env, types.DoubleType).run(scoped, src, common)
	var both []query.Problem
	for _, p := range again {
		if slices.ContainsFunc(problems, func(q query.Problem) bool { return p.Offset == q.Offset && p.Warning == q.Warning }) {
			both = append(both, p)
		}
	}
	return both, nil
}

func newTypedCheck(env query.Env, number *types.Type) *typedCheck {
	return &typedCheck{
		id: strconv.FormatUint(lastCheck.Add(1), 36), env: env, number: number, index: map[*query.Type]int{},
	}
}

func (c *typedCheck) run(scoped *cel.Env, src *source, common *environment) ([]query.Problem, *query.Type) {
	typedChecks.Store(c.id, c)
	defer typedChecks.Delete(c.id)
	parsed, issues := common.Parse(src.text) // anew: the checker and prepare change the tree
	if issues.Err() != nil || !c.prepare(parsed.NativeRep(), common) {
		return nil, nil
	}
	checked, issues := scoped.Check(parsed)
	if issues.Err() != nil {
		return c.problems(issues.Errors(), src, common), nil
	}
	tree := checked.NativeRep()
	return append(checkTypes(src, tree, c.env), c.checkValues(src, tree.Expr())...), c.typeOf(tree, tree.Expr())
}

// prepare marks the fields of states whose types are known, and the properties that are asked for only, makes fields of
// states of the variables whose types are known, and writes a["b"] as a.b. It is false where the name states is not that
// of the states.
func (c *typedCheck) prepare(tree *ast.AST, common *environment) bool {
	factory := ast.NewExprFactory()
	ok := true
	id := ast.MaxID(tree)
	others := otherNames(tree.Expr(), common)
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			name := strings.TrimPrefix(e.AsIdent(), ".")
			if c.env.VariableTypes[name] != nil && !others[name] {
				id++
				e.SetKindCase(factory.NewSelect(e.ID(), factory.NewIdent(id, statesName), variable+name+checkMark+c.id))
			}
		case ast.ComprehensionKind:
			loop := e.AsComprehension()
			ok = ok && loop.IterVar() != statesName && loop.IterVar2() != statesName && loop.AccuVar() != statesName
		case ast.SelectKind:
			sel := e.AsSelect()
			switch {
			case c.marks(sel.Operand(), sel.FieldName()) && !sel.IsTestOnly():
				e.SetKindCase(factory.NewSelect(e.ID(), sel.Operand(), sel.FieldName()+checkMark+c.id))
			case sel.IsTestOnly() && !isStatesName(sel.Operand()):
				e.SetKindCase(factory.NewPresenceTest(e.ID(), sel.Operand(), testMark+sel.FieldName()))
			}
		case ast.CallKind:
			c.prepareCall(factory, e)
		default:
		}
	}))
	return ok
}

// otherNames gives the names that stand for something else than a workflow variable somewhere in an expression: the
// variables of macros, and the namespaces of functions.
func otherNames(root ast.Expr, common *environment) map[string]bool {
	names := map[string]bool{}
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			loop := e.AsComprehension()
			names[loop.IterVar()], names[loop.IterVar2()], names[loop.AccuVar()] = true, true, true
		case ast.CallKind:
			call := e.AsCall()
			if !call.IsMemberFunction() {
				return
			}
			if space := qualified(call.Target()); space != "" && common.HasFunction(space+"."+call.FunctionName()) {
				first, _, _ := strings.Cut(space, ".")
				names[first] = true
			}
		default:
		}
	}))
	return names
}

func (c *typedCheck) prepareCall(factory ast.ExprFactory, e ast.Expr) {
	call := e.AsCall()
	name := call.FunctionName()
	if name != operators.Index && name != operators.OptSelect || call.IsMemberFunction() || len(call.Args()) != 2 ||
		call.Args()[1].Kind() != ast.LiteralKind {
		return
	}
	operand, literal := call.Args()[0], call.Args()[1]
	key, isText := literal.AsLiteral().(types.String)
	switch {
	case !isText:
	case name == operators.Index && !isStatesName(operand):
		e.SetKindCase(factory.NewSelect(e.ID(), operand, string(key)))
	case name == operators.OptSelect && c.marks(operand, string(key)):
		literal.SetKindCase(factory.NewLiteral(literal.ID(), key+checkMark+types.String(c.id)))
	case name == operators.OptSelect && !isStatesName(operand):
		literal.SetKindCase(factory.NewLiteral(literal.ID(), testMark+key))
	}
}

func isStatesName(e ast.Expr) bool {
	return e.Kind() == ast.IdentKind && strings.TrimPrefix(e.AsIdent(), ".") == statesName
}

func (c *typedCheck) marks(operand ast.Expr, field string) bool {
	return isStatesName(operand) && staticRoot(c.env, field) != nil
}

// typedField gives the type of a field of states, or of a property of an object whose properties are known.
func typedField(structure, field string) (*types.Type, bool) {
	if structure == statesType.TypeName() {
		name, id, marked := strings.Cut(field, checkMark)
		check, _ := typedChecks.Load(id)
		if c, ok := check.(*typedCheck); ok && marked {
			return c.cel(staticRoot(c.env, name), 0), true
		}
		return types.DynType, true
	}
	id, number, _ := strings.Cut(strings.TrimPrefix(structure, typedPrefix), ".")
	check, _ := typedChecks.Load(id)
	c, ok := check.(*typedCheck)
	i, err := strconv.Atoi(number)
	if !ok || err != nil || i >= len(c.objects) {
		return types.DynType, true
	}
	return c.property(c.objects[i], field)
}

// property gives the type of a property, and false if there can be none, or if the name is likely misspelt.
func (c *typedCheck) property(of *query.Type, field string) (*types.Type, bool) {
	name, tested := strings.CutPrefix(field, testMark)
	t, possible := of.Property(name)
	_, declared := of.Props[name]
	if !possible || !declared && !tested && of.Extent == query.Open && diag.Closest(name, of.Names()) != "" {
		c.misses = append(c.misses, miss{of: of, name: name, tested: tested})
		return nil, false
	}
	return c.cel(t, 0), true
}

// cel gives the type that the checker knows a static type by.
func (c *typedCheck) cel(t *query.Type, depth int) *types.Type {
	if t == nil || depth > maxTypeDeep {
		return types.DynType
	}
	var scalar *types.Type
	switch t.Kind {
	case query.Null:
		return types.NullType
	case query.Boolean:
		scalar = types.BoolType
	case query.Integer:
		scalar = types.IntType
	case query.Number:
		c.numbers = true
		scalar = c.number
	case query.String:
		scalar = types.StringType
	case query.Array:
		return types.NewListType(c.cel(t.Elem, depth+1))
	case query.Object:
		if len(t.Props) == 0 && t.Extent != query.Closed {
			return types.NewMapType(types.StringType, c.cel(t.Rest, depth+1))
		}
		i, known := c.index[t]
		if !known {
			i = len(c.objects)
			c.index[t] = i
			c.objects = append(c.objects, t)
		}
		return types.NewObjectType(typedPrefix + c.id + "." + strconv.Itoa(i))
	default:
		return types.DynType
	}
	if t.Nullable {
		return types.NewNullableType(scalar)
	}
	return scalar
}

// typeOf gives the static type of an expression that was checked.
func (c *typedCheck) typeOf(tree *ast.AST, e ast.Expr) *query.Type {
	if t := c.staticOf(e); t != nil && t.Kind == query.String {
		return t // with the values that it can have
	}
	if e.Kind() != ast.MapKind {
		return c.back(tree.GetType(e.ID()), 0)
	}
	t := &query.Type{Kind: query.Object, Props: map[string]*query.Type{}, Extent: query.Closed}
	for _, entry := range e.AsMap().Entries() {
		m := entry.AsMapEntry()
		if m.Key().Kind() != ast.LiteralKind || m.IsOptional() {
			return &query.Type{Kind: query.Object, Extent: query.Extensible}
		}
		name, ok := m.Key().AsLiteral().(types.String)
		if !ok {
			return &query.Type{Kind: query.Object, Extent: query.Extensible}
		}
		t.Props[string(name)] = c.typeOf(tree, m.Value())
	}
	t.Required = t.Names()
	return t
}

// back gives the static type that values of a type have as JSON.
func (c *typedCheck) back(t *types.Type, depth int) *query.Type {
	if depth > maxTypeDeep {
		return nil
	}
	kind := map[types.Kind]query.Kind{
		types.BoolKind: query.Boolean, types.IntKind: query.Integer, types.UintKind: query.Integer, types.DoubleKind: query.Number,
		types.StringKind: query.String, types.BytesKind: query.String, types.TimestampKind: query.String,
		types.DurationKind: query.String, types.NullTypeKind: query.Null, types.ListKind: query.Array, types.MapKind: query.Object,
	}[t.Kind()]
	switch {
	case t.Kind() == types.StructKind:
		_, number, _ := strings.Cut(strings.TrimPrefix(t.TypeName(), typedPrefix), ".")
		if i, err := strconv.Atoi(number); err == nil && i < len(c.objects) {
			return c.objects[i].OrNull()
		}
		return nil
	case kind == 0:
		return nil
	case kind == query.Array:
		return query.ListOf(c.back(t.Parameters()[0], depth+1)).OrNull()
	case kind == query.Object:
		return (&query.Type{Kind: kind, Extent: query.Extensible, Rest: c.back(t.Parameters()[1], depth+1)}).OrNull()
	case kind == query.Integer && c.numbers:
		kind = query.Number
	}
	return &query.Type{Kind: kind, Nullable: kind != query.Null && t.IsAssignableType(types.NullType)}
}

var (
	undefinedField = regexp.MustCompile(`(?s)^undefined field '(.*)'$`)
	typedName      = regexp.MustCompile(`tercel\.typed\.[0-9a-z]+\.[0-9]+`)
	nullableName   = regexp.MustCompile(`wrapper\((\w+)\)`)
)

// strict are the operators that no object can be an operand of.
var strict = map[string]bool{
	operators.Add: true, operators.Subtract: true, operators.Multiply: true, operators.Divide: true, operators.Modulo: true,
	operators.Negate: true, operators.Less: true, operators.LessEquals: true, operators.Greater: true,
	operators.GreaterEquals: true, operators.LogicalAnd: true, operators.LogicalOr: true, operators.LogicalNot: true,
}

// problems puts what the checker finds into words, without what is right for maps.
func (c *typedCheck) problems(errs []*cel.Error, src *source, common *environment) []query.Problem {
	var problems []query.Problem
	var others []*cel.Error
	for _, e := range errs {
		m := undefinedField.FindStringSubmatch(e.Message)
		overload := noOverload.FindStringSubmatch(e.Message)
		switch {
		case m != nil:
			at := lineOffset(src.text, e.Location.Line(), e.Location.Column())
			problems = append(problems, c.undefined(strings.TrimPrefix(m[1], testMark), at, src.text))
		case overload != nil && strict[overload[1]], !strings.Contains(e.Message, typedPrefix):
			others = append(others, e)
		}
	}
	return append(problems, src.checkProblems(others, common)...)
}

// undefined is the problem of a property that is not there.
func (c *typedCheck) undefined(name string, at int, text string) query.Problem {
	if i := strings.Index(text[at:], name); i >= 0 {
		at += i
	}
	i := slices.IndexFunc(c.misses, func(m miss) bool { return m.name == name })
	if i < 0 {
		return query.Problem{Message: fmt.Sprintf("there is no property %s here", name), Offset: at}
	}
	of, tested := c.misses[i].of, c.misses[i].tested
	c.misses = slices.Delete(c.misses, i, i+1)
	p := query.Problem{Offset: at, Hint: of.Describe(), Message: fmt.Sprintf("there is no property %s here", name)}
	if near := diag.Closest(name, of.Names()); near != "" {
		p.Hint = fmt.Sprintf("did you mean %s?", near)
	}
	switch {
	case tested:
		p.Warning = true
		p.Message = fmt.Sprintf("the property %s is never there", name)
	case of.Extent != query.Closed:
		p.Warning = true
		p.Message = fmt.Sprintf("the property %s is not declared, and may be misspelt", name)
		p.Hint += " If not, declare it in the schema, or have the schema say additionalProperties: true"
	}
	return p
}
