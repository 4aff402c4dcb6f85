package jsonata

import (
	"testing"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// order is an input as state machines see them.
const order = `{"orderId": "o-1742", "total": 129.90, "currency": "EUR", "customer": {"id": 77, "name": "Ada", "tier": "gold"},
 "items": [{"sku": "a", "price": 10.50, "quantity": 3}, {"sku": "b", "price": 98.40, "quantity": 1}],
 "ten": [{"price": 1.5}, {"price": 2}, {"price": 3}, {"price": 4}, {"price": 5}, {"price": 6}, {"price": 7}, {"price": 8},
 {"price": 9}, {"price": 10}]}`

var benchmarks = map[string]string{
	"path":      `$states.input.customer.name`,
	"condition": `$states.input.total > 100`,
	"both":      `$states.input.total > 100 and $states.input.customer.tier = 'gold'`,
	"variable":  `$attempts < 3`,
	"object":    `{'id': $states.input.orderId, 'amount': $states.input.total, 'to': $states.input.customer.name}`,
	"sum10":     `$sum($states.input.ten.price)`,
	"sumOf":     `$sum($states.input.items.(price * quantity))`,
	"map":       `$map($states.input.items, function($i) { $i.price * $i.quantity })`,
	"filter":    `$states.input.items[price > 50].sku`,
	"text":      `'Order ' & $states.input.orderId & ' of ' & $states.input.customer.name`,
	"function":  `$contains($states.input.orderId, 'o-')`,
	"regex":     `$contains($states.input.orderId, /^o-\d+$/)`,
	"sort":      `$states.input.ten^(>price)[0].price`,
	"date":      `$fromMillis(1521801216617, '[Y0001]-[M01]-[D01]')`,
}

// BenchmarkEval evaluates expressions on an input that has been read before.
func BenchmarkEval(b *testing.B) {
	for name, src := range benchmarks {
		b.Run(name, func(b *testing.B) {
			p, problems := New().Compile(src, query.Env{})
			if p == nil {
				b.Fatal(problems)
			}
			input, err := value.Parse([]byte(order))
			if err != nil {
				b.Fatal(err)
			}
			attempts := value.FromInt(2)
			scope := &query.Scope{Input: input, Variable: func(name string) *value.Value {
				if name == "attempts" {
					return attempts
				}
				return nil
			}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Eval(scope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCompile compiles them.
func BenchmarkCompile(b *testing.B) {
	for name, src := range benchmarks {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compile(src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
