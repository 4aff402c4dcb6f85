package benchmarks

import (
	"encoding/json"
	"testing"

	paessler "github.com/PaesslerAG/jsonpath"
	"github.com/ohler55/ojg/jp"

	"github.com/tercel-workflows/tercel/statemachine/jsonpath"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// order is an input as state machines see them.
const order = `{"orderId": "o-1742", "total": 129.90, "currency": "EUR", "customer": {"id": 77, "name": "Ada", "tier": "gold"},
 "items": [{"sku": "a", "price": 10.50, "quantity": 3}, {"sku": "b", "price": 98.40, "quantity": 1},
  {"sku": "c", "price": 3, "quantity": 2}, {"sku": "d", "price": 61.5, "quantity": 1}]}`

func decoded(tb testing.TB) any {
	tb.Helper()
	var v any
	if err := json.Unmarshal([]byte(order), &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// BenchmarkPath evaluates compiled paths. Tercel's values have been read before, as the others' have been decoded.
func BenchmarkPath(b *testing.B) {
	for name, src := range map[string]string{
		"member": "$.customer.name", "index": "$.items[1].sku", "all": "$.items[*].sku", "filter": "$.items[?(@.price > 50)].sku", "descend": "$..sku",
	} {
		b.Run(name+"/tercel", func(b *testing.B) {
			p, problems := jsonpath.ParsePath(src)
			if p == nil {
				b.Fatal(problems)
			}
			input, err := value.Parse([]byte(order))
			if err != nil {
				b.Fatal(err)
			}
			scope := &query.Scope{}
			b.ReportAllocs()
			defer processor(b)()
			for b.Loop() {
				if _, err := p.Eval(input, scope); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/ojg", func(b *testing.B) {
			x, err := jp.ParseString(src)
			if err != nil {
				b.Fatal(err)
			}
			input := decoded(b)
			b.ReportAllocs()
			defer processor(b)()
			for b.Loop() {
				if definite := name == "member" || name == "index"; definite && x.First(input) != nil {
					continue
				}
				if got := x.Get(input); len(got) == 0 {
					b.Fatal("nothing")
				}
			}
		})
		b.Run(name+"/paessler", func(b *testing.B) {
			eval, err := paessler.New(src)
			if err != nil {
				b.Skip(err)
			}
			input := decoded(b)
			b.ReportAllocs()
			defer processor(b)()
			for b.Loop() {
				if _, err := eval(b.Context(), input); err != nil {
					b.Skip(err)
				}
			}
		})
	}
}

// BenchmarkReadAndPath begins with the text of the input, as an execution does: the others decode all of it.
func BenchmarkReadAndPath(b *testing.B) {
	const src = "$.customer.name"
	b.Run("tercel", func(b *testing.B) {
		p, _ := jsonpath.ParsePath(src)
		scope := &query.Scope{}
		b.ReportAllocs()
		defer processor(b)()
		for b.Loop() {
			input, err := value.Parse([]byte(order))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := p.Eval(input, scope); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json+ojg", func(b *testing.B) {
		x := jp.MustParseString(src)
		b.ReportAllocs()
		defer processor(b)()
		for b.Loop() {
			if got := x.Get(decoded(b)); len(got) == 0 {
				b.Fatal("nothing")
			}
		}
	})
}
