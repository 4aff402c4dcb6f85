package cel

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/tercel-workflows/tercel/statemachine/query"
)

// statesName is the name under which an expression finds what its state is given.
const statesName = "states"

// stateField is a field of states, and where it is there.
type stateField struct {
	name  string
	there func(query.Env) bool
	where string // where it is there, for messages
}

var stateFields = []stateField{
	{name: "input", there: func(query.Env) bool { return true }},
	{
		name: "result", there: func(e query.Env) bool { return e.Result },
		where: "it is there once the state has done its work: in Output and Assign of a Task, Parallel or Map state",
	},
	{
		name: "errorOutput", there: func(e query.Env) bool { return e.ErrorOutput },
		where: "it is there in Output and Assign of a catcher (Catch)",
	},
	{name: "context", there: func(query.Env) bool { return true }},
}

// statesType is the type of states to the type checker.
var statesType = cel.ObjectType("tercel.States")

// provider knows the type of states, besides those of CEL, and in a check with static types those of its fields.
type provider struct{ *types.Registry }

// FindStructType implements types.Provider.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	if name == statesType.TypeName() {
		return types.NewTypeTypeWithParam(statesType), true
	}
	if strings.HasPrefix(name, typedPrefix) {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return nil, false
}

// FindStructFieldNames implements types.Provider.
func (p provider) FindStructFieldNames(string) ([]string, bool) { return nil, false }

// FindStructFieldType implements types.Provider. What is no field is found by checkNames, which says more about it.
func (p provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if name == statesType.TypeName() || strings.HasPrefix(name, typedPrefix) {
		t, ok := typedField(name, field)
		return &types.FieldType{Type: t}, ok
	}
	return nil, false
}

// environment is what all expressions share: the names and types of functions for the checker, and the
// implementations of those that are cel-go's.
type environment struct {
	*cel.Env
	bindings map[string]*functions.Overload // by the name of the function and by that of the overload
	types    types.Provider
}

var theEnvironment = sync.OnceValue(newEnvironment)

func newEnvironment() *environment {
	registry, err := types.NewRegistry()
	if err != nil {
		panic("cel: making the type registry: " + err.Error()) // it has no input that could be wrong
	}
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(registry),
		cel.CustomTypeProvider(provider{registry}),
		cel.StdLib(cel.StdLibSubset(&env.LibrarySubset{ExcludeFunctions: []*env.Function{
			env.NewFunction(operators.Equals), env.NewFunction(operators.NotEquals), env.NewFunction(operators.In),
			env.NewFunction(operators.Conditional),
		}})),
		cel.OptionalTypes(),
		ext.Strings(), ext.Math(), ext.Lists(), ext.Sets(), ext.Regex(), ext.TwoVarComprehensions(),
		ext.Encoders(ext.EncodersVersion(0)), ext.Bindings(ext.BindingsVersion(0)),
		cel.EnableMacroCallTracking(),
		cel.EnableIdentifierEscapeSyntax(),
		cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(maxNesting),
		cel.Variable(statesName, statesType),
	}
	options = append(options, mixedOperators()...)
	options = append(options, declarations()...)
	e, err := cel.NewCustomEnv(options...)
	if err != nil {
		panic("cel: making the environment: " + err.Error())
	}
	all := &environment{Env: e, bindings: map[string]*functions.Overload{}, types: e.CELTypeProvider()}
	for _, f := range e.Functions() {
		overloads, err := f.Bindings()
		if err != nil {
			panic("cel: binding " + f.Name() + ": " + err.Error())
		}
		for _, o := range overloads {
			all.bindings[o.Operator] = o
		}
	}
	return all
}

// Limits of the source of an expression.
const (
	maxSource  = 32_000 // characters
	maxNesting = 200    // brackets in brackets
)

// mixedOperators lets ints and doubles mix, and values of any types be compared for equality: checkTypes finds the
// comparisons that are always false.
func mixedOperators() []cel.EnvOption {
	a, b, c := cel.TypeParamType("A"), cel.TypeParamType("B"), cel.TypeParamType("C")
	two := func(x, y *cel.Type) []*cel.Type { return []*cel.Type{x, y} }
	options := []cel.EnvOption{
		cel.Function(operators.Equals, cel.Overload("equals", two(a, b), cel.BoolType)),
		cel.Function(operators.NotEquals, cel.Overload("not_equals", two(a, b), cel.BoolType)),
		cel.Function(operators.In,
			cel.Overload("in_list", two(a, cel.ListType(b)), cel.BoolType),
			cel.Overload("in_map", two(a, cel.MapType(b, c)), cel.BoolType)),
		cel.Function(operators.Conditional,
			cel.Overload("conditional", []*cel.Type{cel.BoolType, a, b}, cel.DynType)),
		cel.Function(operators.Modulo,
			cel.Overload("modulo_double", two(cel.DoubleType, cel.DoubleType), cel.DoubleType)),
	}
	for _, operator := range []string{
		operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo,
	} {
		options = append(options, cel.Function(operator,
			cel.Overload(operator+"int_double", two(cel.IntType, cel.DoubleType), cel.DoubleType),
			cel.Overload(operator+"double_int", two(cel.DoubleType, cel.IntType), cel.DoubleType)))
	}
	return options
}

// typeNamed gives the value of a name that is that of a type.
func (e *environment) typeNamed(name string) (ref.Val, bool) { return e.types.FindIdent(name) }

// binding gives cel-go's implementation of a function. The checker says which overloads may apply; if it is one alone,
// nothing is left to find out when the expression is evaluated.
func (e *environment) binding(name string, overloads []string) (*functions.Overload, bool) {
	if len(overloads) == 1 {
		if f, ok := e.bindings[overloads[0]]; ok {
			return f, true
		}
	}
	f, ok := e.bindings[name]
	return f, ok
}

// with gives the environment with variables of any type added.
func (e *environment) with(variables map[string]bool) (*cel.Env, error) {
	if len(variables) == 0 {
		return e.Env, nil
	}
	var options []cel.EnvOption
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	return e.Extend(options...)
}
