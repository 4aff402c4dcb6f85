package statemachine

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// A strand that waits for a day, beside one that asks and is answered, or not in time, again and again.
const endless = `
QueryLanguage: CEL
StartAt: Both
States:
  Both:
    Type: Parallel
    End: true
    Branches:
      - StartAt: Day
        States: {Day: {Type: Wait, Seconds: 86400, End: true}}
      - StartAt: Ask
        States:
          Ask:
            Type: Task
            Resource: function:ask.waitForTaskToken
            TimeoutSeconds: 864000
            HeartbeatSeconds: 172800
            Catch: [{ErrorEquals: [States.ALL], Next: Again}]
            Next: Again
          Again: {Type: Choice, Choices: [{Condition: '{% states.input == "enough" %}', Next: Enough}], Default: Ask}
          Enough: {Type: Succeed}
`

// What a step costs, what a row and a snapshot hold and what a run keeps in memory is the same after a hundred thousand
// events as after a few.
func TestCostDoesNotGrowWithTheHistory(t *testing.T) {
	m, list := Compile("endless.yaml", []byte(endless))
	if m == nil {
		t.Fatal(list.Error())
	}
	env := Env{Now: time.Now(), Token: func(TaskID) string { return "token" }}
	run := m.NewRun(Info{Input: value.Trusted([]byte(`{}`))})
	if _, _, err := m.Decide(run, env, Start{}); err != nil {
		t.Fatal(err)
	}
	var row []byte
	step := func() {
		task := run.lastTask
		env.Now = env.Now.Add(time.Millisecond)
		for _, sig := range []Signal{TaskHeartbeat{Task: task}, TaskSucceeded{Task: task, Result: value.Trusted([]byte(`1`))}} {
			_, events, err := m.Decide(run, env, sig)
			if err != nil {
				t.Fatal(err)
			}
			row = event.Encode(events)
		}
	}
	type cost struct{ allocs, row, snapshot, timers, settled, tasks, frames int }
	measure := func() cost {
		allocs := testing.AllocsPerRun(200, step)
		return cost{int(allocs), len(row), len(run.Snapshot()), len(run.timers), len(run.settled), len(run.tasks), len(run.frames)}
	}
	early := measure()
	for run.lastEvent < 100_000 {
		step()
	}
	late := measure()
	// Numbers of tasks and events take a byte or two more, and the heap of timers a constant before it is swept.
	if late.allocs > early.allocs+2 || late.row > early.row+8 || late.snapshot > early.snapshot+64 || late.timers > 256 ||
		late.settled > early.settled || late.tasks != early.tasks || late.frames != early.frames {
		t.Errorf("a step costs %+v after a few events, and %+v after a hundred thousand", early, late)
	}
}

// Fields of every length come back as they were written, those around the lengths of lengths too.
func TestRowsOfAnyLength(t *testing.T) {
	for _, n := range []int{0, 1, 100, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 16_379, 16_380, 16_381, 16_382, 16_383, 16_384, 3_000_000} {
		text := `"` + strings.Repeat("x", n) + `"`
		row := event.Encode([]Event{
			{Time: time.UnixMilli(5).UTC(), Data: event.TaskSucceeded{Result: value.Trusted([]byte(text))}},
			{Time: time.UnixMilli(7).UTC(), Frame: 3, Data: event.StateExited{Next: "B"}},
		})
		events, err := event.Decode(row)
		if err != nil || len(events) != 2 {
			t.Fatalf("%d: %d events, %v", n, len(events), err)
		}
		if got := events[0].Data.(event.TaskSucceeded).Result.String(); got != text {
			t.Errorf("%d: %d bytes came back of %d", n, len(got), len(text))
		}
		if exit, ok := events[1].Data.(event.StateExited); !ok || exit.Next != "B" || events[1].Frame != 3 {
			t.Errorf("%d: the event behind is %+v", n, events[1])
		}
	}
}

// Tasks that nobody answered in time are remembered for those who come late, but not without end.
func TestTimeoutsAreNotRememberedWithoutEnd(t *testing.T) {
	m, list := Compile("late.yaml", []byte(`
QueryLanguage: CEL
StartAt: Ask
States:
  Ask:
    Type: Task
    Resource: function:ask.waitForTaskToken
    TimeoutSeconds: 1
    Catch: [{ErrorEquals: [States.ALL], Next: Ask}]
    End: true
`))
	if m == nil {
		t.Fatal(list.Error())
	}
	env := Env{Now: time.Now()}
	run := m.NewRun(Info{Input: value.Trusted([]byte(`{}`))})
	_, _, _ = m.Decide(run, env, Start{})
	for range 5 * maxSettled {
		env.Now = env.Now.Add(2 * time.Second)
		if _, _, err := m.Decide(run, env, Tick{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(run.settled); n < maxSettled || n > 2*maxSettled {
		t.Errorf("%d are remembered, want between %d and %d", n, maxSettled, 2*maxSettled)
	}
	answer := func(task TaskID) error {
		_, _, err := m.Decide(run, env, TaskSucceeded{Task: task, Result: value.Trusted([]byte(`1`))})
		return err
	}
	if err := answer(run.lastTask - 5); !errors.Is(err, ErrTaskTimedOut) {
		t.Errorf("a late answer gives %v, want %v", err, ErrTaskTimedOut)
	}
	if err := answer(5); !errors.Is(err, ErrTaskDoesNotExist) {
		t.Errorf("a very late answer gives %v, want %v", err, ErrTaskDoesNotExist)
	}
}
