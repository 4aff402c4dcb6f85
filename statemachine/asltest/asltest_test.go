package asltest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/asltest"
)

// TestExamples rehearses the examples. Their cases cover all of them.
func TestExamples(t *testing.T) {
	asltest.RunCovered(t, 100, "../../examples/*/*.test.yaml")
}

type typedError struct{}

func (typedError) Error() string     { return "all gone" }
func (typedError) ErrorType() string { return "Stock.Insufficient" }

func TestRehearse(t *testing.T) {
	m := asltest.Load(t, "../../examples/order-fulfilment/order.asl.yaml")
	type line struct {
		Quantity int `json:"quantity"`
		Price    int `json:"price"`
	}
	order := map[string]any{
		"id": "o", "card": "4242", "lines": []line{{2, 500}}, "shipping": map[string]string{"method": "carrier"},
	}
	type reservation struct{ Lines []line }
	mocks := asltest.Mocks{
		"ChargeCard":    asltest.InTurn(asltest.Fail("Payment.GatewayUnavailable", ""), asltest.Never(), asltest.Return(map[string]any{"payment": 7})),
		"Reserve":       asltest.Func(func(in reservation) (int, error) { return in.Lines[0].Quantity, nil }),
		"Book":          asltest.After(time.Second, asltest.Return(map[string]string{"booking": "b"})),
		"HandToCarrier": asltest.After(time.Hour, asltest.Return("there")),
		"Refund":        asltest.Return(nil), "Release": asltest.Return(nil), "CancelBooking": asltest.Return(nil),
	}
	r := asltest.Rehearse(t, asltest.Script{Machine: m, Input: order, Mocks: mocks})
	var out struct {
		Paid     int
		Delivery string
	}
	r.MustSucceed(t, &out)
	r.MustOutput(t, `{"order": "o", "paid": 1e3, "payment": 7, "booking": "b", "delivery": "there"}`)
	if out.Paid != 1000 || out.Delivery != "there" {
		t.Errorf("got %+v", out)
	}
	if want := time.Hour + 34*time.Second; r.Duration() != want {
		t.Errorf("took %s, want %s", r.Duration(), want)
	}

	mocks["Reserve"] = asltest.Func(func(reservation) (any, error) { return nil, fmt.Errorf("reserving: %w", typedError{}) })
	r = asltest.Rehearse(t, asltest.Script{Machine: m, Input: order, Mocks: mocks})
	r.MustFail(t, "Stock.Insufficient")
	const want = "Price > ChargeCard > ReserveAndBook{Reserve | Book} > Compensate{Refund | Release | CancelBooking} > Undone"
	if r.Path.String() != want {
		t.Errorf("went %s, want %s", r.Path, want)
	}

	mocks["Reserve"] = asltest.Func(func(reservation) (any, error) { return nil, errors.New("broken") })
	r = asltest.Rehearse(t, asltest.Script{Machine: m, Input: order, Mocks: mocks})
	r.MustFail(t, "Function.Failed")
}
