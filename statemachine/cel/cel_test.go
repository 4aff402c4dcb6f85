package cel

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

func mustCompile(t *testing.T, src string, env query.Env) query.Program {
	t.Helper()
	p, problems := New().Compile(src, env)
	if p == nil {
		t.Fatalf("%s: %v", src, problems)
	}
	return p
}

func TestConcurrentUse(t *testing.T) {
	const src = `{"n": size(items.filter(i, i.price > limit)), "l": states.input.list.map(x, x + 1), "c": [1, {"a": [2]}]}`
	env := query.Env{Variables: []string{"items", "limit"}}
	shared := mustCompile(t, src, env)
	items := value.Trusted([]byte(`[{"price": 1.50}, {"price": 3}]`))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 20 {
				p := shared
				if i%10 == 0 {
					var problems []query.Problem
					if p, problems = New().Compile(src, env); p == nil {
						t.Error(problems)
						return
					}
				}
				scope := &query.Scope{
					Input: value.Trusted(fmt.Appendf(nil, `{"list": [%d]}`, g)),
					Variable: func(name string) *value.Value {
						if name == "items" {
							return items
						}
						return value.FromInt(2)
					},
				}
				want := fmt.Sprintf(`{"n":1,"l":[%d],"c":[1,{"a":[2]}]}`, g+1)
				if got, err := p.Eval(scope); err != nil || got.String() != want {
					t.Errorf("got %v, %v, want %s", got, err, want)
				}
			}
		})
	}
	wg.Wait()
}

// TestContextIsLazy makes sure that the Context Object is built only for the expressions that read it.
func TestContextIsLazy(t *testing.T) {
	built := 0
	scope := &query.Scope{
		Input:   value.Trusted([]byte(`{"a": 1}`)),
		Context: func() *value.Value { built++; return value.Trusted([]byte(`{"State": {"Name": "s"}}`)) },
	}
	for _, test := range []struct {
		src  string
		want int
	}{{"states.input.a + 1", 0}, {"states.context.State.Name + states.context.State.Name", 1}, {"states", 2}} {
		if _, err := mustCompile(t, test.src, query.Env{}).Eval(scope); err != nil {
			t.Fatal(err)
		}
		if built != test.want {
			t.Errorf("%s: built %d times, want %d", test.src, built, test.want)
		}
	}
}

// TestEmptyScope evaluates where nothing at all is there.
func TestEmptyScope(t *testing.T) {
	env := query.Env{Variables: []string{"x"}, Result: true, ErrorOutput: true}
	for _, src := range []string{
		"states.input", "states.result.a", "states.errorOutput.Error", "states.context.State", "x", "x.y", "uuid()", "random()",
	} {
		v, err := mustCompile(t, src, env).Eval(&query.Scope{})
		var failed *query.Error
		if !errors.As(err, &failed) || failed.Name != EvaluationError || strings.Contains(failed.Message, "internal") {
			t.Errorf("%s gives %v, %v", src, v, err)
		}
	}
	if v, err := mustCompile(t, "states", env).Eval(&query.Scope{}); err != nil || v.String() != "{}" {
		t.Errorf("states gives %v, %v", v, err)
	}
}

// TestConditionsAllocateLittle holds the path that every Choice takes.
func TestConditionsAllocateLittle(t *testing.T) {
	p := mustCompile(t, `states.input.total > 100 && states.input.customer.tier == "gold"`, query.Env{Boolean: true})
	input, err := value.Parse([]byte(order))
	if err != nil {
		t.Fatal(err)
	}
	scope := &query.Scope{Input: input}
	if n := testing.AllocsPerRun(1000, func() { _, _ = p.Eval(scope) }); n > 8 {
		t.Errorf("%.0f allocations", n)
	}
}

// TestBigIntegers compares what doubles cannot tell apart.
func TestBigIntegers(t *testing.T) {
	scope := &query.Scope{Input: value.Trusted([]byte(
		`{"a": 12345678901234567890, "b": 12345678901234567891, "s": "12345678901234567890", "l": [12345678901234567890]}`))}
	for src, want := range map[string]string{
		"states.input.a == states.input.a":                           "true",
		"states.input.a == states.input.b":                           "false",
		"states.input.a == states.input.s":                           "false",
		"states.input.a in states.input.l":                           "true",
		"states.input.b in states.input.l":                           "false",
		"[states.input.b] == states.input.l":                         "false",
		"unique([states.input.a, states.input.a]) == states.input.l": "true",
	} {
		if got, err := mustCompile(t, src, query.Env{}).Eval(scope); err != nil || got.String() != want {
			t.Errorf("%s gives %v, %v, want %s", src, got, err, want)
		}
	}
}
