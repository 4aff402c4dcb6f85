package rehearsal_test

import (
	"os"
	"testing"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

func compile(t testing.TB, text string) *statemachine.Machine {
	t.Helper()
	m, list := statemachine.Compile("m.asl.yaml", []byte(text))
	if m == nil {
		t.Fatal(list.Error())
	}
	return m
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestOrder(t *testing.T) {
	m := compile(t, string(read(t, "../../examples/order-fulfilment/order.asl.yaml")))
	r := rehearsal.Run(rehearsal.Script{
		Machine: m, Trace: true, Input: value.Trusted(read(t, "../../examples/order-fulfilment/input.json")),
		Answer: func(c *rehearsal.Call) (rehearsal.Answer, error) {
			switch c.State {
			case "ChargeCard":
				if c.Attempt == 0 {
					return rehearsal.Answer{Failed: true, Error: "Payment.GatewayUnavailable"}, nil
				}
				return rehearsal.Answer{Result: value.Trusted([]byte(`{"payment":"p"}`))}, nil
			case "Book":
				return rehearsal.Answer{Result: value.Trusted([]byte(`{"booking":"b"}`))}, nil
			case "HandToCarrier":
				return rehearsal.Answer{Token: &rehearsal.Answer{Delay: 3600e9}}, nil
			}
			return rehearsal.Answer{}, nil
		},
	})
	if r.Problem != nil {
		t.Fatal(r.Problem)
	}
	t.Log(r.Path, r.Output, r.Duration())
	r.Path.Walk(func(v *rehearsal.Visit, depth int) { t.Log(depth, v.State, v.Expressions) })
	cov := rehearsal.NewCoverage(m)
	cov.Add(r)
	t.Log(cov.Percent(), cov.Uncovered())
}
