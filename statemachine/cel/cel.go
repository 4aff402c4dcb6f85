// Package cel is the query language CEL: the Common Expression Language with the functions that state machines need.
package cel

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	celgo "cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Language is the query language CEL.
type Language struct{}

// New gives the language.
func New() *Language { return &Language{} }

// Name gives CEL.
func (*Language) Name() string { return "CEL" }

// Compile implements query.Language.
func (*Language) Compile(src string, env query.Env) (query.Program, []query.Problem) {
	opts := []celgo.EnvOption{
		celgo.CrossTypeNumericComparisons(true), celgo.OptionalTypes(),
		ext.Strings(), ext.Math(), ext.Lists(), ext.Sets(), ext.Encoders(), ext.Bindings(), ext.TwoVarComprehensions(),
		celgo.Variable("states", celgo.MapType(celgo.StringType, celgo.DynType)),
	}
	for _, name := range env.Variables {
		opts = append(opts, celgo.Variable(name, celgo.DynType))
	}
	e, err := celgo.NewEnv(opts...)
	if err != nil {
		return nil, []query.Problem{{Message: err.Error()}}
	}
	ast, issues := e.Compile(src)
	if issues.Err() != nil {
		var problems []query.Problem
		for _, err := range issues.Errors() {
			problems = append(problems, query.Problem{Message: err.Message, Offset: err.Location.Column()})
		}
		return nil, problems
	}
	if out := ast.OutputType(); env.Boolean && !out.IsExactType(celgo.BoolType) && !out.IsExactType(celgo.DynType) {
		return nil, []query.Problem{{Message: fmt.Sprintf("the expression must give true or false, it gives %s", out)}}
	}
	prg, err := e.Program(ast, celgo.CostLimit(2_000_000))
	if err != nil {
		return nil, []query.Problem{{Message: err.Error()}}
	}
	return &program{prg: prg, vars: env.Variables}, nil
}

type program struct {
	prg  celgo.Program
	vars []string
}

func (p *program) Eval(s *query.Scope) (*value.Value, error) {
	states := map[string]any{}
	put := func(name string, v *value.Value) {
		if v != nil {
			states[name] = native(v)
		}
	}
	put("input", s.Input)
	put("result", s.Result)
	put("errorOutput", s.ErrorOutput)
	if s.Context != nil {
		put("context", s.Context())
	}
	vars := map[string]any{"states": states}
	for _, name := range p.vars {
		if v := s.Variable(name); v != nil {
			vars[name] = native(v)
		}
	}
	out, _, err := p.prg.Eval(vars)
	if err != nil {
		return nil, &query.Error{Name: "States.QueryEvaluationError", Message: err.Error()}
	}
	text, err := json.Marshal(plain(out))
	if err != nil {
		return nil, &query.Error{Name: "States.QueryEvaluationError", Message: err.Error()}
	}
	return value.Trusted(text), nil
}

func native(v *value.Value) any {
	switch v.Kind() {
	case value.Number:
		if i, ok := v.Int(); ok && !strings.ContainsAny(v.Text(), ".eE") {
			return i
		}
		f, _ := v.Float()
		return f
	case value.Array:
		l := make([]any, v.Len())
		for i, e := range v.Elems() {
			l[i] = native(e)
		}
		return l
	case value.Object:
		m := make(map[string]any, v.Len())
		for i, k := range v.Keys() {
			m[k] = native(v.At(i))
		}
		return m
	case value.String:
		return v.Text()
	case value.Bool:
		return v.Bool()
	default:
		return nil
	}
}

func plain(v ref.Val) any {
	switch v := v.(type) {
	case types.Null:
		return nil
	case types.Timestamp:
		return v.Format(time.RFC3339Nano)
	case types.Duration:
		return v.ConvertToType(types.StringType).Value()
	case types.Bytes:
		return base64.StdEncoding.EncodeToString(v)
	case traits.Lister:
		l := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			l = append(l, plain(it.Next()))
		}
		return l
	case traits.Mapper:
		m := map[string]any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			k := it.Next()
			m[fmt.Sprint(k.Value())] = plain(v.Get(k))
		}
		return m
	default:
		return v.Value()
	}
}
