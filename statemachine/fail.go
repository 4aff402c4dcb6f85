package statemachine

import (
	"github.com/tercel-workflows/tercel/statemachine/asl"
)

// failState ends its flow with an error.
type failState struct{ name, cause template }

func (sc *stateCompiler) fail(node *asl.Fail) behaviour {
	return &failState{
		name:  sc.text("Error", node.Error, node.ErrorPath),
		cause: sc.text("Cause", node.Cause, node.CausePath),
	}
}

func (s *failState) work(d *decider, f *Frame) {
	scope := d.scope(f)
	name, failed := evalText(s.name, scope)
	if failed != nil {
		d.evaluationFailed(f, failed)
		return
	}
	cause, failed := evalText(s.cause, scope)
	if failed != nil {
		d.evaluationFailed(f, failed)
		return
	}
	d.fail(f, failure{name: name, cause: cause})
}
