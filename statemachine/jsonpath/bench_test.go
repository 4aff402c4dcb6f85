package jsonpath

import (
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

var benchInput = value.Trusted([]byte(`{"order": {"id": "o-1", "customer": {"name": "Ada", "vip": true}, "total": 120.5,
	"lines": [` + strings.Repeat(`{"sku": "s-1", "price": 12.05, "quantity": 1},`, 9) + `{"sku": "s-2", "price": 99, "quantity": 2}]}, "status": "paid"}`))

func benchScope() *query.Scope {
	return &query.Scope{Variable: func(string) *value.Value { return benchInput }, Random: func() uint64 { return 1 }}
}

func BenchmarkEval(b *testing.B) {
	for _, src := range []string{
		"$.order.customer.name", "$order.order.id", "$.order.lines[0].sku", "$.order.lines[*].sku", "$.order.lines[?(@.price > 50)].sku", "$..sku",
		"States.Format('Order {} of {}', $.order.id, $.order.customer.name)", "States.MathAdd($.order.lines[9].quantity, 1)",
	} {
		b.Run(src, func(b *testing.B) {
			e, problems := ParseExpression(src)
			if e == nil {
				b.Fatal(problems)
			}
			scope := benchScope()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Eval(benchInput, scope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkChoice(b *testing.B) {
	r, findings := CompileRule(benchNode(b, `{"And": [{"Variable": "$.order.total", "NumericGreaterThan": 100},
		{"Variable": "$.status", "StringEquals": "paid"}, {"Not": {"Variable": "$.order.customer.vip", "BooleanEquals": false}}]}`))
	if r == nil {
		b.Fatal(findings)
	}
	scope := benchScope()
	b.ReportAllocs()
	for b.Loop() {
		if holds, err := r.Eval(benchInput, scope); !holds || err != nil {
			b.Fatal(holds, err)
		}
	}
}

func BenchmarkTemplate(b *testing.B) {
	t, findings := CompileTemplate(benchNode(b, `{"id.$": "$.order.id", "static": {"a": [1, 2, 3]}, "customer": {"name.$": "$.order.customer.name"}}`))
	if t == nil {
		b.Fatal(findings)
	}
	scope := benchScope()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Eval(benchInput, scope); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSet(b *testing.B) {
	r, problems := ParseResultPath("$.order.result")
	if r == nil {
		b.Fatal(problems)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Set(benchInput, value.TrueValue); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, src := range []string{"$.order.customer.name", "$.order.lines[?(@.price > 50 && @.sku != 'x')].sku", "States.Format('{} {}', $.a, States.UUID())"} {
		b.Run(src, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if e, problems := ParseExpression(src); e == nil {
					b.Fatal(problems)
				}
			}
		})
	}
}

func benchNode(b *testing.B, text string) *source.Node {
	b.Helper()
	doc, list := source.Parse("bench.json", []byte(text))
	if list.HasErrors() {
		b.Fatal(list)
	}
	return doc.Root
}
