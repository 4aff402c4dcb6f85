package benchmarks

import (
	"testing"

	celgo "cel.dev/cel-go/cel"

	"github.com/tercel-workflows/tercel/statemachine/cel"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// BenchmarkCEL evaluates compiled expressions with Tercel's evaluator and with cel-go's own on decoded values.
func BenchmarkCEL(b *testing.B) {
	for name, src := range map[string]string{
		"path":      `states.input.customer.name`,
		"condition": `states.input.total > 100.0 && states.input.customer.tier == 'gold'`,
		"filter":    `states.input.items.filter(i, i.price > 50.0).map(i, i.sku)`,
		"object":    `{'id': states.input.orderId, 'amount': states.input.total, 'to': states.input.customer.name}`,
		"text":      `'Order ' + states.input.orderId + ' of ' + states.input.customer.name`,
	} {
		b.Run(name+"/tercel", func(b *testing.B) {
			p, problems := cel.New().Compile(src, query.Env{})
			if p == nil {
				b.Fatal(problems)
			}
			input, err := value.Parse([]byte(order))
			if err != nil {
				b.Fatal(err)
			}
			scope := &query.Scope{Input: input}
			b.ReportAllocs()
			defer processor(b)()
			for b.Loop() {
				if _, err := p.Eval(scope); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/cel-go", func(b *testing.B) {
			env, err := celgo.NewEnv(celgo.Variable("states", celgo.DynType), celgo.CrossTypeNumericComparisons(true))
			if err != nil {
				b.Fatal(err)
			}
			checked, issues := env.Compile(src)
			if issues.Err() != nil {
				b.Fatal(issues.Err())
			}
			program, err := env.Program(checked, celgo.EvalOptions(celgo.OptOptimize))
			if err != nil {
				b.Fatal(err)
			}
			vars := map[string]any{"states": map[string]any{"input": decoded(b)}}
			b.ReportAllocs()
			defer processor(b)()
			for b.Loop() {
				if _, _, err := program.Eval(vars); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCompileCEL parses and checks an expression. cel-go's environment is made once.
func BenchmarkCompileCEL(b *testing.B) {
	const src = `states.input.total > 100.0 && states.input.customer.tier == 'gold'`
	b.Run("tercel", func(b *testing.B) {
		defer processor(b)()
		for b.Loop() {
			if p, problems := cel.New().Compile(src, query.Env{}); p == nil {
				b.Fatal(problems)
			}
		}
	})
	b.Run("cel-go", func(b *testing.B) {
		env, err := celgo.NewEnv(celgo.Variable("states", celgo.DynType))
		if err != nil {
			b.Fatal(err)
		}
		defer processor(b)()
		for b.Loop() {
			checked, issues := env.Compile(src)
			if issues.Err() != nil {
				b.Fatal(issues.Err())
			}
			if _, err := env.Program(checked); err != nil {
				b.Fatal(err)
			}
		}
	})
}
