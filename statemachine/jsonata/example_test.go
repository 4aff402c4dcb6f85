package jsonata_test

import (
	"fmt"

	"github.com/tercel-workflows/tercel/statemachine/jsonata"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

func Example() {
	expr, err := jsonata.Compile(`{ "customer": name, "total": $sum(lines.(price * quantity)) }`)
	if err != nil {
		fmt.Println(err)
		return
	}
	input, err := value.Parse([]byte(`{"name": "Ada", "lines": [{"price": 2.5, "quantity": 4}, {"price": 1, "quantity": 3}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := expr.Eval(input, jsonata.Bindings{}, jsonata.Options{})
	fmt.Println(result, err)
	// Output: {"customer":"Ada","total":13} <nil>
}

func ExampleError() {
	expr, err := jsonata.Compile(`name + 1`)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = expr.Eval(value.Trusted([]byte(`{"name": "Ada"}`)), jsonata.Bindings{}, jsonata.Options{})
	fmt.Println(err)
	// Output: T2001: the left side of + must be a number, not "Ada"
}
