package cel

import (
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// order is an input as state machines see them.
const order = `{"orderId": "o-1742", "total": 129.90, "currency": "EUR", "customer": {"id": 77, "name": "Ada", "tier": "gold"},
 "items": [{"sku": "a", "price": 10.50, "quantity": 3}, {"sku": "b", "price": 98.40, "quantity": 1}]}`

func BenchmarkEval(b *testing.B) {
	for name, src := range map[string]string{
		"path":      `states.input.customer.name`,
		"condition": `states.input.total > 100`,
		"text":      `states.input.customer.tier == "gold"`,
		"both":      `states.input.total > 100 && states.input.customer.tier == "gold"`,
		"variable":  `attempts < 3`,
		"object":    `{"id": states.input.orderId, "amount": states.input.total, "to": states.input.customer.name}`,
		"sum":       `sum(states.input.items.map(i, i.price * i.quantity))`,
		"format":    `"Order %s of %s".format([states.input.orderId, states.input.customer.name])`,
		"function":  `states.input.orderId.startsWith("o-")`,
	} {
		b.Run(name, func(b *testing.B) {
			p, problems := New().Compile(src, query.Env{Variables: []string{"attempts"}})
			if p == nil {
				b.Fatal(problems)
			}
			input, err := value.Parse([]byte(order))
			if err != nil {
				b.Fatal(err)
			}
			attempts := value.FromInt(2)
			scope := &query.Scope{
				Input:    input,
				Variable: func(string) *value.Value { return attempts },
				Now:      time.Unix(0, 0),
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Eval(scope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for name, src := range map[string]string{
		"condition": `states.input.total > 100 && states.input.customer.tier == "gold"`,
		"variable":  `attempts < 3`,
		"map":       `{"total": sum(states.input.items.map(i, i.price * i.quantity)), "n": size(states.input.items)}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p, problems := New().Compile(src, query.Env{Variables: []string{"attempts"}}); p == nil {
					b.Fatal(problems)
				}
			}
		})
	}
}
