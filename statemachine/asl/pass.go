package asl

import "github.com/tercel-workflows/tercel/statemachine/source"

// Pass hands its input on, or makes an output.
type Pass struct {
	Common
	Result *source.Node // JSONPath only: a literal
}

func decodePass(o object, c Common) State {
	p := &Pass{Common: c}
	if !o.evaluated() {
		p.Result = o.get("Result")
	}
	return p
}
