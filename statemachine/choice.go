package statemachine

import (
	"strconv"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// choiceState takes the first rule whose condition holds.
type choiceState struct {
	rules    []rule
	fallback string // Default, "" if there is none
}

type rule struct {
	condition template
	next      string
	outcome   outcome
}

func (sc *stateCompiler) choice(node *asl.Choice) behaviour {
	s := &choiceState{fallback: node.Default}
	for i := range node.Choices {
		r := &node.Choices[i]
		condition, way := sc.rule("Choices/"+strconv.Itoa(i)+"/", r)
		s.rules = append(s.rules, rule{condition: condition, next: r.Next, outcome: way})
	}
	return s
}

func (s *choiceState) work(d *decider, f *Frame) {
	scope := d.scope(f)
	for i := range s.rules {
		r := &s.rules[i]
		holds, failed := r.holds(scope)
		if failed != nil {
			d.evaluationFailed(f, failed)
			return
		}
		if holds {
			d.took(f, "Choices/"+strconv.Itoa(i))
			d.succeed(f, r.outcome, r.next)
			return
		}
	}
	if s.fallback == "" {
		d.fail(f, newFailure(ErrorNoChoiceMatched,
			d.place(f)+"No choice rule of the state matched, and it has no Default."))
		return
	}
	d.took(f, "Default")
	d.succeed(f, f.state.outcome, s.fallback)
}

func (r *rule) holds(scope *query.Scope) (bool, *evalFailure) {
	v, failed := r.condition.eval(scope)
	if failed != nil {
		return false, failed
	}
	if v.Kind() != value.Bool {
		if x, ok := r.condition.(*expression); ok {
			return false, x.unexpected("boolean", v)
		}
	}
	return v.Bool(), nil
}
