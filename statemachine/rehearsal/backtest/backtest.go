// Package backtest asks of a definition what it would have done in executions that are over: it rehearses each with its
// recorded input, from its recorded start on, and answers its tasks as they were answered then, attempt by attempt and
// iteration by iteration. Waits pass in virtual time.
//
// What a definition draws (uuid(), random()) and reads off the clock is another in each execution, and no difference: what
// comes out otherwise in a second rehearsal, with another seed and a later start, is left out of the comparison.
package backtest

import (
	"errors"
	"fmt"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/history"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
)

// DefaultTolerance is by how much times may differ unless told otherwise. An engine takes time for what a rehearsal does
// in none.
const DefaultTolerance = time.Second

// Mock answers calls, see rehearsal.Script.
type Mock func(*rehearsal.Call) (rehearsal.Answer, error)

// Test is a definition that is held against records. It is safe for concurrent use.
type Test struct {
	Machine   *statemachine.Machine
	Tolerance time.Duration // 0 for DefaultTolerance; one twentieth of the recorded time is added to it
	// Over, if it is set, answers calls in place of the record, which it may ask.
	Over func(recorded Mock) Mock
}

// Verdict is what became of a record.
type Verdict string

// The verdicts.
const (
	Same        Verdict = "same"
	Differs     Verdict = "differs"
	NotReplayed Verdict = "not replayed"
)

// Outcome tells what the definition does with a record.
type Outcome struct {
	Record      *Record
	Replayed    *Record // as far as it got
	Verdict     Verdict
	Reason      string       // why it was not replayed
	Differences []Difference // the first of each kind
	First       *Divergence  // where the two part, nil if nothing between start and end tells
}

// Kind is what differs.
type Kind string

// The kinds of differences, in the order in which they are told.
const (
	Input  Kind = "input" // the definition refuses the input
	Status Kind = "status"
	Error  Kind = "error"
	Output Kind = "output"
	Steps  Kind = "path"
	Calls  Kind = "calls" // a task's resource, arguments or number of attempts
	Timing Kind = "timing"
)

// Difference is a way in which the two differ.
type Difference struct {
	Kind Kind   `json:"kind"`
	Text string `json:"text"` // of the new definition first, then of the record
}

// Divergence is where a replay first differs from its record.
type Divergence struct {
	State string `json:"state"` // with its iterations, such as Batch[2]
	Text  string `json:"text"`
}

// Run replays a record.
func (t *Test) Run(r *Record) *Outcome {
	o := &Outcome{Record: r, Verdict: Same}
	if problems := t.Machine.CheckInput(r.Info.Input); len(problems) > 0 {
		o.Verdict = Differs
		o.Differences = []Difference{{Input, "the input is refused: " + problems.Error()}}
		return o
	}
	now, err := t.replay(r, 1, r.Started)
	o.Replayed = now
	if err != nil {
		o.Verdict, o.Reason = NotReplayed, err.Error()
		if now != nil && r.Known {
			// What it did before is known.
			partial := &comparison{tolerance: t.tolerance(r), recorded: r, replayed: now}
			partial.steps(r.Path, now.Path, nil, true, "")
			o.First = partial.first
		}
		return o
	}
	c := &comparison{tolerance: t.tolerance(r), recorded: r, replayed: now}
	c.compare()
	if len(c.differences) > 0 {
		// Once more, to know what comes of the clock or of chance.
		if again, err := t.replay(r, 2, r.Started.Add(t.tolerance(r))); err == nil {
			o.Verdict = Same
			if now.Path.String() != again.Path.String() && c.has(Steps) {
				o.Verdict, o.Reason = NotReplayed, "its path depends on random numbers or on the clock"
				return o
			}
			c = &comparison{tolerance: c.tolerance, recorded: r, replayed: now, again: again}
			c.compare()
		}
	}
	if len(c.differences) > 0 {
		o.Verdict, o.Differences, o.First = Differs, c.differences, c.first
	}
	return o
}

// tolerance is by how much the times of a replay may differ from the record's.
func (t *Test) tolerance(r *Record) time.Duration {
	const share = 20
	fixed := t.Tolerance
	if fixed <= 0 {
		fixed = DefaultTolerance
	}
	return fixed + r.Duration()/share
}

// replay rehearses the definition with what the record has. The record that it gives is as far as it got.
func (t *Test) replay(r *Record, seed uint64, start time.Time) (*Record, error) {
	recorded := &answers{record: r, tolerance: t.tolerance(r)}
	mock := Mock(recorded.answer)
	if t.Over != nil {
		mock = t.Over(mock)
	}
	result := rehearsal.Run(rehearsal.Script{
		Machine: t.Machine, Name: r.Info.StateMachine, Info: r.Info, Input: r.Info.Input, Start: start, Seed: seed,
		Answer: mock, Interventions: r.Interventions,
		Token: func(id statemachine.TaskID) string { return fmt.Sprintf("token-%d-%d", seed, id) }, // random, as in the record
	})
	view, err := history.View(t.Machine, result.Info(), result.Events)
	if err != nil {
		return nil, fmt.Errorf("reading what it did: %w", err)
	}
	now, err := Read(Record{
		Info: result.Info(), Status: result.Status, Output: result.Output, Error: result.Error, Cause: result.Cause,
		Started: result.Started, Ended: result.Ended,
	}, view)
	return now, errors.Join(result.Problem, err)
}
