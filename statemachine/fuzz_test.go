package statemachine

import (
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// FuzzCompile compiles whatever comes, and runs what compiles: nothing may panic or hang, whatever is wrong with the
// definition must be an error of the list, and whatever runs must fold.
func FuzzCompile(f *testing.F) {
	for _, pattern := range []string{"testdata/scripts/*.txt", "asl/testdata/*.txt"} {
		for _, text := range golden.Texts(f, pattern) {
			definition, _, _ := strings.Cut(text, "\n====\n")
			for section := range strings.SplitSeq(definition, "\n-- ") {
				_, behind, ok := strings.Cut(section, " --\n")
				if !ok {
					behind = section
				}
				f.Add([]byte(behind))
			}
		}
	}
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		defer bound(string(text))()
		m, list := Compile("fuzz", text)
		if (m == nil) != list.HasErrors() {
			t.Fatalf("the machine is nil: %v, but the list has errors: %v", m == nil, list.HasErrors())
		}
		if m != nil {
			runFor(t, m, 20)
		}
	})
}

// runFor answers every task of a run with a constant, and lets time pass, for so many signals.
func runFor(t *testing.T, m *Machine, signals int) {
	t.Helper()
	h := newHarness(t, m)
	h.limits = Limits{Transitions: 20, MapConcurrent: 5, Payload: 10_000, Events: 200}
	h.begin(`{"items": [1, 2], "x": 1}`)
	commands, _, err := h.signal(Start{})
	for i := range signals {
		if err != nil {
			t.Fatal(err)
		}
		if h.run.Status() != Running {
			return
		}
		h.now = h.now.Add(time.Minute)
		var sig Signal = Tick{}
		if len(commands) > 0 {
			switch c := commands[0].(type) {
			case Invoke:
				sig = TaskSucceeded{c.Task, value.FromInt(int64(i))}
			case Proceed:
				sig = Continue{}
			case Cancel:
			}
		}
		commands, _, err = h.signal(sig)
	}
}

// FuzzRestore reads snapshots that nobody made: an error, never a panic.
func FuzzRestore(f *testing.F) {
	m, list := Compile("m.yaml", []byte(`
QueryLanguage: CEL
StartAt: P
States:
  P:
    Type: Parallel
    Branches:
      - {StartAt: T, States: {T: {Type: Task, Resource: 'function:f', End: true}}}
      - {StartAt: M, States: {M: {Type: Map, End: true, ItemProcessor: {StartAt: W, States: {W: {Type: Wait, Seconds: 5, End: true}}}}}}
    Assign: {x: 1}
    End: true
`))
	if m == nil {
		f.Fatal(list.Error())
	}
	info := Info{Input: value.Trusted([]byte(`[1,2]`))}
	run := m.NewRun(info)
	_, events, err := m.Decide(run, Env{Now: time.UnixMilli(1)}, Start{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(run.Snapshot(), event.Encode(events))
	f.Fuzz(func(_ *testing.T, snapshot, row []byte) {
		restored, err := m.Restore(info, snapshot)
		if err != nil {
			restored = m.NewRun(info)
		}
		events, err := event.Decode(row)
		if err != nil {
			return
		}
		for _, ev := range events {
			if restored.Apply(ev) != nil {
				return
			}
		}
	})
}
