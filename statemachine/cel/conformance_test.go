package cel

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	celgo "cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	_ "cel.dev/expr/conformance/proto2" // the messages that the tests are made of
	_ "cel.dev/expr/conformance/proto3"
	conformance "cel.dev/expr/conformance/test"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// conformanceFiles are the test files of the CEL specification that are about what state machines have: no messages,
// enums, containers or unknown values.
var conformanceFiles = []string{
	"basic", "bindings_ext", "comparisons", "conversions", "encoders_ext", "fp_math", "integer_math", "lists", "logic",
	"macros", "macros2", "math_ext", "optionals", "parse", "plumbing", "string", "string_ext", "timestamps",
}

// deviations are the conformance tests that state machines answer otherwise, with the reason.
var deviations = map[string]string{
	"comparisons/eq_literal/not_eq_double_nan":         byZero,
	"comparisons/eq_literal/not_eq_int_double_nan":     byZero,
	"comparisons/eq_literal/not_eq_uint_double_nan":    byZero,
	"comparisons/ne_literal/not_ne_double_nan":         byZero,
	"comparisons/ne_literal/not_ne_int_double_nan":     byZero,
	"comparisons/ne_literal/not_ne_uint_double_nan":    byZero,
	"comparisons/ne_literal/ne_double_nan":             byZero,
	"fp_math/fp_math/divide_zero":                      byZero,
	"math_ext/round/nan":                               byZero,
	"math_ext/trunc/nan":                               byZero,
	"math_ext/isNaN/true":                              byZero,
	"math_ext/isNaN/false":                             byZero,
	"math_ext/isInf/true":                              byZero,
	"math_ext/isInf/false":                             byZero,
	"math_ext/isFinite/false_nan":                      byZero,
	"math_ext/isFinite/false_inf":                      byZero,
	"fp_math/fp_math/mod_not_support":                  mixed,
	"math_ext/ceil/dyn_error":                          mixed,
	"math_ext/floor/dyn_error":                         mixed,
	"math_ext/round/dyn_error":                         mixed,
	"math_ext/trunc/dyn_error":                         mixed,
	"macros2/transformMap/empty_filter":                "cel-go's checker gives the keys of an empty map a type of its own",
	"string_ext/value_errors/indexof_out_of_range":     "cel-go's strings library gives -1",
	"string_ext/value_errors/lastindexof_out_of_range": "cel-go's strings library gives -1",
}

const (
	byZero = "a division by zero is an error for doubles too: JSON has neither infinities nor NaN"
	mixed  = "ints and doubles mix: JSON does not tell them apart"
)

// TestConformance runs the tests of the CEL specification.
func TestConformance(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "cel.dev/expr").Output()
	if err != nil {
		t.Skipf("the module cel.dev/expr is not at hand: %v", err)
	}
	ran := 0
	for _, name := range conformanceFiles {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "tests/simple/testdata", name+".textproto"))
		if err != nil {
			t.Fatal(err)
		}
		var file conformance.SimpleTestFile
		if err := prototext.Unmarshal(text, &file); err != nil {
			t.Fatalf("reading %s: %v", name, err)
		}
		for _, section := range file.GetSection() {
			for _, test := range section.GetTest() {
				id := name + "/" + section.GetName() + "/" + test.GetName()
				if foreign(test) {
					continue
				}
				ran++
				t.Run(id, func(t *testing.T) {
					if why := deviations[id]; why != "" {
						t.Skip(why)
					}
					conforms(t, test)
				})
			}
		}
	}
	if ran < 500 {
		t.Errorf("ran %d tests only", ran)
	}
}

// foreign tells whether a test is about what state machines do not have.
func foreign(test *conformance.SimpleTest) bool {
	if test.GetContainer() != "" || test.GetUnknown() != nil || test.GetAnyUnknowns() != nil || test.GetCheckOnly() {
		return true
	}
	if test.GetValue().GetObjectValue() != nil || test.GetValue().GetEnumValue() != nil || test.GetTypedResult() != nil {
		return true
	}
	return slices.ContainsFunc([]string{"TestAllTypes", "google.protobuf", "NestedTestAll"}, func(s string) bool {
		return strings.Contains(test.GetExpr(), s)
	})
}

func conforms(t *testing.T, test *conformance.SimpleTest) {
	registry, err := types.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	bound := map[string]*value.Value{}
	var names []string
	for name, v := range test.GetBindings() {
		val, err := celgo.ProtoAsValue(registry, v.GetValue())
		if err != nil {
			t.Skipf("a binding that is no CEL value: %v", err)
		}
		switch val.(type) {
		case types.Bytes, types.Duration, types.Timestamp, types.Uint:
			t.Skip("a binding of a type that JSON does not have")
		}
		j, err := toJSON(adopt(val))
		if err != nil {
			t.Skipf("a binding that is no JSON: %v", err)
		}
		bound[name] = j
		names = append(names, name)
	}
	got := evaluate(t, test, names, bound)
	if test.GetEvalError() != nil {
		if !types.IsError(got) {
			t.Errorf("%s\ngives %s, want an error: %v", test.GetExpr(), describe(got), test.GetEvalError())
		}
		return
	}
	want := ref.Val(types.True)
	if test.GetValue() != nil {
		if want, err = celgo.ProtoAsValue(registry, test.GetValue()); err != nil {
			t.Fatal(err)
		}
	}
	want = adopt(want)
	if types.IsError(got) || got.Type().TypeName() != want.Type().TypeName() || !same(got, want) {
		t.Errorf("%s\ngives %s %s, want %s %s", test.GetExpr(), got.Type().TypeName(), explained(got), want.Type().TypeName(), describe(want))
	}
}

// same is equal, for which NaN is NaN.
func same(a, b ref.Val) bool { return equal(nil, a, b) || isNaN(a) && isNaN(b) }

func explained(v ref.Val) string {
	if err, ok := v.(*types.Err); ok {
		return err.String()
	}
	return describe(v)
}

// evaluate gives the CEL value of a test's expression. What does not compile is an error.
func evaluate(t *testing.T, test *conformance.SimpleTest, names []string, bound map[string]*value.Value) ref.Val {
	compiled, problems := New().Compile(test.GetExpr(), query.Env{Variables: names})
	if compiled == nil {
		if test.GetDisableCheck() {
			t.Skip("is not meant to type-check")
		}
		return types.NewErr("%s", fmt.Sprint(problems))
	}
	p := compiled.(*program)
	r := p.start(&query.Scope{Variable: func(name string) *value.Value { return bound[name] }})
	return cooked(p.root.eval(r))
}
