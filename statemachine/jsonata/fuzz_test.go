package jsonata

import (
	"errors"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// addTables seeds a fuzz target with the expressions of the tables.
func addTables(f *testing.F) {
	for _, text := range golden.Texts(f, "testdata/*.txt") {
		for _, src := range expressions(text) {
			f.Add(src)
		}
	}
}

// FuzzCompile parses any text. Errors lie within it, and what compiles prints and compiles again to the same.
func FuzzCompile(f *testing.F) {
	addTables(f)
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, src string) {
		defer bound(src)()
		expr, err := Compile(src)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Position < 0 || e.Position > len(src) || e.Code == "" || e.Message == "" {
				t.Errorf("%q: %#v", src, err)
			}
			return
		}
		printed := expr.String()
		again, err := Compile(printed)
		if err != nil {
			var e *Error
			// A regular expression has the same text again, and so the same size.
			if errors.As(err, &e) && e.Code == "S0303" && strings.Contains(e.Message, string(syntax.ErrLarge)) {
				return
			}
			t.Fatalf("%q prints as %q: %v", src, printed, err)
		}
		if second := again.String(); second != printed {
			t.Errorf("%q prints as %q, and that as %q", src, printed, second)
		}
	})
}

const fuzzInput = `{"a": 1, "b": 2.50, "c": "text", "d": [1, "x", null, {"k": true}], "e": {"y": 1, "x": 2}, "f": 1e400,
 "g": "\ud800", "h": 12345678901234567890, "i": true, "j": null, "k": [], "l": [[1, [2]], [3]], "m": "2026-03-04T05:06:07Z"}`

// fuzzLimits let a fuzzer try more expressions.
var fuzzLimits = Limits{Steps: 100_000, Depth: DefaultLimits.Depth, Bytes: 16 << 20}

// FuzzEval evaluates any text as a state machine would. Errors are those of the language, a result is JSON that can be
// read back, and the same scope gives the same result.
func FuzzEval(f *testing.F) {
	addTables(f)
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, src string) {
		defer bound(src)()
		expr, err := Compile(src)
		if err != nil {
			return
		}
		eval := func() (*value.Value, error) {
			return expr.Eval(value.Trusted([]byte(fuzzInput)), testBindings(), Options{Limits: fuzzLimits, Eval: true})
		}
		v, err := eval()
		var e *Error
		switch {
		case ErrFunction(err):
			return
		case err != nil && (!errors.As(err, &e) || e.Code == "" || e.Message == "" && e.Code[0] != 'D'):
			t.Fatalf("%q: %v", src, err)
		case v != nil:
			if _, err := value.Parse(v.JSON()); err != nil {
				t.Errorf("%q gives %s: %v", src, v, err)
			}
		}
		again, err2 := eval()
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() ||
			(v == nil) != (again == nil) || v != nil && v.String() != again.String() {
			t.Errorf("%q gives %v, %v, and then %v, %v", src, v, err, again, err2)
		}
	})
}

// FuzzLanguage compiles and evaluates any text through the interface of the query languages.
func FuzzLanguage(f *testing.F) {
	f.Add("$states.input.a + $x")
	f.Add("$states.inptu")
	f.Add("$states ~> |input|{'a': 5}|")
	addTables(f)
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, src string) {
		defer bound(src)()
		p, problems := New().Compile(src, query.Env{Result: true})
		if (p == nil) != (len(problems) > 0) {
			t.Fatalf("a program: %t, problems: %v", p != nil, problems)
		}
		for _, problem := range problems {
			if problem.Offset < 0 || problem.Offset > len(src) || problem.Message == "" {
				t.Errorf("%q: problem %+v", src, problem)
			}
		}
		if p == nil {
			return
		}
		p.(*program).options = &Options{Limits: fuzzLimits}
		var failed *query.Error
		if _, err := p.Eval(testScope()); err != nil && (!errors.As(err, &failed) || failed.Name != EvaluationError ||
			strings.Contains(failed.Message, "internal error")) {
			t.Fatalf("%q: %v", src, err)
		}
	})
}

// testScope has one of everything.
func testScope() *query.Scope {
	b := testBindings()
	return &query.Scope{
		Input:    value.Trusted([]byte(fuzzInput)),
		Result:   value.Trusted([]byte(`{"ok": [1, 2, 3]}`)),
		Context:  func() *value.Value { return value.Trusted([]byte(`{"Execution": {"Id": "arn:1"}}`)) },
		Variable: b.Lookup,
		Now:      b.Now,
		Random:   b.Random,
	}
}
