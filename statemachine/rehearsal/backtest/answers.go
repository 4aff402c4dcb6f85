package backtest

import (
	"fmt"
	"time"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
)

// answers gives the answers of a record to the calls of a replay: those of the same state, in the same iterations, by
// how often the state was entered before and by the attempt.
type answers struct {
	record    *Record
	tolerance time.Duration
	visits    map[string]int // how often a state was entered that called, so far
}

func (a *answers) answer(c *rehearsal.Call) (rehearsal.Answer, error) {
	name := c.String()
	if a.visits == nil {
		a.visits = map[string]int{}
	}
	if c.Attempt == 0 || a.visits[name] == 0 {
		a.visits[name]++
	}
	if !a.record.Known {
		return rehearsal.Answer{}, fmt.Errorf("it calls %s, and the history of the recorded execution was not kept", name)
	}
	visits, n := a.record.calls[name], a.visits[name]
	if len(visits) == 0 {
		return rehearsal.Answer{}, fmt.Errorf("it calls %s, which the recorded execution never did", name)
	}
	if n > len(visits) {
		return rehearsal.Answer{}, fmt.Errorf("it comes to %s for the %s time, and there are answers for %s only", name, ordinal(n),
			times(len(visits)))
	}
	for _, call := range visits[n-1].Calls {
		if call.Attempt == c.Attempt {
			return a.recorded(name, call, c), nil
		}
	}
	return rehearsal.Answer{}, fmt.Errorf("it calls %s in the %s attempt, for which there is no answer", name, ordinal(c.Attempt+1))
}

// recorded gives what a call was answered. What would have come after a timeout, or after a task was given up, is not
// known.
func (a *answers) recorded(name string, call *Call, now *rehearsal.Call) rehearsal.Answer {
	took := call.Ended.Sub(call.At)
	answer := rehearsal.Answer{Delay: took}
	switch call.End {
	case TimedOut:
		answer.Unknown = fmt.Errorf("%s had no answer when it timed out after %s, and now waits for longer", name, took)
		answer.Delay++ // a timeout at the same time comes first
	case GivenUp:
		answer.Unknown = fmt.Errorf("%s had no answer when it was given up after %s, and now waits for longer", name, took)
		answer.Delay += a.tolerance
	case Failed:
		answer.Failed, answer.Error, answer.Cause = true, call.Error, call.Cause
	case Succeeded:
		answer.Result = call.Result
	}
	for _, beat := range call.Beats {
		if after := beat.Sub(call.At); after < took {
			answer.Beats = append(answer.Beats, after)
		}
	}
	if now.Pattern != statemachine.WaitForTaskToken || call.End == Failed && call.Submitted.IsZero() {
		return answer
	}
	outer := rehearsal.Answer{Delay: took, Beats: answer.Beats}
	if !call.Submitted.IsZero() {
		outer.Delay, outer.Result = call.Submitted.Sub(call.At), call.Answer
	}
	answer.Delay -= min(outer.Delay, answer.Delay)
	answer.Beats = nil
	outer.Token = &answer
	return outer
}

func ordinal(n int) string {
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			return fmt.Sprintf("%dst", n)
		case 2:
			return fmt.Sprintf("%dnd", n)
		case 3:
			return fmt.Sprintf("%drd", n)
		}
	}
	return fmt.Sprintf("%dth", n)
}

func times(n int) string {
	if n == 1 {
		return "one time"
	}
	return fmt.Sprintf("%d times", n)
}
