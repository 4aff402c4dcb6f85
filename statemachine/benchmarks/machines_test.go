package benchmarks

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/looplab/fsm"
	"github.com/qmuntal/stateless"
	"go.yaml.in/yaml/v3"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// BenchmarkTransition goes round two states 100 times: with a condition on the input, its events folded and encoded, as an
// execution does. The others call a Go function as a guard, and keep nothing.
func BenchmarkTransition(b *testing.B) {
	const rounds = 100
	b.Run("tercel", func(b *testing.B) {
		m, list := statemachine.Compile("loop.yaml", []byte(`
QueryLanguage: CEL
StartAt: A
States:
  A: {Type: Choice, Choices: [{Condition: '{% states.input.n > 5 %}', Next: End}], Default: B}
  B: {Type: Pass, Next: A}
  End: {Type: Succeed}
`))
		if m == nil {
			b.Fatal(list.Error())
		}
		env := statemachine.Env{Now: time.Now(), Limits: statemachine.Limits{Transitions: rounds}}
		b.ReportAllocs()
		defer processor(b)()
		for b.Loop() {
			run := m.NewRun(statemachine.Info{Input: value.Trusted([]byte(`{"n": 1}`))})
			_, events, err := m.Decide(run, env, statemachine.Start{})
			if err != nil {
				b.Fatal(err)
			}
			_ = event.Encode(events)
		}
		perTransition(b, rounds)
	})
	b.Run("looplab-fsm", func(b *testing.B) {
		n := 1
		f := fsm.NewFSM("a", fsm.Events{
			{Name: "go", Src: []string{"a"}, Dst: "b"}, {Name: "back", Src: []string{"b"}, Dst: "a"},
		}, fsm.Callbacks{"before_go": func(_ context.Context, e *fsm.Event) {
			if n > 5 {
				e.Cancel()
			}
		}})
		b.ReportAllocs()
		defer processor(b)()
		for b.Loop() {
			for range rounds / 2 {
				if err := f.Event(b.Context(), "go"); err != nil {
					b.Fatal(err)
				}
				if err := f.Event(b.Context(), "back"); err != nil {
					b.Fatal(err)
				}
			}
		}
		perTransition(b, rounds)
	})
	b.Run("stateless", func(b *testing.B) {
		n := 1
		m := stateless.NewStateMachine("a")
		m.Configure("a").Permit("go", "b", func(context.Context, ...any) bool { return n < 5 })
		m.Configure("b").Permit("back", "a")
		b.ReportAllocs()
		defer processor(b)()
		for b.Loop() {
			for range rounds / 2 {
				if err := m.Fire("go"); err != nil {
					b.Fatal(err)
				}
				if err := m.Fire("back"); err != nil {
					b.Fatal(err)
				}
			}
		}
		perTransition(b, rounds)
	})
}

func perTransition(b *testing.B, n int) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/transition")
}

// definition makes one of 100 states, each with an expression, a retrier and a catcher.
func definition() []byte {
	text := []byte(`{"QueryLanguage": "CEL", "StartAt": "S0", "States": {`)
	for i := range 99 {
		text = fmt.Appendf(text, `"S%d": {"Type": "Task", "Resource": "function:f%d", "Arguments": {"id": "{%% states.input.id %%}", "n": %d},
 "Output": {"id": "{%% states.input.id %%}", "r": "{%% states.result %%}"}, "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 5}],
 "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "End"}], "Next": "S%d"},`+"\n", i, i, i, i+1)
	}
	return append(text, `"S99": {"Type": "Pass", "Next": "End"}, "End": {"Type": "Succeed"}}}`...)
}

// BenchmarkCompile compiles a definition of 100 states with all its expressions. The others only decode the text.
func BenchmarkCompile(b *testing.B) {
	text := definition()
	for _, file := range []string{"x.json", "x.yaml"} {
		b.Run("tercel-"+file[2:], func(b *testing.B) {
			b.ReportAllocs()
			defer processor(b)()
			for b.Loop() {
				if m, list := statemachine.Compile(file, text); m == nil {
					b.Fatal(list.Error())
				}
			}
		})
	}
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		defer processor(b)()
		for b.Loop() {
			var v any
			if err := json.Unmarshal(text, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("yaml", func(b *testing.B) {
		b.ReportAllocs()
		defer processor(b)()
		for b.Loop() {
			var v any
			if err := yaml.Unmarshal(text, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
