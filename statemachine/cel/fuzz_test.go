package cel

import (
	"errors"
	"strings"
	"testing"
	"time"

	celgo "cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// addTables seeds a fuzz target with the expressions of the tables.
func addTables(f *testing.F) {
	for _, text := range golden.Texts(f, "testdata/*.txt") {
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, marksValue) {
				f.Add(line)
			}
		}
	}
}

var fuzzEnv = query.Env{Variables: []string{"x", "cart"}, Result: true}

// fuzzScope has one of everything.
func fuzzScope() *query.Scope {
	drawn := uint64(0)
	parse := func(s string) *value.Value { return value.Trusted([]byte(s)) }
	return &query.Scope{
		Input: parse(`{"a": 1, "b": 2.50, "c": "text", "d": [1, "x", null, {"k": true}], "e": {"y": 1, "x": 2}, "f": 1e400,
			"g": "\ud800", "h": 12345678901234567890, "i": true, "j": null, "k": []}`),
		Result:  parse(`{"ok": [1, 2, 3]}`),
		Context: func() *value.Value { return parse(`{"Execution": {"Id": "arn"}}`) },
		Variable: func(name string) *value.Value {
			return map[string]*value.Value{"x": value.FromInt(7)}[name]
		},
		Now:    time.Unix(1772600767, 0),
		Random: func() uint64 { drawn++; return mix(drawn) },
	}
}

// FuzzEval compiles any text and evaluates it. Problems lie within the text, errors are those of the language, and a
// result is JSON that can be read back.
func FuzzEval(f *testing.F) {
	addTables(f)
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, src string) {
		defer bound(src)()
		p, problems := New().Compile(src, fuzzEnv)
		if (p == nil) != (len(problems) > 0) {
			t.Fatalf("a program: %t, problems: %v", p != nil, problems)
		}
		for _, problem := range problems {
			if problem.Offset < 0 || problem.Offset > len(src) || problem.Message == "" {
				t.Errorf("problem %+v", problem)
			}
		}
		if p == nil {
			return
		}
		v, err := p.Eval(fuzzScope())
		var failed *query.Error
		if err != nil && (!errors.As(err, &failed) || failed.Name != EvaluationError || strings.Contains(failed.Message, "internal")) {
			t.Fatalf("%q: %v", src, err)
		}
		if err != nil {
			return
		}
		if _, err := value.Parse(v.JSON()); err != nil {
			t.Errorf("%q gives %s: %v", src, v, err)
		}
		again, err := p.Eval(fuzzScope())
		if err != nil || again.String() != v.String() {
			t.Errorf("%q gives %s, and then %s, %v", src, v, again, err)
		}
		checkPrinted(t, src, v)
	})
}

// checkPrinted checks that what an expression prints as gives the same, and prints as the same.
func checkPrinted(t *testing.T, src string, want *value.Value) {
	t.Helper()
	parsed, issues := theEnvironment().Parse(src)
	if issues.Err() != nil {
		t.Fatalf("%q: %v", src, issues.Err())
	}
	printed, err := celgo.AstToString(parsed)
	if err != nil {
		t.Fatalf("printing %q: %v", src, err)
	}
	if len(printed) > maxSource {
		return
	}
	q, problems := New().Compile(printed, fuzzEnv)
	if q == nil {
		t.Fatalf("%q prints as %q: %v", src, printed, problems)
	}
	if got, err := q.Eval(fuzzScope()); err != nil || got.String() != want.String() {
		t.Errorf("%q gives %s, but printed as %q it gives %v, %v", src, want, printed, got, err)
	}
	if again, _ := theEnvironment().Parse(printed); again != nil {
		if second, err := celgo.AstToString(again); err != nil || second != printed {
			t.Errorf("%q prints as %q, and that as %q, %v", src, printed, second, err)
		}
	}
}

// FuzzAgainstCelGo evaluates expressions with this package and with cel-go's own interpreter. Where both have a value,
// it is the same.
func FuzzAgainstCelGo(f *testing.F) {
	addTables(f)
	theirs, err := celgo.NewEnv(
		celgo.CrossTypeNumericComparisons(true), celgo.OptionalTypes(), celgo.EnableIdentifierEscapeSyntax(),
		celgo.DefaultUTCTimeZone(true), celgo.ParserExpressionSizeLimit(500),
		ext.Strings(), ext.Math(), ext.Lists(), ext.Sets(), ext.Regex(), ext.TwoVarComprehensions(),
		ext.Encoders(ext.EncodersVersion(0)), ext.Bindings(ext.BindingsVersion(0)),
		celgo.Variable("states", celgo.MapType(celgo.StringType, celgo.DynType)), celgo.Variable("x", celgo.DynType),
	)
	if err != nil {
		f.Fatal(err)
	}
	states := map[string]any{
		"input": map[string]any{
			"a": 1, "b": 2.5, "c": "text", "d": []any{1, "x", nil, map[string]any{"k": true}}, "i": true, "j": nil,
			"e": map[string]any{"y": 1, "x": 2}, "k": []any{},
		},
		"result": map[string]any{"ok": []any{1, 2, 3}},
	}
	vars := map[string]any{"states": states, "x": 7}
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, src string) {
		defer bound(src)()
		want, ok := evalTheirs(theirs, src, vars)
		if !ok {
			return
		}
		got, ok := evalOurs(src)
		if !ok || types.IsError(want) || types.IsError(got) {
			return
		}
		// cel-go goes through maps in random order, this package in theirs: one of its results must be ours.
		for range 50 {
			if same(got, adopt(want)) {
				return
			}
			want, _ = evalTheirs(theirs, src, vars)
		}
		t.Errorf("%q gives %s here and %s with cel-go", src, describe(got), describe(adopt(want)))
	})
}

func evalTheirs(env *celgo.Env, src string, vars map[string]any) (ref.Val, bool) {
	for _, differs := range []string{"context", "cart", "format", "type", "states)"} {
		if strings.Contains(src, differs) {
			return nil, false
		}
	}
	checked, issues := env.Compile(src)
	if issues.Err() != nil {
		return nil, false
	}
	program, err := env.Program(checked, celgo.CostLimit(100_000))
	if err != nil {
		return nil, false
	}
	v, _, err := program.Eval(vars)
	return v, err == nil
}

func evalOurs(src string) (v ref.Val, ok bool) {
	compiled, _ := New().Compile(src, fuzzEnv)
	if compiled == nil {
		return nil, false
	}
	p := compiled.(*program)
	scope := fuzzScope()
	scope.Context = func() *value.Value { return nil }
	scope.Input = value.Trusted([]byte(
		`{"a": 1, "b": 2.5, "c": "text", "d": [1, "x", null, {"k": true}], "i": true, "j": null, "e": {"y": 1, "x": 2}, "k": []}`))
	r := p.start(scope)
	defer func() {
		if _, is := recover().(exhausted); is {
			v, ok = nil, false
		}
	}()
	return cooked(p.root.eval(r)), true
}
