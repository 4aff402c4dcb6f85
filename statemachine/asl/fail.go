package asl

import "github.com/tercel-workflows/tercel/statemachine/source"

// Fail ends the execution, or its branch, with an error.
type Fail struct {
	Common
	Error, Cause         *source.Node // literal or expression, nil if absent
	ErrorPath, CausePath *source.Node // JSONPath
}

func decodeFail(o object, c Common) State {
	f := &Fail{Common: c}
	f.Error, f.Cause = o.message("Error"), o.message("Cause")
	if !o.evaluated() {
		f.ErrorPath, f.CausePath = o.pathOrIntrinsic("ErrorPath"), o.pathOrIntrinsic("CausePath")
		o.exclusive("Error", "ErrorPath")
		o.exclusive("Cause", "CausePath")
	}
	return f
}

// message gives a field that holds a text, or an expression where the language has them.
func (o object) message(name string) *source.Node {
	n := o.get(name)
	if n != nil && o.p.is(n, o.of(name), source.String) && o.evaluated() {
		o.p.expression(n, o.language)
	}
	return n
}
