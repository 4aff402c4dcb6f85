package statemachine

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// chain gives a machine of n states of a kind.
func chain(b *testing.B, n int, state string) *Machine {
	b.Helper()
	text := []byte("QueryLanguage: CEL\nStartAt: S0\nStates:\n")
	for i := range n {
		text = fmt.Appendf(text, "  S%d: {%s, Next: S%d}\n", i, state, i+1)
	}
	text = fmt.Appendf(text, "  S%d: {Type: Succeed}\n", n)
	m, list := Compile("chain.yaml", text)
	if m == nil {
		b.Fatal(list.Error())
	}
	return m
}

// BenchmarkTransition measures one transition of the core: a state left and the next entered.
func BenchmarkTransition(b *testing.B) {
	kinds := map[string]string{
		"Pass":   `Type: Pass`,
		"Output": `Type: Pass, Output: {n: '{% states.input.n + 1 %}'}`,
	}
	for name, state := range kinds {
		b.Run(name, func(b *testing.B) {
			const states = 100
			m := chain(b, states, state)
			env := Env{Now: time.Now()}
			b.ReportAllocs()
			for b.Loop() {
				run := m.NewRun(Info{Input: value.Trusted([]byte(`{"n": 1}`))})
				if _, _, err := m.Decide(run, env, Start{}); err != nil || run.Status() != Succeeded {
					b.Fatal(err, run.Status())
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/states, "ns/transition")
		})
	}
	b.Run("Choice", func(b *testing.B) {
		m, list := Compile("loop.yaml", []byte(`
QueryLanguage: CEL
StartAt: A
States:
  A: {Type: Choice, Choices: [{Condition: '{% states.input.n > 5 %}', Next: B}], Default: A2}
  A2: {Type: Pass, Next: A}
  B: {Type: Succeed}
`))
		if m == nil {
			b.Fatal(list.Error())
		}
		b.ReportAllocs()
		env := Env{Now: time.Now(), Limits: Limits{Transitions: 200}}
		for b.Loop() {
			run := m.NewRun(Info{Input: value.Trusted([]byte(`{"n": 1}`))})
			if _, _, err := m.Decide(run, env, Start{}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200, "ns/transition")
	})
}

// BenchmarkTask measures what a step of a five-step execution costs without storage: a result comes in, the next task
// goes out.
func BenchmarkTask(b *testing.B) {
	m := chain(b, 5, "Type: Task, Resource: 'function:noop'")
	env := Env{Now: time.Now(), Token: func(TaskID) string { return "token" }}
	result := value.Trusted([]byte(`{"ok": true}`))
	b.ReportAllocs()
	for b.Loop() {
		run := m.NewRun(Info{Input: value.Trusted([]byte(`{"n": 1}`))})
		_, events, _ := m.Decide(run, env, Start{})
		_ = event.Encode(events)
		for id := TaskID(1); id <= 5; id++ {
			_, events, _ = m.Decide(run, env, TaskSucceeded{id, result})
			_ = event.Encode(events)
		}
		if run.Status() != Succeeded {
			b.Fatal(run.Status())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/5, "ns/step")
}

// BenchmarkMap measures an inline Map, an item at a time: its cost must not depend on how many there are.
func BenchmarkMap(b *testing.B) {
	m, list := Compile("map.yaml", []byte(`
QueryLanguage: CEL
StartAt: Each
States:
  Each:
    Type: Map
    ItemProcessor: {StartAt: Work, States: {Work: {Type: Task, Resource: 'function:noop', End: true}}}
    End: true
`))
	if m == nil {
		b.Fatal(list.Error())
	}
	for _, items := range []int{100, 10_000} {
		b.Run(strconv.Itoa(items), func(b *testing.B) {
			input := []byte("[0")
			for i := 1; i < items; i++ {
				input = fmt.Appendf(input, ",%d", i)
			}
			input = append(input, ']')
			env := Env{Now: time.Now(), Limits: Limits{Payload: 1 << 30}}
			result := value.Trusted([]byte(`0`))
			for b.Loop() {
				run := m.NewRun(Info{Input: value.Trusted(input)})
				commands, _, _ := m.Decide(run, env, Start{})
				for len(commands) > 0 {
					c := commands[0]
					commands = commands[1:]
					switch c := c.(type) {
					case Invoke:
						more, _, err := m.Decide(run, env, TaskSucceeded{c.Task, result})
						if err != nil {
							b.Fatal(err)
						}
						commands = append(commands, more...)
					case Proceed:
						more, _, _ := m.Decide(run, env, Continue{})
						commands = append(commands, more...)
					}
				}
				if run.Status() != Succeeded {
					b.Fatal(run.Status())
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(items), "ns/item")
		})
	}
}

func BenchmarkRow(b *testing.B) {
	m := chain(b, 5, "Type: Task, Resource: 'function:noop'")
	run := m.NewRun(Info{Input: value.Trusted([]byte(`{"n": 1}`))})
	env := Env{Now: time.Now()}
	_, _, _ = m.Decide(run, env, Start{})
	_, events, _ := m.Decide(run, env, TaskSucceeded{1, value.Trusted([]byte(`{"ok": true}`))})
	row := event.Encode(events)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			event.Encode(events)
		}
		b.ReportMetric(float64(len(row)), "bytes")
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := event.Decode(row); err != nil {
				b.Fatal(err)
			}
		}
	})
}
