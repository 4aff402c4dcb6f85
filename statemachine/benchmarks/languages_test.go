package benchmarks

import (
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// BenchmarkLanguages measures a Choice and a Pass in each language: an execution of 100 of them, in a circle.
func BenchmarkLanguages(b *testing.B) {
	const states = 100
	for name, definition := range map[string]string{
		"Choice/CEL": `QueryLanguage: CEL
StartAt: A
States:
  A: {Type: Choice, Choices: [{Condition: '{% states.input.total > 1000 && states.input.paid %}', Next: B}], Default: A2}
  A2: {Type: Choice, Choices: [{Condition: '{% states.input.total > 100 && states.input.paid %}', Next: A}]}
  B: {Type: Succeed}`,
		"Choice/JSONata": `QueryLanguage: JSONata
StartAt: A
States:
  A: {Type: Choice, Choices: [{Condition: '{% $states.input.total > 1000 and $states.input.paid %}', Next: B}], Default: A2}
  A2: {Type: Choice, Choices: [{Condition: '{% $states.input.total > 100 and $states.input.paid %}', Next: A}]}
  B: {Type: Succeed}`,
		"Choice/JSONPath": `StartAt: A
States:
  A: {Type: Choice, Choices: [{And: [{Variable: $.total, NumericGreaterThan: 1000}, {Variable: $.paid, BooleanEquals: true}], Next: B}], Default: A2}
  A2: {Type: Choice, Choices: [{And: [{Variable: $.total, NumericGreaterThan: 100}, {Variable: $.paid, BooleanEquals: true}], Next: A}]}
  B: {Type: Succeed}`,
		"Pass/CEL": `QueryLanguage: CEL
StartAt: A
States:
  A: {Type: Pass, Output: {total: '{% states.input.total %}', paid: true}, Next: A2}
  A2: {Type: Choice, Choices: [{Condition: '{% !states.input.paid %}', Next: B}], Default: A}
  B: {Type: Succeed}`,
		"Pass/JSONata": `QueryLanguage: JSONata
StartAt: A
States:
  A: {Type: Pass, Output: {total: '{% $states.input.total %}', paid: true}, Next: A2}
  A2: {Type: Choice, Choices: [{Condition: '{% $not($states.input.paid) %}', Next: B}], Default: A}
  B: {Type: Succeed}`,
		"Pass/JSONPath": `StartAt: A
States:
  A: {Type: Pass, Parameters: {total.$: $.total, paid: true}, Next: A2}
  A2: {Type: Choice, Choices: [{Variable: $.paid, BooleanEquals: false, Next: B}], Default: A}
  B: {Type: Succeed}`,
	} {
		b.Run(name, func(b *testing.B) {
			m, list := statemachine.Compile("loop.yaml", []byte(definition))
			if m == nil {
				b.Fatal(list.Error())
			}
			env := statemachine.Env{Now: time.Now(), Limits: statemachine.Limits{Transitions: states}}
			b.ReportAllocs()
			defer processor(b)()
			for b.Loop() {
				run := m.NewRun(statemachine.Info{Input: value.Trusted([]byte(`{"total": 129.90, "paid": true, "customer": {"name": "Ada"}}`))})
				if _, _, err := m.Decide(run, env, statemachine.Start{}); err != nil || run.Status() != statemachine.Running {
					b.Fatal(err, run.Status())
				}
			}
			perTransition(b, states)
		})
	}
}
